package console

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/guard"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
)

// Option configures a console.
type Option func(*options)

type options struct {
	host     string
	readOnly bool
	logger   *slog.Logger
}

// WithHost also accepts requests for that host name, which has no port. It has no effect under package emulator, which checks
// requests itself.
func WithHost(host string) Option {
	return func(o *options) { o.host = host }
}

// WithReadOnly makes the console show everything and change nothing.
func WithReadOnly() Option {
	return func(o *options) { o.readOnly = true }
}

// WithLogger sets the logger. The default is [slog.Default].
func WithLogger(l *slog.Logger) Option {
	return func(o *options) { o.logger = l }
}

// Console is the web console of a queue. [New] returns one.
type Console struct {
	queue    *localqueue.Service
	guard    *guard.Guard
	readOnly bool
	log      *slog.Logger
	feeds    feeds
	notes    notes
}

// New returns a console of queue. It must be served at the root of a host: its paths are / and everything below [Prefix].
func New(queue *localqueue.Service, opts ...Option) *Console {
	o := options{logger: slog.Default()}
	for _, opt := range opts {
		opt(&o)
	}
	c := &Console{queue: queue, guard: guard.New(o.host), readOnly: o.readOnly, log: o.logger}
	c.feeds.console = c
	return c
}

// Prefix is the prefix of the console's paths, except for the start page at /.
const Prefix = "/ui/"

// contentSecurityPolicy allows only what the console uses, from its own origin.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// ServeHTTP serves the console's pages and actions.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for key, value := range map[string]string{
		"Content-Security-Policy":      contentSecurityPolicy,
		"X-Content-Type-Options":       "nosniff",
		"X-Frame-Options":              "DENY",
		"Referrer-Policy":              "same-origin",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Cache-Control":                "no-store",
	} {
		w.Header().Set(key, value)
	}
	if err := c.guard.CheckPage(r); err != nil {
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	// The server's read timeout would cancel the context of long requests.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	switch rest, below := strings.CutPrefix(r.URL.Path, Prefix); {
	case r.Method == http.MethodPost && below && strings.HasPrefix(rest, "do/"):
		c.act(w, r, strings.TrimPrefix(rest, "do/"))
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "Pages are read with GET.", http.StatusMethodNotAllowed)
	case below && strings.HasPrefix(rest, "assets/"):
		serveAsset(w, r, strings.TrimPrefix(rest, "assets/"))
	case below && rest == "live":
		c.live(w, r)
	case below && strings.HasPrefix(rest, "payload/"):
		c.payload(w, r, strings.TrimPrefix(rest, "payload/"))
	default:
		c.page(w, r)
	}
}

//go:embed assets
var assetFiles embed.FS

// assets holds the embedded files by request name, which includes a hash of the contents, and assetPaths their paths by file name.
var assets, assetPaths = loadAssets()

func loadAssets() (byRequest map[string][]byte, paths map[string]string) {
	byRequest, paths = make(map[string][]byte), make(map[string]string)
	entries, err := assetFiles.ReadDir("assets")
	if err != nil {
		panic(err) // compiled in
	}
	for _, e := range entries {
		data, err := assetFiles.ReadFile("assets/" + e.Name())
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(data)
		ext := path.Ext(e.Name())
		request := strings.TrimSuffix(e.Name(), ext) + "-" + hex.EncodeToString(sum[:6]) + ext
		byRequest[request], paths[e.Name()] = data, Prefix+"assets/"+request
	}
	return byRequest, paths
}

func serveAsset(w http.ResponseWriter, r *http.Request, name string) {
	data, ok := assets[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", map[string]string{
		".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
	}[path.Ext(name)])
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(data) // the browser is gone
}

// statusOf returns the HTTP status and the message for an error of the queue.
func statusOf(err error) (int, string) {
	var refused *cloudtask.StatusError
	switch {
	case errors.Is(err, localqueue.ErrRunning):
		return http.StatusConflict, "Another window or the control API is already delivering tasks. Try again when it has finished."
	case !errors.As(err, &refused):
		return http.StatusInternalServerError, err.Error()
	}
	return rules.HTTPStatus(int(refused.Code)), refused.Message
}
