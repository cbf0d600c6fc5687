package emulator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
)

// controlPrefix begins the paths of the control API: what test suites need and Cloud Tasks does not have. No path of
// Google's begins so.
const controlPrefix = "/_cloudtask/v1/"

const (
	maxControlBody        = 64 << 10
	defaultControlTimeout = 30 * time.Second
	maxControlTimeout     = 10 * time.Minute
)

// control is the control API.
type control struct {
	queue  *localqueue.Service
	events eventLog
}

// withControl serves the control API of a's queue in front of next, until end.
func withControl(a *api, next http.Handler) (handler http.Handler, end func()) {
	c := &control{queue: a.queue}
	own := c.routes()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { // no mux, which would clean Google's paths
		if strings.HasPrefix(r.URL.Path, controlPrefix) {
			own.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	}), c.events.end
}

// routes are the calls, each under its method and path.
func (c *control) routes() http.Handler {
	mux := http.NewServeMux()
	for pattern, call := range map[string]func(r *http.Request) (any, error){
		"GET now":             c.now,
		"GET backlog":         c.backlog,
		"POST wait-idle":      c.waitIdle,
		"POST reset":          c.reset,
		"POST advance":        c.advance,
		"POST run-due":        c.runDue,
		"POST run-next":       c.runNext,
		"POST run-for":        c.runFor,
		"POST run-until-idle": c.runUntilIdle,
		"GET faults":          c.getFaults,
		"PUT faults":          c.putFaults,
		"DELETE faults":       c.deleteFaults,
		"POST events":         c.beginEvents,
		"GET events":          c.getEvents,
		"GET attempts":        c.attempts,
		"GET locations":       c.locations,
		"POST token":          c.token,
	} {
		method, name, _ := strings.Cut(pattern, " ")
		mux.Handle(method+" "+controlPrefix+name, c.answer(call))
	}
	mux.Handle(controlPrefix, c.answer(func(r *http.Request) (any, error) {
		return nil, &cloudtask.StatusError{Code: cloudtask.NotFound, Message: fmt.Sprintf("%s %s is no call of the control API: see "+
			"docs/embedded-queue.md", r.Method, r.URL.Path)}
	}))
	return mux
}

// answer serves one call.
func (c *control) answer(call func(r *http.Request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The server's own bound of reading a request would end the context of a call that takes long.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(maxControlTimeout + time.Minute))
		result, err := call(r)
		writeControl(w, result, err)
	})
}

// writeControl writes the answer to a call. An error has the form of Google's REST errors; what there is besides it
// stands next to it.
func writeControl(w http.ResponseWriter, result any, err error) {
	status := http.StatusOK
	if err != nil {
		code, message := controlError(err)
		status = rules.HTTPStatus(int(code))
		body := map[string]any{"error": map[string]any{"code": status, "message": message, "status": code.String()}}
		if b, ok := result.(backlogJSON); ok {
			body["backlog"] = b
		}
		result = body
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(result) // the caller has gone
}

func controlError(err error) (cloudtask.Code, string) {
	var refused *cloudtask.StatusError
	switch {
	case errors.Is(err, localqueue.ErrVirtualOnly):
		return cloudtask.FailedPrecondition, "the clock is real, and only a virtual one can be moved: start cloudtask dev with -clock virtual"
	case errors.Is(err, localqueue.ErrRunning):
		return cloudtask.Aborted, "another call is delivering tasks: one at a time"
	case errors.As(err, &refused):
		return refused.Code, bounded(refused.Message)
	}
	return cloudtask.Internal, bounded(err.Error())
}

// controlRequest is what the calls are told; each knows some of the fields.
type controlRequest struct {
	Timeout  *duration   `json:"timeout"`
	Duration *duration   `json:"duration"`
	Queue    string      `json:"queue"`
	Faults   *faultsJSON `json:"faults"`

	ServiceAccount string `json:"serviceAccount"`
	Audience       string `json:"audience"`
}

// read reads the request's body, which may be missing; fields are those that the call knows.
func (c *control) read(r *http.Request, fields ...string) (controlRequest, error) {
	var req controlRequest
	body, err := io.ReadAll(io.LimitReader(r.Body, maxControlBody+1))
	switch {
	case err != nil:
		return req, badControl("reading the body: %v", err)
	case len(body) > maxControlBody:
		return req, badControl("the body is longer than %d bytes", maxControlBody)
	case len(body) == 0:
		return req, nil
	}
	if media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); media != "application/json" {
		return req, badControl("the body's Content-Type is %q: want application/json", r.Header.Get("Content-Type"))
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		return req, badControl("the body is no JSON object: %v", err)
	}
	for name := range members {
		if !slices.Contains(fields, name) {
			return req, badControl("unknown field %q: this call knows %s", name, known(fields))
		}
	}
	decoder := json.NewDecoder(strings.NewReader(string(body)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&req); err != nil {
		return req, badControl("the body: %v", err)
	}
	return req, nil
}

func known(fields []string) string {
	if len(fields) == 0 {
		return "none"
	}
	return strings.Join(fields, ", ")
}

func badControl(format string, args ...any) error {
	return &cloudtask.StatusError{Code: cloudtask.InvalidArgument, Message: fmt.Sprintf(format, args...)}
}

// bound returns the context of a call that may take as long as it says, or half a minute.
func (req controlRequest) bound(ctx context.Context) (context.Context, context.CancelFunc, error) {
	timeout := defaultControlTimeout
	if req.Timeout != nil {
		timeout = time.Duration(*req.Timeout)
	}
	if timeout <= 0 || timeout > maxControlTimeout {
		return nil, nil, badControl("timeout %v: want more than 0 and at most %v", timeout, maxControlTimeout)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	return ctx, cancel, nil
}
