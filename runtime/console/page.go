package console

import (
	"bytes"
	"context"
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
)

// view is the data that a template is executed with.
type view struct {
	Title    string
	Section  string // current section of the navigation
	Data     any    // for the page's own template
	Overview *localqueue.Overview

	ReadOnly bool
	Host     string    // of the request, as the browser knows this server
	Here     string    // path and query of the page, without ask and note
	Question *question // nil: none
	Note     *note
	Static   bool // the page never changes

	template string
}

// request is a request for a page.
type request struct {
	path  string
	query url.Values
	host  string
}

// show returns the view for a request.
func (c *Console) show(ctx context.Context, r *request) (*view, error) {
	overview, err := c.queue.Overview(ctx)
	if err != nil {
		return nil, err
	}
	v := &view{Overview: overview, ReadOnly: c.readOnly, Host: r.host, Here: here(r)}
	if !c.readOnly {
		v.Question = c.newQuestion(ctx, r.query.Get("ask"))
	}
	name := strings.TrimPrefix(r.path, Prefix)
	parts := 0 // of a resource name
	if strings.HasPrefix(name, "projects/") {
		parts = strings.Count(name, "/") + 1
	}
	switch {
	case r.path == "/":
		err = c.showQueues(ctx, v, r)
	case r.path == Prefix+"tasks":
		err = c.showTasks(ctx, v, r)
	case r.path == Prefix+"finished":
		err = c.showFinished(ctx, v, r)
	case r.path == Prefix+"send" && !c.readOnly:
		err = c.showSend(ctx, v, r)
	case parts == 6:
		err = c.showQueue(ctx, v, name)
	case parts == 8:
		err = c.showTask(ctx, v, name)
	default:
		err = &cloudtask.StatusError{Code: cloudtask.NotFound, Message: "Page not found."}
	}
	return v, err
}

// here returns the path and query of the page, without the question and the note.
func here(r *request) string {
	query := url.Values{}
	for key, values := range r.query {
		if key != "ask" && key != "note" {
			query[key] = values
		}
	}
	if len(query) == 0 {
		return r.path
	}
	return r.path + "?" + query.Encode()
}

// question asks for confirmation of an action that cannot be undone.
type question struct {
	Action string
	Name   string // of a queue or a task
	Queue  localqueue.QueueOverview
}

// newQuestion parses the query parameter ask, such as purge:projects/P/locations/L/queues/Q. It returns nil if that is not a
// question.
func (c *Console) newQuestion(ctx context.Context, text string) *question {
	action, name, _ := strings.Cut(text, ":")
	if action != "purge" && action != "delete" {
		return nil
	}
	queue, err := c.queue.QueueOverview(ctx, queueOf(name))
	if err != nil {
		return nil
	}
	return &question{Action: action, Name: name, Queue: *queue}
}

// With returns the page's address with a query parameter added.
func (v *view) With(key, value string) string {
	u, err := url.Parse(v.Here)
	if err != nil {
		return v.Here // cannot happen: here returns valid addresses
	}
	query := u.Query()
	query.Set(key, value)
	u.RawQuery = query.Encode()
	return u.String()
}

// page serves a page.
func (c *Console) page(w http.ResponseWriter, r *http.Request) {
	req := &request{path: r.URL.Path, query: r.URL.Query(), host: r.Host}
	v, err := c.show(r.Context(), req)
	status := http.StatusOK
	if err != nil {
		status, v = c.failure(v, req, err)
	}
	v.Note = c.notes.get(req.query.Get("note"))
	c.write(w, r, status, v)
}

// write writes a page as a response.
func (c *Console) write(w http.ResponseWriter, r *http.Request, status int, v *view) {
	out := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(out)
	out.Reset()
	if err := pages[v.template].ExecuteTemplate(out, "page", v); err != nil {
		c.log.ErrorContext(r.Context(), "rendering a page", "path", r.URL.Path, "error", err)
		http.Error(w, "Cannot render the page: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes()) // the browser is gone
}

// failure returns the page that reports an error.
func (c *Console) failure(v *view, r *request, err error) (int, *view) {
	if v == nil {
		v = &view{Overview: &localqueue.Overview{Now: time.Now()}, Host: r.host, Here: here(r), ReadOnly: c.readOnly}
	}
	status, message := statusOf(err)
	v.Title, v.template, v.Question, v.Static = http.StatusText(status), "failure.html", nil, true
	v.Data = failure{Status: status, Message: message, Resource: strings.Contains(r.path, "/queues/")}
	return status, v
}

type failure struct {
	Status   int
	Message  string
	Resource bool // the request was for a task or a queue
}

//go:embed templates
var templateFiles embed.FS

// pages holds the pages' templates by file name. Each defines main and, within it, live, which is updated live. layout.html defines
// the rest of the page.
var pages = loadPages()

func loadPages() map[string]*template.Template {
	common := template.Must(template.New("").Funcs(funcs).ParseFS(templateFiles, "templates/layout.html", "templates/parts.html"))
	entries, err := templateFiles.ReadDir("templates")
	if err != nil {
		panic(err) // compiled in
	}
	all := make(map[string]*template.Template)
	for _, e := range entries {
		if name := e.Name(); name != "layout.html" && name != "parts.html" {
			all[name] = template.Must(template.Must(common.Clone()).ParseFS(templateFiles, "templates/"+name))
		}
	}
	return all
}
