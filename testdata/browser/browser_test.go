// Package browser tests the console in a real Chromium. It is a separate module, so the main module does not depend on its tools.
//
//	go test .                                   uses the Chromium found, or that of CHROMIUM
//	go test . -screenshots ../../docs/images    updates the manual's screenshots
package browser

import (
	"context"
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/console"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/emulator"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

var screenshots = flag.String("screenshots", "", "write screenshots of the console to this `DIRECTORY`")

// patience is how long a page may take to show what is expected.
const patience = 10 * time.Second

// browser is the context of the Chromium that all tests use, each in a profile of its own.
var browser context.Context

func TestMain(m *testing.M) {
	flag.Parse()
	path, err := findChromium()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(run(m, path))
}

func findChromium() (string, error) {
	names := []string{
		"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
		"/Applications/Chromium.app/Contents/MacOS/Chromium", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
	}
	if name := os.Getenv("CHROMIUM"); name != "" {
		names = []string{name}
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("Chromium not found (%s): install it, for example with apt-get install chromium, or set CHROMIUM", strings.Join(names, ", "))
}

func run(m *testing.M, path string) int {
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-gpu", true),
		chromedp.Flag("host-resolver-rules", "MAP evil.example 127.0.0.1"), chromedp.Flag("hide-scrollbars", true))
	if os.Geteuid() == 0 { // as in containers, where Chromium's sandbox does not work
		opts = append(opts, chromedp.NoSandbox)
	}
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), opts...)
	defer cancel()
	var stop context.CancelFunc
	browser, stop = chromedp.NewContext(ctx)
	defer stop()
	if err := chromedp.Do(browser); err != nil {
		fmt.Fprintln(os.Stderr, "starting", path+":", err)
		return 1
	}
	return m.Run()
}

const (
	place     = "projects/demo/locations/europe-west1"
	queueName = place + "/queues/emails"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// served is a queue with its console on its own port.
type served struct {
	*localqueue.Service
	url string // without a path

	mu       sync.Mutex
	received []string // of the handler: path and body
	status   int      // that the handler answers with; 0: 200
	moods    bool     // it answers as the task and its attempt suggest
}

// serve starts a queue, on a virtual clock unless real is set, and its console.
func serve(t *testing.T, real bool, opts ...console.Option) *served {
	t.Helper()
	s := new(served)
	queueOpts := []localqueue.Option{
		localqueue.WithHandler(s), localqueue.WithHistory(100), localqueue.WithLogger(slog.New(slog.DiscardHandler)), localqueue.WithSeed(1),
		localqueue.WithQueues(resource.Queue{Name: queueName, Retry: cloudtask.RetryConfig{MinBackoff: time.Minute}}),
	}
	if !real {
		queueOpts = append(queueOpts, localqueue.WithVirtualClock(start))
	}
	var err error
	if s.Service, err = localqueue.New(queueOpts...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := emulator.Serve(s.Service, listener, emulator.WithConsole(console.New(s.Service, opts...)))
	t.Cleanup(func() { _ = server.Close() })
	s.url = "http://" + listener.Addr().String()
	return s
}

// ServeHTTP is the handler of the tasks.
func (s *served) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.received = append(s.received, r.URL.Path+" "+string(body))
	status, answer := s.status, `{"status":"answered"}`
	if s.moods {
		var took time.Duration
		status, answer, took = mood(r, body)
		_ = s.Advance(took) // on a virtual clock, that is how long the attempt takes
	}
	if status != 0 {
		w.WriteHeader(status)
	}
	_, _ = io.WriteString(w, answer)
}

// mood is how a handler answers that is not always well.
func mood(r *http.Request, body []byte) (status int, answer string, took time.Duration) {
	h := fnv.New32a()
	_, _ = h.Write(append(body, r.Header.Get("X-CloudTasks-TaskRetryCount")...))
	took = time.Duration(12+h.Sum32()%300) * time.Millisecond
	switch chance := h.Sum32() % 10; {
	case strings.HasSuffix(r.URL.Path, "ChargeCard") && chance < 7:
		return 502, "upstream connect error or disconnect/reset before headers: connection refused\n", took
	case strings.HasSuffix(r.URL.Path, "ImportContacts") && chance < 3:
		return 500, `{"status":"failed"}`, took
	}
	return 200, fmt.Sprintf(`{"status":"executed","result":{"ref":"%08x"}}`, h.Sum32()), took
}

func (s *served) handled() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.received...)
}

// add adds a task of that id, due in that time.
func (s *served) add(t *testing.T, id string, in time.Duration) string {
	t.Helper()
	name := queueName + "/tasks/" + id
	if _, err := s.CreateTask(context.Background(), queueName, &resource.Task{
		Name: name, ScheduleTime: s.Now().Add(in),
		HTTP: &resource.HTTPRequest{URL: "http://localhost/tasks/Greet", Body: []byte(`{"id":"` + id + `"}`), Header: map[string]string{"X-Tenant": "acme"}},
	}); err != nil {
		t.Fatal(err)
	}
	return name
}

// state returns what the task waits for, or how it ended.
func (s *served) state(t *testing.T, name string) string {
	t.Helper()
	found, err := s.Inspect(context.Background(), name)
	if err != nil {
		return err.Error()
	}
	if found.State != 0 {
		return found.State.String()
	}
	return found.Outcome.String()
}

// window is a window of a browser that shows a page of s.
type window struct {
	*testing.T
	s   *served
	ctx context.Context
}

