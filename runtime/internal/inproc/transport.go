package inproc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
)

// A Transport is an [http.RoundTripper] that calls a handler of this process, without a network.
type Transport struct {
	Handler http.Handler
	Inline  bool // the handler is called in the caller's goroutine, as on a virtual clock
	MaxBody int  // how many bytes of a response's body are read
	Log     *slog.Logger

	running sync.WaitGroup
}

// RoundTrip calls the handler as a server would. Like a client, it does not wait for a handler that goes on after the
// request's context is done, or after MaxBody bytes of its response.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	w := &responseWriter{maxBody: t.MaxBody}
	if t.Inline {
		err := t.serve(w, serverRequest(r.Context(), r))
		return w.response(r), err
	}
	ctx, cancel := context.WithCancel(r.Context())
	w.full, w.cancel = make(chan struct{}), cancel
	done := make(chan error, 1)
	t.running.Go(func() {
		defer cancel()
		err := errHandlerExited
		defer func() { done <- err }()
		err = t.serve(w, serverRequest(ctx, r))
	})
	select {
	case err := <-done:
		return w.response(r), err
	case <-w.full:
		return w.response(r), nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// Wait returns when no handler runs.
func (t *Transport) Wait() { t.running.Wait() }

// errHandlerExited is the outcome of a handler that ended its goroutine, as a failed check of a test does: a client sees
// a broken connection.
var errHandlerExited = errors.New("the handler ended its goroutine (runtime.Goexit)")

// serve calls the handler and returns an error if it panicked, which a client sees as a broken connection.
func (t *Transport) serve(w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the handler panicked: %v", v)
			if v != http.ErrAbortHandler {
				t.Log.Error("handler panicked", "url", r.URL.String(), "panic", v, "stack", string(debug.Stack()))
			}
		}
	}()
	t.Handler.ServeHTTP(w, r)
	return nil
}

// serverRequest returns a client's request as a server would have read it. It may change r, which is nobody else's.
func serverRequest(ctx context.Context, r *http.Request) *http.Request {
	s := r
	if ctx != r.Context() {
		s = r.WithContext(ctx)
	}
	s.RequestURI = r.URL.RequestURI()
	s.RemoteAddr = "127.0.0.1:0"
	s.GetBody = nil
	u := *r.URL
	u.Scheme, u.Host, u.User, u.Fragment = "", "", nil, ""
	s.URL = &u
	header, all := make(http.Header, len(r.Header)), make([]string, 0, len(r.Header)) // mostly one value a key
	for k, values := range r.Header {
		k = rules.CanonicalKey(k)
		if len(values) != 1 || header[k] != nil {
			header[k] = append(header[k], values...)
			continue
		}
		all = append(all, values[0])
		header[k] = all[len(all)-1 : len(all) : len(all)]
	}
	s.Header = header
	return s
}

// responseWriter keeps the part of a handler's response that is read. Its lock is for handlers that go on after the
// response has been taken.
type responseWriter struct {
	mu     sync.Mutex
	header http.Header // the handler's
	sent   http.Header // as it was when the response began
	status int
	body   strings.Builder
	isFull bool

	maxBody int

	// Nil when nobody waits for the handler.
	full   chan struct{} // closed when isFull
	cancel context.CancelFunc
}

var errResponseTooLong = errors.New("nothing reads more of this response's body")

func (w *responseWriter) Header() http.Header {
	if w.header == nil {
		w.header = make(http.Header)
	}
	return w.header
}

func (w *responseWriter) WriteHeader(status int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begin(status)
}

func (w *responseWriter) begin(status int) {
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("invalid WriteHeader code %d", status)) // as net/http's server does
	}
	if w.status != 0 || status < 200 { // an informational response is not the response
		return
	}
	w.status, w.sent = status, w.header.Clone()
}

func (w *responseWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begin(http.StatusOK)
	if w.isFull {
		return 0, errResponseTooLong
	}
	n := min(len(p), w.maxBody-w.body.Len())
	w.body.Write(p[:n])
	if n < len(p) {
		w.isFull = true
		if w.full != nil {
			close(w.full)
			w.cancel()
		}
		return n, errResponseTooLong
	}
	return n, nil
}

// Flush does nothing: the response is taken as a whole.
func (w *responseWriter) Flush() {}

func (w *responseWriter) response(r *http.Request) *http.Response {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begin(http.StatusOK)
	resp := &http.Response{
		StatusCode: w.status, Status: http.StatusText(w.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.sent, Body: http.NoBody, ContentLength: int64(w.body.Len()), Request: r,
	}
	if w.body.Len() > 0 {
		resp.Body = io.NopCloser(strings.NewReader(w.body.String())) // which net/http knows to be in memory
	}
	return resp
}
