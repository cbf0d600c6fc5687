package gen

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
)

// A Route is one row of the route table.
type Route struct {
	Name     string   `json:"name"`              // task name, the last part of its URL
	Aliases  []string `json:"aliases,omitempty"` // former names
	Package  string   `json:"package"`           // import path
	Type     string   `json:"type"`
	Queue    string   `json:"queue,omitempty"`   // "": the client's default
	Timeout  string   `json:"timeout,omitempty"` // "": Cloud Tasks' 10 minutes
	Unique   []string `json:"unique,omitempty"`  // Go names of the fields
	Once     bool     `json:"once,omitempty"`
	Dynamic  []string `json:"dynamic,omitempty"` // methods that choose per payload
	Runs     string   `json:"runs"`              // what runs it: Run of the struct, or a method of Runner
	Position string   `json:"position"`          // file:line:col, relative to the working directory
	Doc      string   `json:"doc,omitempty"`     // first sentence of the struct's doc comment
}

// Routes returns the route table, sorted by name.
func (r *Result) Routes() []Route {
	routes := []Route{}
	for _, p := range r.Packages {
		for _, t := range p.Tasks {
			routes = append(routes, r.route(p, t))
		}
	}
	slices.SortFunc(routes, func(a, b Route) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Package, b.Package)) })
	return routes
}

func (r *Result) route(p *model.Package, t *model.Task) Route {
	row := Route{
		Name: t.Name, Aliases: t.Aliases, Package: p.Path, Type: t.Type, Queue: t.Queue, Once: t.Once,
		Runs: "Run", Position: formatPosition(t.Pos, r.Dir), Doc: t.Doc,
	}
	if t.Timeout > 0 {
		row.Timeout = formatDuration(t.Timeout)
	}
	for _, f := range t.Unique {
		row.Unique = append(row.Unique, f.GoName)
	}
	if t.Run == nil {
		row.Runs = nameRunner + "." + t.Names.Runner
	}
	for _, m := range []struct {
		has  bool
		name string
	}{{t.HasQueue, "Queue"}, {t.HasTimeout, "Timeout"}, {t.HasTaskName, "TaskName"}} {
		if m.has {
			row.Dynamic = append(row.Dynamic, m.name)
		}
	}
	return row
}

// WriteRoutes writes the route table for people.
func (r *Result) WriteRoutes(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "NAME\tQUEUE\tTIMEOUT\tTYPE\tRUNS\tPOSITION")
	for _, row := range r.Routes() {
		name := row.Name
		if len(row.Aliases) > 0 {
			name += " (" + strings.Join(row.Aliases, ", ") + ")"
		}
		queue, timeout := cmp.Or(row.Queue, "(default)"), cmp.Or(row.Timeout, "10m")
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

// WriteRoutesJSON writes the route table as a JSON array.
func (r *Result) WriteRoutesJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(r.Routes())
}
