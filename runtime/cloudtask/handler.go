package cloudtask

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/failedanswer"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/inproc"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
)

// NewHandler returns the handler that runs the tasks of routes when Cloud Tasks calls. It answers POST requests to
// Config.PathPrefix followed by a route's name or alias, and is mounted so that it sees that path:
//
//	mux.Handle("/tasks/", handler)
//
// Where Config.BaseURL has a path of its own, that may stand before the prefix or have been stripped; the prefix
// itself must not be stripped.
//
// A task is acknowledged, with a 2xx status, only when Run returned without an error or with a [Discard]; every other
// answer makes Cloud Tasks try again. The context of Run has the task's [Metadata], the request's propagated headers and a
// deadline: that of the attempt (Cloud Tasks' dispatch deadline) less 2 %, at least 1 s and at most 10 s, so that a Run
// which stops when its context ends is answered in time. A Run that goes on beyond the dispatch deadline has timed out,
// whatever it returns. A panic of Run is a failed run like any other, whatever was thrown.
//
// Requests are authenticated first, after their method: without the configured account's token one learns nothing,
// not even which tasks there are. One structured line a request goes to Config.Logger.
//
// The error says everything that is wrong with the configuration or the routes.
func NewHandler(cfg Config, routes ...Route) (http.Handler, error) {
	cfg, err := cfg.forHandler()
	table, routesErr := routeTable(&cfg, routes)
	if err := errors.Join(err, routesErr); err != nil {
		return nil, fmt.Errorf("cloudtask: %w", err)
	}
	h := &handler{cfg: cfg, auth: cfg.authenticator(), routes: table}
	if h.failures, err = newFailureStore(cfg.SaveFailures); err != nil {
		return nil, fmt.Errorf("cloudtask: %w", err)
	}
	h.buffers.New = func() any { return new(buffers) }
	if base, err := url.Parse(cfg.BaseURL); err == nil {
		h.basePrefix = base.Path + cfg.PathPrefix
		h.origin = base.Scheme + "://" + base.Host
	}
	return h, nil
}

// routeTable returns the routes by name and alias.
func routeTable(cfg *Config, routes []Route) (map[string]*Route, error) {
	table := make(map[string]*Route, len(routes))
	var problems []error
	for i := range routes {
		route := &routes[i]
		if route.Name == "" || route.run == nil {
			problems = append(problems, fmt.Errorf("route %d, %q, has no name or nothing to run: make it with Definition.Route or "+
				"Definition.RouteWithResult", i, route.Name))
			continue
		}
		if route.Queue != "" {
			if err := cfg.checkQueue(route.Queue); err != nil {
				problems = append(problems, fmt.Errorf("task %s: queue %s: %w", route.Name, shorten(route.Queue), err))
			}
		}
		for _, name := range append([]string{route.Name}, route.Aliases...) {
			if other := table[name]; other != nil {
				problems = append(problems, fmt.Errorf("task %s and task %s both answer to %q: rename one of them or drop the alias (they are of types %s "+
					"and %s)", other.Name, route.Name, name, other.typeName, route.typeName))
				continue
			}
			table[name] = route
		}
	}
	return table, errors.Join(problems...)
}

type handler struct {
	cfg        Config
	auth       Authenticator // nil: off
	routes     map[string]*Route
	basePrefix string // path of BaseURL and PathPrefix
	origin     string // BaseURL without its path
	failures   *failureStore
	buffers    sync.Pool
}

// buffers is what one request needs for its bodies.
type buffers struct{ payload, answer []byte }

const maxPooled = 64 << 10 // bytes of a buffer that is worth keeping

func (h *handler) release(b *buffers) {
	if cap(b.payload) <= maxPooled && cap(b.answer) <= maxPooled {
		h.buffers.Put(b)
	}
}

// ServeHTTP runs the task that the request is for.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	started := time.Now()
	name, prefixed := h.taskName(r.URL.Path)
	stranger := report{task: clip(name), started: started}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		stranger.outcome, stranger.err = wrongMethod, fmt.Errorf("method %s is not allowed: use POST", clip(r.Method))
		h.refuse(w, r, &stranger)
		return
	}
	if h.auth != nil {
		if err := h.auth.Authenticate(r); err != nil {
			w.Header().Set("WWW-Authenticate", "Bearer")
			stranger.outcome, stranger.err = unauthenticated, err
			h.refuse(w, r, &stranger)
			return
		}
	}
	route := h.routes[name]
	ctx := &runContext{Context: r.Context(), clock: inproc.ClockFrom(r.Context()), began: started, meta: Metadata{
		Project: h.cfg.Project, location: h.cfg.Location, started: started, Headers: capture(r.Header, h.cfg.PropagatedHeaders),
	}}
	if ctx.clock != nil {
		ctx.began = ctx.clock.Now()
	}
	ctx.meta.readHeaders(r.Header)
	if route == nil || !prefixed {
		h.refuseUnknown(w, r, &report{outcome: unknownTask, task: name, meta: &ctx.meta, started: started, err: h.notFound(r.URL.Path)})
		return
	}
	ctx.meta.retry = route.Retry
	ctx.timeout = timeout(r.Header, route)
	h.run(ctx, w, r, route)
}

