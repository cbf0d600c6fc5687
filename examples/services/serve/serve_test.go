package serve

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// A server is one of Run's, with a request under way.
type server struct {
	stop   context.CancelFunc // as a signal does
	ended  chan error         // what Run returns
	answer chan string
}

// begin returns when the handler has been called.
func begin(t *testing.T, grace time.Duration, handle func(ctx context.Context) string) server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	s := server{stop, make(chan error, 1), make(chan string, 1)}
	called := make(chan struct{})
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(called)
		io.WriteString(w, handle(r.Context()))
	})
	go func() { s.ended <- Run(ctx, listener, handler, grace) }()
	go func() {
		answer, err := http.Post("http://"+listener.Addr().String(), "text/plain", nil)
		if err != nil {
			s.answer <- err.Error()
			return
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			s.answer <- err.Error()
			return
		}
		s.answer <- string(body)
	}()
	<-called
	return s
}

func TestRunWaitsForWhatIsRunning(t *testing.T) {
	t.Parallel()
	finish := make(chan struct{})
	s := begin(t, time.Minute, func(ctx context.Context) string {
		<-finish
		if ctx.Err() != nil {
			return "the context has ended"
		}
		return "done"
	})
	s.stop()
	select {
	case err := <-s.ended:
		t.Fatalf("it did not wait: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(finish)
	if answer, err := <-s.answer, <-s.ended; answer != "done" || err != nil {
		t.Errorf("answer %q, Run returned %v; want done", answer, err)
	}
}

func TestRunStopsWhatTakesTooLong(t *testing.T) {
	t.Parallel()
	s := begin(t, 50*time.Millisecond, func(ctx context.Context) string {
		<-ctx.Done()
		return context.Cause(ctx).Error()
	})
	s.stop()
	if answer, err := <-s.answer, <-s.ended; answer != ErrStopping.Error() || err != nil {
		t.Errorf("answer %q, Run returned %v; want the handler to be told", answer, err)
	}
}

func TestRunLeavesWhatDoesNotStop(t *testing.T) {
	t.Parallel()
	finish := make(chan struct{})
	s := begin(t, time.Millisecond, func(context.Context) string { <-finish; return "late" })
	s.stop()
	if err := <-s.ended; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Run returned %v, want that the time is up", err)
	}
	close(finish)
	<-s.answer
}

func TestRunReturnsTheServersError(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	if err := Run(t.Context(), listener, http.NotFoundHandler(), time.Minute); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Run returned %v, want %v", err, net.ErrClosed)
	}
}
