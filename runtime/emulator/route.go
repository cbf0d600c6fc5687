package emulator

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// route is one way to call a method over REST.
type route struct {
	method string // of HTTP
	path   pathTemplate
	body   string // the field that the request's body is; "*" is the whole request, "" is none
	answer protoreflect.MessageDescriptor
	call   func(*restCall) (proto.Message, error)
}

// restCall is an HTTP request that a route has been found for.
type restCall struct {
	route   *route
	values  []string // of the path's variables
	query   url.Values
	request *http.Request
	writer  http.ResponseWriter
}

// routes is the REST face: what the google.api.http annotations of the methods say.
type routes struct {
	all   []route
	verbs map[string]bool // that a path may end in, after a colon
}

// mixinRules are the paths that the service's configuration gives methods that other APIs define. An operation's id
// is a request id, which is the caller's and may have slashes.
func mixinRules() map[string]*annotations.HttpRule {
	get := func(path string) *annotations.HttpRule {
		return &annotations.HttpRule{Pattern: &annotations.HttpRule_Get{Get: path}}
	}
	return map[string]*annotations.HttpRule{
		"google.cloud.location.Locations.GetLocation":   get("/v2/{name=projects/*/locations/*}"),
		"google.cloud.location.Locations.ListLocations": get("/v2/{name=projects/*}/locations"),
		"google.longrunning.Operations.GetOperation":    get("/v2/{name=projects/*/locations/*/operations/**}"),
	}
}

// newRoutes returns the routes to the methods of services, which server implements.
func newRoutes(server any, intercept grpc.UnaryServerInterceptor, services ...*grpc.ServiceDesc) (*routes, error) {
	rs := &routes{verbs: make(map[string]bool)}
	mixins := mixinRules()
	for _, service := range services {
		found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(service.ServiceName))
		if err != nil {
			return nil, fmt.Errorf("finding the descriptor of %s: %w", service.ServiceName, err)
		}
		methods := found.(protoreflect.ServiceDescriptor).Methods()
		for _, method := range service.Methods {
			descriptor := methods.ByName(protoreflect.Name(method.MethodName))
			rule, _ := proto.GetExtension(descriptor.Options(), annotations.E_Http).(*annotations.HttpRule)
			if mixin := mixins[string(descriptor.FullName())]; mixin != nil {
				rule = mixin
			}
			call := func(c *restCall) (proto.Message, error) {
				resp, err := method.Handler(server, c.request.Context(), func(in any) error { return c.decode(in.(proto.Message)) }, intercept)
				if err != nil {
					return nil, err
				}
				return resp.(proto.Message), nil
			}
			if err := rs.add(rule, descriptor.Output(), call); err != nil {
				return nil, fmt.Errorf("routing to %s: %w", descriptor.FullName(), err)
			}
		}
	}
	return rs, nil
}

// bufferRule is the rule of BufferTask, which exists over REST only and so has no annotation. Google takes GET besides
// the documented POST: the task has the method of the request that it is made of.
func bufferRule() *annotations.HttpRule {
	const queue = "/v2/{queue=projects/*/locations/*/queues/*}/tasks"
	rule := &annotations.HttpRule{}
	for _, path := range []string{queue + ":buffer", queue + "/{task_id}:buffer"} {
		rule.AdditionalBindings = append(rule.AdditionalBindings,
			&annotations.HttpRule{Pattern: &annotations.HttpRule_Get{Get: path}},
			&annotations.HttpRule{Pattern: &annotations.HttpRule_Post{Post: path}},
			&annotations.HttpRule{Pattern: &annotations.HttpRule_Put{Put: path}},
			&annotations.HttpRule{Pattern: &annotations.HttpRule_Patch{Patch: path}},
			&annotations.HttpRule{Pattern: &annotations.HttpRule_Delete{Delete: path}},
		)
	}
	return rule
}

// add adds the routes of a rule, if it is one of this API's version.
func (rs *routes) add(rule *annotations.HttpRule, answer protoreflect.MessageDescriptor, call func(*restCall) (proto.Message, error)) error {
	for _, binding := range append([]*annotations.HttpRule{rule}, rule.GetAdditionalBindings()...) {
		method, path := bindingOf(binding)
		if !strings.HasPrefix(path, "/v2/") {
			continue
		}
		template, err := parsePathTemplate(path)
		if err != nil {
			return err
		}
		rs.all = append(rs.all, route{method, template, binding.GetBody(), answer, call})
		if template.verb != "" {
			rs.verbs[template.verb] = true
		}
	}
	return nil
}

func bindingOf(rule *annotations.HttpRule) (method, path string) {
	switch pattern := rule.GetPattern().(type) {
	case *annotations.HttpRule_Get:
		return http.MethodGet, pattern.Get
	case *annotations.HttpRule_Put:
		return http.MethodPut, pattern.Put
	case *annotations.HttpRule_Post:
		return http.MethodPost, pattern.Post
	case *annotations.HttpRule_Delete:
		return http.MethodDelete, pattern.Delete
	case *annotations.HttpRule_Patch:
		return http.MethodPatch, pattern.Patch
	}
	return "", ""
}

// find returns the route to call, with its variables' values, and the methods that the path has routes for. The path is
// still percent-encoded.
func (rs *routes) find(method, path string) (found *route, values []string, allowed []string) {
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	last, verb := &segments[len(segments)-1], ""
	if i := strings.LastIndexByte(*last, ':'); i >= 0 && rs.verbs[(*last)[i+1:]] {
		*last, verb = (*last)[:i], (*last)[i+1:]
	}
	if verb == "buffer" && *last == "" { // "tasks/:buffer", which gcloud sends where the task's id is the service's to choose
		segments = segments[:len(segments)-1]
	}
	for i := range rs.all {
		r := &rs.all[i]
		got, ok := r.path.match(segments, verb)
		if !ok {
			continue
		}
		allowed = append(allowed, r.method)
		if r.method == method && found == nil {
			found, values = r, got
		}
	}
	return found, values, allowed
}