// taskName returns the part of the path that names a task. A path without the prefix names none: it is returned whole,
// and prefixed is false.
func (h *handler) taskName(path string) (name string, prefixed bool) {
	if name, ok := strings.CutPrefix(path, h.cfg.PathPrefix); ok {
		return name, true
	}
	if name, ok := strings.CutPrefix(path, h.basePrefix); ok && h.basePrefix != "" {
		return name, true
	}
	return path, false
}

// notFound returns the error for a path that names no task. A path without the prefix that ends in the name of one has
// been changed on its way here, or the client has another PathPrefix.
func (h *handler) notFound(path string) error {
	name, prefixed := h.taskName(path)
	last := path[strings.LastIndexByte(path, '/')+1:]
	if prefixed || h.routes[last] == nil {
		return fmt.Errorf(`task "%s" not found`, name)
	}
	return fmt.Errorf(`task "%s" not found: it is served here, but the path "%s" does not begin with PathPrefix, "%s": `+
		"mount the handler so that it sees the whole path, without http.StripPrefix, and give it the PathPrefix of the client", last, path, h.cfg.PathPrefix)
}

// clip bounds what anybody can make appear in the log.
func clip(s string) string {
	const limit = 200
	if len(s) > limit {
		return s[:limit] + "..."
	}
	return s
}

const (
	executedPrefix  = `{"status":"executed","result":`
	discardedAnswer = `{"status":"discarded"}`
	failedAnswer    = `{"status":"failed"}`
)

// run reads the payload, runs the task and answers.
func (h *handler) run(ctx *runContext, w http.ResponseWriter, r *http.Request, route *Route) {
	rep := report{task: route.Name, meta: &ctx.meta, started: ctx.meta.started}
	b := h.buffers.Get().(*buffers)
	returned := false
	defer func() {
		ctx.end()
		if !returned {
			h.answerGoexit(ctx, w, r, &rep, b.payload)
		}
		h.release(b)
	}()
	var err error
	if b.payload, err = readBody(b.payload[:0], r, h.cfg.MaxBody); err != nil {
		rep.outcome, rep.err = badPayload, err
		if errors.Is(err, errTooLarge) {
			rep.outcome = tooLarge
		}
		h.refuse(w, r, &rep)
		returned = true
		return
	}
	b.answer = append(b.answer[:0], executedPrefix...)
	b.answer, err = route.executeTo(ctx, b.answer, b.payload)
	returned = true

	h.classify(ctx, &rep, err)
	if rep.outcome != executed {
		h.saveFailure(r, &rep, b.payload)
	}
	h.logRun(ctx, &rep)
	switch rep.outcome {
	case executed:
		if len(b.answer) == len(executedPrefix) {
			b.answer = append(b.answer, "null"...)
		}
		b.answer = append(b.answer, '}')
		w.Header()["Content-Type"] = []string{"application/json"}
		_, _ = w.Write(b.answer) // if it fails, the caller is gone
	case discarded:
		answer(w, rep.status, discardedAnswer)
	case badPayload:
		answerError(w, http.StatusBadRequest, err)
	default:
		h.answerFailed(ctx, w, &rep)
	}
}

// answerFailed answers a run that failed, and tells an embedded queue why. Nobody else learns it.
func (h *handler) answerFailed(ctx *runContext, w http.ResponseWriter, rep *report) {
	body := failedAnswer
	if h.cfg.EmulatorHost != "" || ctx.clock != nil {
		body = string(failedanswer.Encode(rep.err.Error(), rep.stack))
	}
	answer(w, http.StatusInternalServerError, body)
}

// answerGoexit answers when Run has ended its goroutine, which is also the connection's: what is not sent now never
// is.
func (h *handler) answerGoexit(ctx *runContext, w http.ResponseWriter, r *http.Request, rep *report, payload []byte) {
	rep.outcome, rep.err, rep.stack = failed, errors.New("the task called runtime.Goexit"), string(debug.Stack())
	h.saveFailure(r, rep, payload)
	h.logRun(ctx, rep)
	h.answerFailed(ctx, w, rep)
	if flusher, ok := w.(http.Flusher); ok {
		flusher.Flush()
	}
}

