package gen

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/gen/diag"
	"github.com/cloudtaskgen/cloudtaskgen/gen/directive"
	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
)

// DefaultPathPrefix is what stands before a task's name in the path of its URL, unless the runtime's Config.PathPrefix says
// otherwise.
const DefaultPathPrefix = "/tasks/"

// defaultTimeout is Cloud Tasks' dispatch deadline for tasks that do not say.
const defaultTimeout = 10 * time.Minute

// A Route is one row of the route table. Durations are in seconds as Cloud Tasks' JSON has them, such as "90s".
type Route struct {
	Name     string       `json:"name"`              // task name, the last part of its URL
	Path     string       `json:"path"`              // of its URL
	Aliases  []string     `json:"aliases,omitempty"` // former names
	Package  string       `json:"package"`           // import path
	Type     string       `json:"type"`
	Queue    string       `json:"queue,omitempty"`  // "": the client's default
	Timeout  string       `json:"timeout"`          // dispatch deadline
	Retry    *RetryConfig `json:"retry,omitempty"`  // nil: the queue's
	Unique   []string     `json:"unique,omitempty"` // Go names of the fields
	Within   string       `json:"within,omitempty"`
	Once     bool         `json:"once,omitempty"`
	Dynamic  []string     `json:"dynamic,omitempty"` // methods that choose per payload
	Runs     string       `json:"runs"`              // what runs it: Run of the struct, or a method of Runner
	Position string       `json:"position"`          // file:line:col, relative to the working directory
	Doc      string       `json:"doc,omitempty"`     // first sentence of the struct's doc comment

}

// RetryConfig is a task's own RetryConfig in Cloud Tasks' JSON. What is left out is Cloud Tasks' default.
type RetryConfig struct {
	MaxAttempts      int    `json:"maxAttempts,omitempty"` // -1: no limit
	MaxRetryDuration string `json:"maxRetryDuration,omitempty"`
	MinBackoff       string `json:"minBackoff,omitempty"`
	MaxBackoff       string `json:"maxBackoff,omitempty"`
	MaxDoublings     int    `json:"maxDoublings,omitempty"`
}

// Routes returns the route table, sorted by name. pathPrefix is that of the program's Config, where missing slashes are
// added, too; "": the default.
func (r *Result) Routes(pathPrefix string) []Route {
	pathPrefix = cmp.Or(pathPrefix, DefaultPathPrefix)
	if pathPrefix[0] != '/' {
		pathPrefix = "/" + pathPrefix
	}
	if !strings.HasSuffix(pathPrefix, "/") {
		pathPrefix += "/"
	}
	routes := []Route{}
	for _, p := range r.Packages {
		for _, t := range p.Tasks {
			row := r.route(p, t)
			row.Path = pathPrefix + t.Name
			routes = append(routes, row)
		}
	}
	slices.SortFunc(routes, func(a, b Route) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Package, b.Package)) })
	return routes
}

func (r *Result) route(p *model.Package, t *model.Task) Route {
	row := Route{
		Name: t.Name, Aliases: t.Aliases, Package: p.Path, Type: t.Type, Queue: t.Queue, Once: t.Once,
		Timeout: model.Seconds(cmp.Or(t.Timeout, defaultTimeout)), Within: seconds(t.Within),
		Runs: "Run", Position: diag.FormatPosition(t.Pos, r.Dir), Doc: t.Doc,
	}
	if c := t.Retry; c != nil {
		row.Retry = &RetryConfig{
			MaxAttempts: c.Attempts, MaxRetryDuration: seconds(c.Age), MinBackoff: seconds(c.Min), MaxBackoff: seconds(c.Max), MaxDoublings: c.Doublings,
		}
	}
	for _, f := range t.Unique {
		row.Unique = append(row.Unique, f.GoName)
	}
	if t.Run == nil {
		row.Runs = nameRunner + "." + t.Names.Runner
	}
	for _, m := range t.Methods {
		row.Dynamic = append(row.Dynamic, m.Name)
	}
	return row
}

// seconds spells a duration that may not have been given.
func seconds(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return model.Seconds(d)
}

// WriteRoutes writes the route table for people.
func (r *Result) WriteRoutes(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "NAME\tQUEUE\tTIMEOUT\tTYPE\tRUNS\tPOSITION")
	for _, row := range r.Routes("") {
		name := row.Name
		if len(row.Aliases) > 0 {
			name += " (" + strings.Join(row.Aliases, ", ") + ")"
		}
		deadline, _ := time.ParseDuration(row.Timeout) // it was spelled here
		queue, timeout := cmp.Or(row.Queue, "(default)"), directive.FormatDuration(deadline)
		if slices.Contains(row.Dynamic, "Queue") {
			queue += " or Queue()"
		}
		if slices.Contains(row.Dynamic, "Timeout") {
			timeout += " or Timeout()"
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s.%s\t%s\t%s\n", name, queue, timeout, row.Package, row.Type, row.Runs, row.Position)
	}
	return tw.Flush()
}

// WriteRoutesJSON writes the route table as a JSON array. See Routes for pathPrefix.
func (r *Result) WriteRoutesJSON(w io.Writer, pathPrefix string) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(r.Routes(pathPrefix))
}
