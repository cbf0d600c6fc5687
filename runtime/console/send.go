package console

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// sendPage is the data of the form that creates a task, new or from another task.
type sendPage struct {
	From    string // resource name of the task to send again; "": none
	Queues  []string
	Queue   string
	URL     string
	Method  string
	Methods []string
	Header  string // one per line
	Body    string
	Binary  bool // the body of From is not text, and is sent unchanged
	When    string
	Account string // service account of the OIDC token
}

var methods = []string{http.MethodPost, http.MethodGet, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodHead, http.MethodOptions}

func (c *Console) showSend(ctx context.Context, v *view, r *request) error {
	page := sendPage{
		Queue: r.query.Get("queue"), URL: "http://localhost:8080/tasks/SendWelcomeEmail", Method: http.MethodPost, Methods: methods,
		Header: "Content-Type: application/json", Body: "{}",
	}
	v.Title = "Send a task"
	if from := r.query.Get("from"); from != "" {
		found, err := c.queue.Inspect(ctx, from)
		if err != nil {
			return err
		}
		page.From, page.Queue, page.URL, page.Method = from, queueOf(from), found.URL, found.Method
		var lines []string
		for _, f := range visibleHeader(headerOf(found.Task)) {
			if !strings.EqualFold(f.Name, "User-Agent") { // the queue sets it
				lines = append(lines, f.Name+": "+f.Value)
			}
		}
		page.Header = strings.Join(lines, "\n")
		body := bodyOf(found.Task)
		if page.Binary = !isText(body); !page.Binary {
			page.Body = string(body)
		}
		if h := found.Task.HTTP; h != nil && h.OIDC != nil {
			page.Account = h.OIDC.ServiceAccount
		}
		v.Title = "Send again"
	}
	return c.showSendForm(ctx, v, page)
}

// showSendForm shows the form, and adds the queues to choose from.
func (c *Console) showSendForm(ctx context.Context, v *view, page sendPage) (err error) {
	if page.Queues, err = c.firstQueues(ctx); err != nil {
		return err
	}
	if page.Queue == "" && len(page.Queues) > 0 {
		page.Queue = page.Queues[0]
	}
	if page.Queue == "" {
		page.Queue = newHint("").Queue
		if len(v.Overview.Defined) > 0 {
			page.Queue = "projects/demo/locations/here/queues/" + v.Overview.Defined[0]
		}
	}
	if !slices.Contains(page.Queues, page.Queue) {
		page.Queues = append(page.Queues, page.Queue)
	}
	v.Section, v.template, v.Data = "send", "send.html", page
	return nil
}

// rejectSend responds with the form as it was submitted and the reason why no task was created.
func (c *Console) rejectSend(w http.ResponseWriter, r *http.Request, reason error) {
	status, message := statusOf(reason)
	form := r.PostForm
	page := sendPage{
		From: form.Get("from"), Queue: form.Get("queue"), URL: form.Get("url"), Method: form.Get("method"), Methods: methods,
		Header: form.Get("header"), Body: form.Get("body"), Binary: !form.Has("body"), When: form.Get("when"), Account: form.Get("account"),
	}
	v := &view{Title: "Send a task", Host: r.Host, Here: Prefix + "send", Note: &note{Text: message, Failed: true}}
	var err error
	if v.Overview, err = c.queue.Overview(r.Context()); err == nil {
		err = c.showSendForm(r.Context(), v, page)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	c.write(w, r, status, v)
}

// send creates the task that the form describes.
func (c *Console) send(ctx context.Context, form url.Values) (*resource.Task, error) {
	task := &resource.Task{HTTP: &resource.HTTPRequest{}}
	if from := form.Get("from"); from != "" {
		found, err := c.queue.Inspect(ctx, from)
		if err != nil {
			return nil, fmt.Errorf("reading the task to send again: %w", err)
		}
		task = &resource.Task{HTTP: found.Task.HTTP, AppEngine: found.Task.AppEngine, DispatchDeadline: found.Task.DispatchDeadline, Retry: found.Task.Retry}
	}
	header, err := parseHeader(form.Get("header"))
	if err != nil {
		return nil, err
	}
	for name, value := range headerOf(task) {
		if header[name] == hiddenValue && cloudtask.IsSecretHeader(name) {
			header[name] = value // the form had hiddenValue
		}
	}
	if task.ScheduleTime, err = parseWhen(form.Get("when"), c.queue.Now()); err != nil {
		return nil, err
	}
	body := bodyOf(task)
	if edited, ok := form["body"]; ok { // forms submit lines that end with CR LF, whatever they ended with before
		if text := normalizeLines(edited[0]); text != normalizeLines(string(body)) {
			body = []byte(text)
		}
	}
	if t := task.AppEngine; t != nil {
		t.RelativeURI, t.Method, t.Header, t.Body = form.Get("url"), form.Get("method"), header, body
		return c.queue.CreateTask(ctx, form.Get("queue"), task)
	}
	t := task.HTTP
	t.URL, t.Method, t.Header, t.Body = strings.TrimSpace(form.Get("url")), form.Get("method"), header, body
	switch account := strings.TrimSpace(form.Get("account")); {
	case account == "":
		t.OIDC = nil
	case t.OIDC == nil:
		t.OIDC, t.OAuth = &resource.OIDCToken{ServiceAccount: account}, nil
	default:
		t.OIDC.ServiceAccount = account
	}
	return c.queue.CreateTask(ctx, form.Get("queue"), task)
}

// normalizeLines returns text with lines that end with LF.
func normalizeLines(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
}

// parseHeader parses headers, one per line.
func parseHeader(text string) (map[string]string, error) {
	header := make(map[string]string)
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		key, value, found := strings.Cut(line, ":")
		if key = strings.TrimSpace(key); !found || key == "" || strings.ContainsAny(key, " \t") {
			return nil, invalidArgument("Invalid header %q: want a line such as \"Content-Type: application/json\".", line)
		}
		header[key] = strings.TrimSpace(value)
	}
	return header, nil
}

// parseWhen parses a time, or a duration from now.
func parseWhen(text string, now time.Time) (time.Time, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(strings.ReplaceAll(text, " ", "")); err == nil {
		return now.Add(d), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, invalidArgument("Invalid time %q: want a duration such as \"10m\", or a time such as \"2026-03-01T12:00:00Z\".", text)
	}
	return t, nil
}

// invalidArgument returns an error whose message is shown to the user.
func invalidArgument(format string, args ...any) error {
	return &cloudtask.StatusError{Code: cloudtask.InvalidArgument, Message: fmt.Sprintf(format, args...)}
}
