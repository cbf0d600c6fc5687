package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// maxRESTBody bounds a request over REST in bytes, as Google's servers do.
const maxRESTBody = 10 << 20

// rest is the REST face: it turns an HTTP request into the call of a method, which is the one that gRPC calls too, and
// its answer into JSON.
type rest struct {
	routes *routes
	log    *slog.Logger
}

func newREST(routes *routes, log *slog.Logger) *rest {
	return &rest{routes: routes, log: log}
}

func (h *rest) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// Google's parameters have semicolons in their values ("$alt=json;enum-encoding=int"), encoded or not.
	query, err := url.ParseQuery(strings.ReplaceAll(r.URL.RawQuery, ";", "%3B"))
	if err != nil {
		writeError(w, answerFormat{pretty: true}, status.Errorf(codes.InvalidArgument, "The query string is malformed: %v", err))
		return
	}
	format, err := newAnswerFormat(query)
	if err != nil {
		writeError(w, format, err)
		return
	}
	method := r.Method
	if override := r.Header.Get("X-HTTP-Method-Override"); override != "" && method == http.MethodPost {
		method = strings.ToUpper(override)
	}
	if method == http.MethodHead {
		method = http.MethodGet // net/http leaves the body out
	}
	path := r.URL.EscapedPath()
	if strings.HasPrefix(path, versionlessPrefix) {
		path = "/v2" + path
	}
	route, values, allowed := h.routes.find(method, path)
	switch {
	case route != nil:
	case method == http.MethodOptions && len(allowed) > 0:
		w.Header().Set("Allow", strings.Join(slices.Compact(slices.Sorted(slices.Values(append(allowed, http.MethodOptions)))), ", "))
		w.WriteHeader(http.StatusNoContent)
		return
	default:
		refuseUnknown(w, r)
		return
	}
	if format.fields != nil { // before anything is done
		if format.fields, err = format.fields.in(route.answer); err != nil {
			writeError(w, format, err)
			return
		}
	}
	resp, err := route.call(&restCall{route, values, query, r, w})
	if err != nil {
		writeError(w, format, err)
		return
	}
	if large, ok := resp.(*largeAnswer); ok {
		defer large.sent()
		resp = large.Message
	}
	body, err := format.encode(resp)
	if err != nil {
		h.log.ErrorContext(r.Context(), "encoding an answer", "path", r.URL.Path, "error", err)
		writeError(w, format, status.Errorf(codes.Internal, "encoding the answer: %v", err))
		return
	}
	writeBody(w, http.StatusOK, format, body)
}

// refuseUnknown answers a path that is no method's, or not with this method of HTTP: Google tells neither apart.
func refuseUnknown(w http.ResponseWriter, r *http.Request) {
	writeError(w, answerFormat{pretty: true}, status.Errorf(codes.NotFound, "The requested URL %s was not found on this server for method %s.",
		bounded(r.URL.EscapedPath()), bounded(r.Method)))
}

// readBody reads the request's body as far as it may go.
func (c *restCall) readBody() ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(c.writer, c.request.Body, maxRESTBody))
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &tooLong):
		return nil, status.Errorf(codes.InvalidArgument, "Request payload size exceeds the limit: %d bytes.", maxRESTBody)
	case err != nil:
		return nil, status.Errorf(codes.Canceled, "reading the request's body: %v", err)
	}
	return body, nil
}

// decode fills in the request of a method from the body, the query and the path, of which the last wins.
func (c *restCall) decode(req proto.Message) error {
	params := requestParams(c.query)
	body, err := c.readBody()
	if err != nil {
		return err
	}
	kind, _, _ := mime.ParseMediaType(c.request.Header.Get("Content-Type"))
	switch {
	case kind == "application/x-www-form-urlencoded" && len(body) > 0: // Google reads a form's fields as parameters
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return status.Errorf(codes.InvalidArgument, "The form in the request's body is malformed: %v", err)
		}
		for key, values := range form {
			params[key] = append(params[key], values...)
		}
	case len(bytes.TrimSpace(body)) == 0:
	case c.route.body == "" && string(bytes.TrimSpace(body)) == "{}": // some clients send one with every request
	case c.route.body == "":
		return status.Error(codes.InvalidArgument, "Request payload must be empty: this method has no body.")
	case kind == "application/x-protobuf":
		if err := decodeProto(body, req, c.route.body); err != nil {
			return err
		}
	default:
		if err := decodeJSON(body, req, c.route.body); err != nil {
			return err
		}
	}
	if err := decodeQuery(params, req, c.route.body); err != nil {
		return err
	}
	for i, v := range c.route.path.variables {
		if err := setField(req, v.field, []string{c.values[i]}); err != nil {
			return status.Errorf(codes.Internal, "setting %s from the path: %v", v.field, err)
		}
	}
	return nil
}

// answerFormat is how the caller wants to be answered.
type answerFormat struct {
	pretty      bool
	enumNumbers bool
	binary      bool      // protocol buffers in place of JSON
	fields      selection // the part of the answer that is wanted; nil is all
}

// newAnswerFormat reads Google's system parameters.
func newAnswerFormat(query url.Values) (f answerFormat, err error) {
	system := func(name string) string {
		if v := query.Get("$" + name); v != "" {
			return v
		}
		return query.Get(name)
	}
	f.pretty = true
	if pretty, err := strconv.ParseBool(system("prettyPrint")); err == nil {
		f.pretty = pretty
	}
	alt, options, _ := strings.Cut(system("alt"), ";")
	f.binary = alt == "proto"
	f.enumNumbers = slices.Contains(strings.Split(options, ";"), "enum-encoding=int")
	if mask := system("fields"); mask != "" {
		f.fields, err = newSelection(mask)
	}
	return f, err
}

func (f answerFormat) encode(m proto.Message) ([]byte, error) {
	if f.binary {
		return proto.Marshal(m)
	}
	raw, err := protojson.MarshalOptions{UseEnumNumbers: f.enumNumbers}.Marshal(m)
	if err != nil {
		return nil, err
	}
	if f.fields != nil {
		if raw, err = f.fields.ofJSON(raw); err != nil {
			return nil, err
		}
	}
	return f.layOut(raw)
}

// layOut formats JSON as asked for: protojson varies its spaces on purpose.
func (f answerFormat) layOut(raw []byte) ([]byte, error) {
	var out bytes.Buffer
	var err error
	if f.pretty {
		err = json.Indent(&out, raw, "", "  ")
	} else {
		err = json.Compact(&out, raw)
	}
	if err != nil {
		return nil, fmt.Errorf("formatting JSON: %w", err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

func writeBody(w http.ResponseWriter, code int, format answerFormat, body []byte) {
	contentType := "application/json; charset=UTF-8"
	if format.binary {
		contentType = "application/x-protobuf"
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(code)
	_, _ = w.Write(body) // if it fails, the caller is gone
}