// judge sets the outcome of the run that returned err.
func (h *handler) classify(ctx *runContext, rep *report, err error) {
	rep.err = err
	if err != nil {
		rep.stack = stackOf(err)
	}
	if _, ok := err.(*payloadError); ok {
		rep.outcome = badPayload
		return
	}
	_, ran := err.(*resultError)
	_, threw := err.(*panicError)
	ended := ctx.Context.Err() // of the request: its answer may reach nobody
	late := ctx.tooLate() || ended == context.Canceled && ctx.Err() == context.DeadlineExceeded
	switch {
	case late:
		rep.outcome = timedOut
		if err == nil || ran {
			rep.err = fmt.Errorf("%w: Run was done after %v, when the queue no longer waited for the answer (dispatch deadline %v): it delivers the task again",
				context.DeadlineExceeded, ctx.elapsed(), ctx.timeout)
		}
	case err == nil || ran:
		rep.outcome, rep.unanswered = executed, ended != nil
	case threw:
		rep.outcome = panicked
	case discardIn(err) != nil:
		rep.outcome, rep.unanswered = discarded, ended != nil
		rep.status, rep.mistake = discardIn(err).status()
	case ctx.Err() == context.DeadlineExceeded:
		rep.outcome = timedOut
	case ended != nil:
		rep.outcome, rep.err = canceled, ctx.canceledEarly(err)
	default:
		rep.outcome = failed
	}
}

// timeout returns the dispatch deadline of the attempt: what the enqueuer set for the task, else the route's. It is
// within Cloud Tasks' limits, whoever says what.
func timeout(h http.Header, route *Route) time.Duration {
	timeout := cmp.Or(route.Timeout, rules.DefaultDeadline)
	if value := first(h, timeoutHeader); value != "" {
		if d, err := time.ParseDuration(value); err == nil && d > 0 {
			timeout = d
		}
	}
	return min(max(timeout, rules.MinDeadline), rules.MaxDeadline)
}

var errTooLarge = errors.New("payload too large")

// readBody appends the request's body to dst. errTooLarge is wrapped by the error for more than limit bytes.
func readBody(dst []byte, r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return dst, fmt.Errorf("%w: %d bytes, the limit is %d (MaxBody)", errTooLarge, r.ContentLength, limit)
	}
	// One byte more than is expected lets the reader say that it has ended.
	dst = slices.Grow(dst, int(max(r.ContentLength, 511))+1)
	for {
		n, err := r.Body.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		switch {
		case int64(len(dst)) > limit:
			return dst, fmt.Errorf("%w: the limit is %d bytes (MaxBody)", errTooLarge, limit)
		case err == io.EOF:
			return dst, nil
		case err != nil:
			return dst, fmt.Errorf("reading the payload: %w", err)
		case len(dst) == cap(dst):
			dst = slices.Grow(dst, len(dst))
		}
	}
}

// refuse logs and answers a request that does not get as far as a run.
func (h *handler) refuse(w http.ResponseWriter, r *http.Request, rep *report) {
	h.logRun(r.Context(), rep)
	err := rep.err
	if rep.outcome == unauthenticated {
		err = errUnauthenticated // why is nobody's business
	}
	answerError(w, rep.outcome.status(), err)
}

// refuseUnknown is refuse for a task that there is no route for, whose payload nothing has read.
func (h *handler) refuseUnknown(w http.ResponseWriter, r *http.Request, rep *report) {
	if h.failures != nil {
		payload, err := readBody(nil, r, h.cfg.MaxBody)
		if err == nil {
			h.saveFailure(r, rep, payload)
		} else {
			rep.saveErr = err
		}
	}
	h.refuse(w, r, rep)
}

var errUnauthenticated = errors.New("unauthenticated")

// answer sends a JSON body.
func answer(w http.ResponseWriter, status int, body string) {
	w.Header()["Content-Type"] = []string{"application/json"}
	w.WriteHeader(status)
	io.WriteString(w, body)
}

// answerError sends {"error":…}.
func answerError(w http.ResponseWriter, status int, err error) {
	text, marshalErr := json.Marshal(err.Error())
	if marshalErr != nil { // of a string: never
		text = strconv.AppendQuote(nil, http.StatusText(status))
	}
	answer(w, status, `{"error":`+string(text)+`}`)
}
