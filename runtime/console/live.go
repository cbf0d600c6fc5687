package console

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

// An open page is rendered again when the queue has changed, at most once per renderEvery, and less often if rendering would take more
// than 1/renderShare of a processor's time. Some of what pages show depends on the time alone, so they are rendered at least once per
// renderIdle.
const (
	pollEvery   = 100 * time.Millisecond
	renderEvery = time.Second
	renderShare = 1000
	renderIdle  = 5 * time.Second
)

// writeTimeout is how long a browser may take to receive an update. A browser that has stopped reading would otherwise count towards
// maxBrowsers forever.
const writeTimeout = 30 * time.Second

// maxBrowsers is how many pages can be updated live at a time.
const maxBrowsers = 200

// feeds holds the feeds of all open pages. Browsers that show the same page share a feed.
type feeds struct {
	console *Console

	mu       sync.Mutex
	byView   map[string]*feed
	browsers int
}

// feed is a page that is open in at least one browser.
type feed struct {
	request *request
	cancel  context.CancelFunc
	wake    map[chan struct{}]bool // one buffered channel per browser

	message []byte // the latest update, as it is sent
	closed  bool   // no more updates follow
}

// live sends updates of a page as server-sent events until the browser disconnects.
func (c *Console) live(w http.ResponseWriter, r *http.Request) {
	u, err := url.Parse(r.URL.Query().Get("view"))
	if err != nil || u.Path == "" {
		http.Error(w, "view: want the path and query of a page", http.StatusBadRequest)
		return
	}
	req := &request{path: u.Path, query: u.Query(), host: r.Host}
	req.query.Del("ask") // updates do not include the question
	req.query.Del("note")
	wake, f := c.feeds.join(req)
	if f == nil {
		http.Error(w, "too many pages are open", http.StatusServiceUnavailable)
		return
	}
	defer c.feeds.leave(f, wake)
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	flush := http.NewResponseController(w)
	for {
		select {
		case <-wake:
		case <-r.Context().Done():
			return
		}
		message, closed := c.feeds.latest(f)
		_ = flush.SetWriteDeadline(time.Now().Add(writeTimeout)) // a connection without deadlines has no timeout
		if _, err := w.Write(message); err != nil {
			return
		}
		if err := flush.Flush(); err != nil || closed {
			return
		}
		_ = flush.SetWriteDeadline(time.Time{}) // over HTTP/2 an expired deadline ends the stream even if nothing is being written
	}
}

// join adds a browser to the feed of its page. The channel signals updates. The feed is nil if there are maxBrowsers already.
func (fs *feeds) join(r *request) (wake chan struct{}, f *feed) {
	key := r.host + here(r)
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.browsers == maxBrowsers {
		return nil, nil
	}
	fs.browsers++
	if f = fs.byView[key]; f == nil {
		ctx, cancel := context.WithCancel(context.Background())
		f = &feed{request: r, cancel: cancel, wake: make(map[chan struct{}]bool)}
		if fs.byView == nil {
			fs.byView = make(map[string]*feed)
		}
		fs.byView[key] = f
		go fs.run(ctx, f)
	}
	wake = make(chan struct{}, 1)
	if f.message != nil {
		wake <- struct{}{}
	}
	f.wake[wake] = true
	return wake, f
}

func (fs *feeds) leave(f *feed, wake chan struct{}) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.browsers--
	delete(f.wake, wake)
	if len(f.wake) == 0 {
		f.cancel()
		delete(fs.byView, f.request.host+here(f.request))
	}
}

func (fs *feeds) latest(f *feed) (message []byte, closed bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return f.message, f.closed
}

// run renders a feed's page until ctx ends.
func (fs *feeds) run(ctx context.Context, f *feed) {
	var changes uint64
	var rendered time.Time
	var took time.Duration
	ticks := time.NewTicker(pollEvery)
	defer ticks.Stop()
	for {
		since := time.Since(rendered)
		if since >= max(renderEvery, renderShare*took) {
			if now := fs.console.queue.Changes(); now != changes || since >= renderIdle {
				changes, rendered = now, time.Now()
				message, ok := fs.console.render(ctx, f.request)
				took = time.Since(rendered)
				fs.publish(f, message, !ok)
				if !ok {
					return
				}
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
	}
}

// publish sets the feed's message and wakes its browsers, unless the message is unchanged.
func (fs *feeds) publish(f *feed, message []byte, closed bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if bytes.Equal(f.message, message) {
		return
	}
	f.message, f.closed = message, closed
	for wake := range f.wake {
		select {
		case wake <- struct{}{}:
		default: // already signaled
		}
	}
}

// render returns the changing parts of a page as events: top, the part that all pages have, and live, the page's own. If the page no
// longer exists, the only event is gone. If ok is false, rendering failed for good.
func (c *Console) render(ctx context.Context, r *request) (message []byte, ok bool) {
	v, err := c.show(ctx, r)
	if err != nil {
		var refused *cloudtask.StatusError
		if errors.As(err, &refused) && refused.Code == cloudtask.NotFound {
			return event(nil, "gone", nil), true
		}
		return event(nil, "closed", nil), false
	}
	out := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(out)
	for _, part := range []string{"top", "live"} {
		out.Reset()
		if err := pages[v.template].ExecuteTemplate(out, part, v); err != nil {
			c.log.ErrorContext(ctx, "rendering a part of a page", "path", r.path, "part", part, "error", err)
			return event(nil, "closed", nil), false
		}
		message = event(message, part, out.Bytes())
	}
	return message, true
}

// buffers holds buffers for rendering.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// event appends a server-sent event. Each line of data is a field, and a carriage return would end a line as well.
func event(message []byte, name string, data []byte) []byte {
	if bytes.IndexByte(data, '\r') >= 0 {
		data = bytes.ReplaceAll(data, []byte{'\r'}, []byte("&#13;"))
	}
	const field = "\ndata: "
	message = slices.Grow(message, len("event: ")+len(name)+len(data)+len(field)*(bytes.Count(data, []byte{'\n'})+1)+2)
	message = append(append(message, "event: "...), name...)
	for {
		line, rest, more := bytes.Cut(data, []byte{'\n'})
		message = append(append(message, field...), line...)
		if data = rest; !more {
			return append(message, "\n\n"...)
		}
	}
}
