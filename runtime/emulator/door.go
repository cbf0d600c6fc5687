package emulator

import (
	"context"
	"log/slog"
	"net/http"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/guard"
)

// door keeps web pages away from all that the port serves: the wire API asks for no credentials, and tasks are sent
// wherever their creator says.
type door struct {
	guard   *guard.Guard
	log     *slog.Logger
	refused names
}

// admit lets the requests through to next that are not some web page's.
func (d *door) admit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff") // of every answer: what is in a task is its creator's
		check := d.guard.Check
		if isPage(r.URL.EscapedPath()) {
			check = d.guard.CheckPage
		}
		if err := check(r); err != nil {
			d.warn(r.Host, err)
			writeError(w, answerFormat{pretty: true}, status.Error(codes.PermissionDenied, bounded(err.Error())))
			return
		}
		next.ServeHTTP(newPatientWriter(w), r)
	})
}

// admitStream is admit for a call over gRPC. No browser makes one, but what is refused in one way is not to be found in
// another.
func (d *door) admitStream(ctx context.Context, call *tap.Info) (context.Context, error) {
	for _, host := range call.Header[":authority"] {
		if err := d.guard.CheckHost(host); err != nil {
			d.warn(host, err)
			return nil, status.Error(codes.PermissionDenied, bounded(err.Error()))
		}
	}
	return ctx, nil
}

// warn logs a refusal, once for each host.
func (d *door) warn(host string, err error) {
	if d.refused.first(host) {
		d.log.Warn("a request was "+bounded(err.Error()), "host", bounded(host))
	}
}

// names remembers a number of names that were met.
type names struct {
	mu   sync.Mutex
	seen map[string]bool
}

// first reports whether name is met for the first time. Beyond a hundred names it does not.
func (n *names) first(name string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.seen[name] || len(n.seen) == 100 {
		return false
	}
	if n.seen == nil {
		n.seen = make(map[string]bool)
	}
	n.seen[name] = true
	return true
}
