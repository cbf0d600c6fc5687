package localqueue

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
)

// newTransport returns the transport that all attempts share.
func newTransport(config *tls.Config) *http.Transport {
	dialer := &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		TLSClientConfig:        config,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    2 * fastWorkers, // more than quick tasks ever use: none is opened twice
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    30 * time.Second,
		MaxResponseHeaderBytes: 1 << 20,
		DisableCompression:     true, // no header but the task's and Cloud Tasks' own
	}
}

// handlerTransport delivers requests to a handler without a network.
type handlerTransport struct {
	handler http.Handler
	inline  bool // on a virtual clock: in the caller's goroutine
	log     *slog.Logger
	running sync.WaitGroup
}

// RoundTrip calls the handler as a server would. Like a client, it does not wait for a handler that goes on after the
// request's context is done, or after more of a response than anyone reads.
func (t *handlerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	w := &responseWriter{}
	if t.inline {
		err := t.serve(w, serverRequest(r.Context(), r))
		return w.response(r), err
	}
	ctx, cancel := context.WithCancel(r.Context())
	w.full, w.cancel = make(chan struct{}), cancel
	done := make(chan error, 1)
	t.running.Add(1)
	go func() {
		defer t.running.Done()
		defer cancel()
		err := errHandlerExited
		defer func() { done <- err }()
		err = t.serve(w, serverRequest(ctx, r))
	}()
	select {
	case err := <-done:
		return w.response(r), err
	case <-w.full:
		return w.response(r), nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// errHandlerExited is the outcome of a handler that ended its goroutine, as a failed check of a test does: a client sees
// a broken connection.
var errHandlerExited = errors.New("the handler ended its goroutine (runtime.Goexit)")

// serve calls the handler and returns an error if it panicked, which a client sees as a broken connection.
func (t *handlerTransport) serve(w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the handler panicked: %v", v)
			if v != http.ErrAbortHandler {
				t.log.Error("handler panicked", "url", r.URL.String(), "panic", v, "stack", string(debug.Stack()))
			}
		}
	}()
	t.handler.ServeHTTP(w, r)
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

	// Nil when nobody waits for the handler.
	full   chan struct{} // closed when isFull
	cancel context.CancelFunc
}

var errResponseTooLong = errors.New("localqueue: nobody reads more than the first mebibyte of a response")

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
	n := min(len(p), maxDrain-w.body.Len())
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
		resp.Body = newBody(w.body.String())
	}
	return resp
}
