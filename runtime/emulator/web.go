package emulator

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"strings"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/guard"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/issuer"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
)

// web serves what the port speaks besides gRPC: the REST face with its discovery document, the issuer's documents, and
// a console.
type web struct {
	rest      http.Handler
	discovery http.Handler
	issuer    http.Handler // nil: tokens of a source that is no [issuer.Issuer] are published elsewhere
	console   http.Handler // nil: there is none
}

func newHTTPHandler(rest, discovery, console http.Handler, tokens localqueue.TokenSource, log *slog.Logger) http.Handler {
	h := &web{rest: rest, discovery: discovery, console: console}
	if i, ok := tokens.(*issuer.Issuer); ok {
		h.issuer = warnOfOtherNames(i, log)
	}
	return h
}

// ServeHTTP tells paths apart as they were sent: an [http.ServeMux] redirects those that it would spell differently, and
// names in paths may be spelt in any way.
func (h *web) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.EscapedPath()
	switch {
	case h.issuer != nil && strings.HasPrefix(path, "/.well-known/"):
		h.issuer.ServeHTTP(w, r)
	case strings.HasPrefix(path, "/v2/"), strings.HasPrefix(path, versionlessPrefix):
		h.rest.ServeHTTP(w, r)
	case path == discoveryPath:
		h.discovery.ServeHTTP(w, r)
	case h.console != nil && isPage(path):
		h.console.ServeHTTP(w, r)
	default:
		refuseUnknown(w, r)
	}
}

// versionlessPrefix begins the paths of clients that leave out the API's version, which is /v2 then: Firebase's SDKs do so
// where CLOUD_TASKS_EMULATOR_HOST is set.
const versionlessPrefix = "/projects/"

// consolePrefix begins the paths of a console but its first, which is /. No path of Google's begins so.
const consolePrefix = "/ui/"

func isPage(path string) bool { return path == "/" || strings.HasPrefix(path, consolePrefix) }

// endWith has the requests that next serves, which have been checked, end when the context does: a browser that is shown
// what is new stays connected for as long as it is open.
func endWith(ctx context.Context, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request, cancel := context.WithCancel(guard.Checked(r.Context()))
		defer cancel()
		defer context.AfterFunc(ctx, cancel)()
		next.ServeHTTP(w, r.WithContext(request))
	})
}

// warnOfOtherNames logs, once a name, that the issuer has been looked up by a name that is not its own: whoever did so
// is going to refuse its tokens, and rarely says why. The names of this machine are as good as one another to the
// handlers of runtime/cloudtask.
func warnOfOtherNames(i *issuer.Issuer, log *slog.Logger) http.Handler {
	own := strings.TrimPrefix(strings.TrimPrefix(i.URL(), "http://"), "https://")
	handler := i.Handler()
	var seen names
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != own && !(isLoopback(r.Host) && isLoopback(own)) {
			if seen.first(r.Host) {
				log.WarnContext(r.Context(), "the token issuer was looked up by a name that is not its own, so that its tokens will be refused: "+
					"set CLOUD_TASKS_EMULATOR_HOST to the issuer's host, or name the issuer after the host", "host", r.Host, "issuer", i.URL())
			}
		}
		handler.ServeHTTP(w, r)
	})
}

func isLoopback(hostPort string) bool {
	host, _, err := net.SplitHostPort(hostPort)
	return err == nil && (host == "localhost" || net.ParseIP(host).IsLoopback())
}
