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

// Option sets up a console.
type Option func(*options)

type options struct {
	host     string
	readOnly bool
	logger   *slog.Logger
}

// WithHost has the page answered under that host name, without a port, too. Package emulator, which serves a page together
// with the queue, checks requests itself, and this has no effect there.
func WithHost(host string) Option {
	return func(o *options) { o.host = host }
}

// WithReadOnly makes a page that shows everything and changes nothing.
func WithReadOnly() Option {
	return func(o *options) { o.readOnly = true }
}

// WithLogger logs to l in place of [slog.Default].
func WithLogger(l *slog.Logger) Option {
	return func(o *options) { o.logger = l }
}

// Console is the web page of a queue. [New] returns one.
type Console struct {
	queue    *localqueue.Service
	guard    *guard.Guard
	readOnly bool
	log      *slog.Logger
	feeds    feeds
	notes    notes
}

// New returns the page of queue, which is to be served at the root of a host: its paths are / and all that begin with
// [Prefix].
func New(queue *localqueue.Service, opts ...Option) *Console {
	o := options{logger: slog.Default()}
	for _, opt := range opts {
		opt(&o)
	}
	c := &Console{queue: queue, guard: guard.New(o.host), readOnly: o.readOnly, log: o.logger}
	c.feeds.console = c
	return c
}

// Prefix begins all paths of the page but its first, which is /.
const Prefix = "/ui/"

// The policy allows what comes from the page's own origin, and of that no more than it uses.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri " +
	"'none'; frame-ancestors 'none'"

// ServeHTTP answers a browser.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for key, value := range map[string]string{
		"Content-Security-Policy":      policy,
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
	// The server's own bound of reading a request would end the context of what takes long.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	switch rest, ours := strings.CutPrefix(r.URL.Path, Prefix); {
	case r.Method == http.MethodPost && ours && strings.HasPrefix(rest, "do/"):
		c.act(w, r, strings.TrimPrefix(rest, "do/"))
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "The page is read with GET.", http.StatusMethodNotAllowed)
	case ours && strings.HasPrefix(rest, "assets/"):
		serveAsset(w, r, strings.TrimPrefix(rest, "assets/"))
	case ours && rest == "live":
		c.live(w, r)
	case ours && strings.HasPrefix(rest, "payload/"):
		c.payload(w, r, strings.TrimPrefix(rest, "payload/"))
	default:
		c.page(w, r)
	}
}

//go:embed assets
var assetFiles embed.FS

// assets are the files of the page by the names that they are requested by, which change with their contents.
var assets, assetNames = loadAssets()

func loadAssets() (byRequest map[string][]byte, requests map[string]string) {
	byRequest, requests = make(map[string][]byte), make(map[string]string)
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
		byRequest[request], requests[e.Name()] = data, Prefix+"assets/"+request
	}
	return byRequest, requests
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
	_, _ = w.Write(data) // the browser has gone
}

// statusOf returns the HTTP status and the words of an error of the queue's.
func statusOf(err error) (int, string) {
	var refused *cloudtask.StatusError
	switch {
	case errors.Is(err, localqueue.ErrRunning):
		return http.StatusConflict, "Tasks are being delivered already, by another window or the control API. Try again when that is done."
	case !errors.As(err, &refused):
		return http.StatusInternalServerError, err.Error()
	}
	return rules.HTTPStatus(int(refused.Code)), refused.Message
}
