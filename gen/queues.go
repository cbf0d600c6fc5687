package gen

import (
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/cloudtaskgen/cloudtaskgen/gen/directive"
	"github.com/cloudtaskgen/cloudtaskgen/templates"
)

// QueueOptions says how queues are printed.
type QueueOptions struct {
	Format   string // one of templates.QueueFormats
	Project  string // "": whichever is configured where the output is used
	Location string // "": the output asks for it
	Default  string // id of the client's default queue; "": it is left out
	Prefix   string // Config.QueuePrefix of the program
}

// The characters of projects and locations, which stand in scripts as they are.
var placeName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9:.-]*$`)

// check says what is wrong with the options.
func (o QueueOptions) check() error {
	if !slices.Contains(templates.QueueFormats(), o.Format) {
		return fmt.Errorf("-format %s: want %s", o.Format, strings.Join(templates.QueueFormats(), ", "))
	}
	if o.Default != "" {
		if err := directive.CheckQueueID(o.Default); err != nil {
			return fmt.Errorf("-default %s: %w", o.Default, err)
		}
	}
	if o.Prefix != "" && directive.CheckQueueID(o.Prefix) != nil {
		return fmt.Errorf("-prefix %s: want fewer than 100 letters, digits and hyphens ([A-Za-z0-9-])", o.Prefix)
	}
	for _, place := range []struct{ flag, value string }{{"-project", o.Project}, {"-location", o.Location}} {
		if place.value != "" && !placeName.MatchString(place.value) {
			return fmt.Errorf("%s %s: want letters, digits, and - : . between them", place.flag, place.value)
		}
	}
	return nil
}

// WriteQueues writes the queues that the directives name, for whatever creates queues. The notes tell of tasks that may go
// elsewhere. The error is one of the options, of a queue whose id becomes too long with the prefix, or of writing.
func (r *Result) WriteQueues(w io.Writer, opts QueueOptions) (notes []string, err error) {
	if err := opts.check(); err != nil {
		return nil, err
	}
	byID := map[string][]string{}
	var unnamed, dynamic []string
	for _, row := range r.Routes("") {
		queue := row.Queue
		if queue == "" {
			queue = opts.Default
		}
		if queue == "" {
			unnamed = append(unnamed, row.Name)
		} else {
			id := opts.Prefix + queue
			if err := directive.CheckQueueID(id); err != nil {
				return nil, fmt.Errorf("-prefix %s makes the queue of %s %s, which has %d characters: %w", opts.Prefix, row.Name, id, len(id), err)
			}
			byID[id] = append(byID[id], row.Name)
		}
		if slices.Contains(row.Dynamic, "Queue") {
			dynamic = append(dynamic, row.Name)
		}
	}
	if len(unnamed) > 0 {
		notes = append(notes, "no directive names the queue of "+strings.Join(unnamed, ", ")+": theirs is the client's default, which -default adds")
	}
	if len(dynamic) > 0 {
		notes = append(notes, "the Queue method of "+strings.Join(dynamic, ", ")+" may name others")
	}
	q := templates.Queues{Project: opts.Project, Location: opts.Location}
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		q.Queues = append(q.Queues, templates.Queue{ID: id, Tasks: byID[id]})
	}
	return notes, templates.WriteQueues(w, opts.Format, q)
}
