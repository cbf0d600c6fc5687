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

// How often a page that is open is rendered anew: at once when something changes after a while of nothing, once a second
// while things go on changing, and less often when rendering takes so long that it would be more than a part in
// renderShare of a processor's time. Time alone changes some of what pages show, so that they are rendered now and then
// in any case.
const (
	lookEvery   = 100 * time.Millisecond
	renderEvery = time.Second
	renderShare = 1000
	renderIdle  = 5 * time.Second
)

// stalled is how long a browser may take to receive what is sent to it: one that has stopped reading would otherwise keep
// its place among maxBrowsers for good.
const stalled = 30 * time.Second

// maxBrowsers bounds how many pages are kept up to date at a time.
const maxBrowsers = 200

// feeds are the pages that are open. Browsers that show the same share a feed.
type feeds struct {
	console *Console

	mu       sync.Mutex
	byView   map[string]*feed
	browsers int
}

// feed is a page that is open in one browser or more.
type feed struct {
	request *request
	cancel  context.CancelFunc
	wake    map[chan struct{}]bool // of the browsers; buffered

	message []byte // the latest, as it is sent
	closed  bool   // there will be no other
}

// live sends a browser the parts of its page that change, as server-sent events, until it goes.
func (c *Console) live(w http.ResponseWriter, r *http.Request) {
	u, err := url.Parse(r.URL.Query().Get("view"))
	if err != nil || u.Path == "" {
		http.Error(w, "view: want the path and query of a page", http.StatusBadRequest)
		return
	}
	req := &request{path: u.Path, query: u.Query(), host: r.Host}
	req.query.Del("ask") // what is being asked stays as it is
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
		_ = flush.SetWriteDeadline(time.Now().Add(stalled)) // one that has none is waited for
		if _, err := w.Write(message); err != nil {
			return
		}
		if err := flush.Flush(); err != nil || closed {
			return
		}
		_ = flush.SetWriteDeadline(time.Time{}) // over HTTP/2 it would end the stream, though nothing is being written
	}
}

// join has a browser woken whenever there is news; nil when there are too many.
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

// run renders a feed's page until nobody shows it any more.
func (fs *feeds) run(ctx context.Context, f *feed) {
	var changes uint64
	var rendered time.Time
	var took time.Duration
	ticks := time.NewTicker(lookEvery)
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

// publish wakes the feed's browsers if the message is another than the one before.
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
		default: // it has been woken, and has not looked yet
		}
	}
}

// render returns the parts of a page that change as events: top, what all pages have, and live, what the page has. When
// the page is no more there is only gone. False means that there is no use in trying again.
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

// buffers are what pages are rendered into.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// event appends an event of that name. Each line of it is a field; a carriage return would end one too.
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
