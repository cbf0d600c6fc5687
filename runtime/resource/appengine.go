package resource

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
)

// AppEngineRequest is what an App Engine target gets: google.cloud.tasks.v2.AppEngineHttpRequest. localqueue.WithAppEngine says where its
// tasks go on a laptop.
type AppEngineRequest struct {
	Method      string           // POST, GET, HEAD, PUT, DELETE, PATCH or OPTIONS; "" is POST
	Routing     AppEngineRouting // the queue's override beats it
	RelativeURI string           // path and query, from "/" on; no spaces, at most 2083 characters; "" is "/"
	Header      map[string]string
	Body        []byte // with POST and PUT only; absent in the basic view
}

// AppEngineRouting names a service, version and instance of the project's app; "" is the default one.
type AppEngineRouting struct {
	Service, Version, Instance string

	Host string // set by the service: such as service.project.appspot.com
}

const (
	appEngineUserAgent   = "AppEngine-Google; (+http://code.google.com/appengine)"
	maxAppEngineDeadline = 24*time.Hour + 15*time.Second
)

// normalizeAppEngine checks a request and returns it as it is stored.
func normalizeAppEngine(in *AppEngineRequest, queue string) (*AppEngineRequest, error) {
	r := *in
	if r.RelativeURI == "" {
		r.RelativeURI = "/"
	}
	switch {
	case r.RelativeURI[0] != '/':
		return nil, Invalid("AppEngineHttpRequest.relativeUri must start with '/'.")
	case strings.ContainsFunc(r.RelativeURI, func(c rune) bool { return c <= ' ' || c == 0x7f }):
		return nil, Invalid("AppEngineHttpRequest.relativeUri must not contain spaces or control characters.")
	case len(r.RelativeURI) > rules.MaxURLLength:
		return nil, Invalid("AppEngineHttpRequest.relativeUri must be at most %d characters: it has %d.", rules.MaxURLLength, len(r.RelativeURI))
	}
	if r.Method == "" {
		r.Method = http.MethodPost
	}
	switch r.Method {
	case "POST", "PUT":
	case "GET", "HEAD", "DELETE", "PATCH", "OPTIONS":
		if len(r.Body) > 0 {
			return nil, Invalid("AppEngineHttpRequest.body is only allowed with the HTTP methods POST and PUT, not %s.", r.Method)
		}
	default:
		return nil, Invalid("AppEngineHttpRequest.httpMethod %q is unknown: it must be POST, GET, HEAD, PUT, DELETE, PATCH or OPTIONS.", r.Method)
	}
	r.Routing = r.Routing.In(queue)
	r.Header = appEngineStoredHeader(r.Header, len(r.Body))
	return &r, nil
}

// appEngineStoredHeader returns the headers that the service stores.
func appEngineStoredHeader(in map[string]string, bodySize int) map[string]string {
	out := make(map[string]string, len(in)+3)
	agent, typed := appEngineUserAgent, false
	for key, value := range in {
		switch canonical := http.CanonicalHeaderKey(key); {
		case canonical == "User-Agent":
			agent = value + " " + appEngineUserAgent
		case rules.IsServiceHeader(key):
		default:
			typed = typed || canonical == "Content-Type"
			out[key] = value
		}
	}
	out["User-Agent"] = agent
	if bodySize > 0 {
		out["Content-Length"] = strconv.Itoa(bodySize)
		if !typed {
			out["Content-Type"] = "application/octet-stream"
		}
	}
	return out
}

// In returns the routing with the host that it has for tasks of a queue.
func (r AppEngineRouting) In(queue string) AppEngineRouting {
	project, _, _ := strings.Cut(strings.TrimPrefix(queue, "projects/"), "/")
	if domain, id, ok := strings.Cut(project, ":"); ok { // of a domain's own projects
		project = id + "." + domain
	}
	var parts []string
	for _, part := range []string{r.Instance, r.Version, r.Service} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	r.Host = strings.Join(append(parts, project+".appspot.com"), ".")
	return r
}