// open opens a window, in a profile of its own. Whatever the browser complains of fails the test: scripts that were
// blocked, exceptions, what cannot be loaded.
func (s *served) open(t *testing.T, path string) *window {
	t.Helper()
	w := s.openBlank(t)
	messages := chromedp.Console(w.ctx)
	go func() {
		for message, err := range messages {
			if err != nil {
				return
			}
			refused := strings.Contains(message.Text, "the server responded with a status of 4") // which the page says too
			if t.Context().Err() == nil && !refused && (message.IsException() || message.Type == "error" || message.Type == "warning") {
				t.Errorf("the browser says: %v", message)
			}
		}
	}()
	w.visit(path)
	return w
}

// openBlank opens a window that shows nothing, and whose complaints are of no account.
func (s *served) openBlank(t *testing.T) *window {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil { // not with a deadline, which the window would have
		t.Fatal(err)
	}
	w := &window{t, s, ctx}
	w.do(chromedp.EmulateViewport(1280, 820))
	return w
}

// openTwo opens two windows of the same page.
func (s *served) openTwo(t *testing.T, path string) [2]*window {
	t.Helper()
	return [2]*window{s.open(t, path), s.open(t, path)}
}

func (w *window) do(steps ...chromedp.Action[chromedp.Void]) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, 2*patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		w.Fatal(err)
	}
}

// visit goes to a page of the queue's.
func (w *window) visit(path string) {
	w.Helper()
	w.navigate(w.s.url + path)
}

func (w *window) navigate(address string) {
	w.Helper()
	w.do(chromedp.Navigate(address))
}

// connected waits until the page is live.
func (w *window) connected() {
	w.Helper()
	w.until("document.readyState === 'complete' && document.querySelector('#live-word').textContent === 'Live'")
}

// eval evaluates an expression in the page.
func eval[T any](w *window, expression string) T {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		w.Fatalf("%s: %v", expression, err)
	}
	return v
}

// text returns what the page shows.
func (w *window) text() string {
	w.Helper()
	return eval[string](w, `document.body.innerText`)
}

// waits waits until the page shows the text.
func (w *window) waits(text string) {
	w.Helper()
	w.until(fmt.Sprintf("document.body.innerText.includes(%q)", text))
}

// until waits until the expression is true.
func (w *window) until(expression string) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	for ; ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		// An error is that of a page which is about to be another.
		if is, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("Boolean("+expression+")")); is && err == nil {
			return
		}
	}
	w.Fatalf("never: %s; the page shows:\n%s", expression, w.text())
}

// locate defines a function of the page that finds what is called so: a button, a link, a field or a summary that can
// be seen, by the name that a screen reader tells, which may be followed by a part of the page that it is in.
const locate = `(name, within) => [...document.querySelectorAll((within || 'body') + ' :is(button, a, input, select, textarea, summary)')].find((e) => {
	const label = (e.getAttribute('aria-label') || (e.labels && e.labels[0] && [...e.labels[0].childNodes].map((n) => n.nodeType === 3 ? n.nodeValue.trim() : '').find(Boolean)) || e.innerText || '').trim();
	return (label === name || label.startsWith(name + ' (')) && e.checkVisibility() && (!document.querySelector('dialog:modal') || e.closest('dialog:modal'));
})`

// click clicks what is called so with the mouse, where it can be seen; within is a selector of the part of the page it is in.
func (w *window) click(name string, within ...string) {
	w.Helper()
	find := fmt.Sprintf("(%s)(%q, %q)", locate, name, strings.Join(within, " "))
	w.until(fmt.Sprintf("%s && !%s.disabled", find, find))
	at := eval[[]float64](w, fmt.Sprintf(`(() => {
		const e = %s;
		e.scrollIntoView({block: 'center', behavior: 'instant'});
		const r = e.getBoundingClientRect(), x = r.x + r.width / 2, y = r.y + r.height / 2, top = document.elementFromPoint(x, y);
		return e === top || e.contains(top) ? [x, y] : [];
	})()`, find))
	if len(at) != 2 {
		w.Fatalf("something covers %q", name)
	}
	w.do(chromedp.MouseClickXY(at[0], at[1]))
}

// fill writes into the field that is called so, in place of what is in it.
func (w *window) fill(label, text string) {
	w.Helper()
	w.click(label)
	eval[any](w, "document.activeElement.select(), null")
	if text == "" {
		w.press("\b")
		return
	}
	w.press(text)
}

// press presses keys, one after the other. A character that a key would type is typed unless the page takes the key for
// something else, which chromedp.KeyEvent knows nothing of.
func (w *window) press(keys string) {
	w.Helper()
	for _, key := range keys {
		if key < ' ' || key > '~' {
			w.do(chromedp.KeyEvent(string(key)))
			continue
		}
		w.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
			down := input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown, Key: string(key), Text: string(key)}
			if _, err := chromedp.Call(ctx, input.DispatchKeyEvent, down); err != nil {
				return err
			}
			_, err := chromedp.Call(ctx, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyUp, Key: string(key)})
			return err
		}))
	}
}

// eventually waits for a condition of the queue's.
func (w *window) eventually(what string, condition func() bool) {
	w.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if condition() {
			return
		}
	}
	w.Fatalf("never: %s; the page shows:\n%s", what, w.text())
}

// runs runs a command as a shell does.
func (w *window) runs(command string) {
	w.Helper()
	if out, err := exec.CommandContext(w.Context(), "sh", "-c", command).CombinedOutput(); err != nil {
		w.Fatalf("%s: %v\n%s", command, err, out)
	}
}

// dress sets the width of the window, and dark or light.
func (w *window) dress(width int, scheme string) {
	w.Helper()
	opts := []chromedp.EmulateViewportOption{chromedp.EmulateScale(1)}
	height := int64(820)
	if width < 600 {
		opts, height = append(opts, chromedp.EmulateMobile), 844
	}
	w.do(chromedp.EmulateViewport(int64(width), height, opts...), chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	}))
}
