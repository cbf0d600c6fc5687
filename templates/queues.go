package templates

import (
	"embed"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"text/template"
)

// Queues is what is printed of the queues that directives name.
type Queues struct {
	Queues   []Queue // sorted by id
	Project  string  // "": whichever is configured
	Location string  // "": a variable of the output
}

// A Queue is a queue and the tasks that go to it.
type Queue struct {
	ID    string
	Tasks []string // names, sorted
}

// Queue ids that YAML takes for strings: they begin like a word, and are none of its own.
var (
	plainScalar = regexp.MustCompile(`^[A-Za-z]`)
	otherScalar = regexp.MustCompile(`^(?i:y|n|yes|no|on|off|true|false|null)$`)
)

//go:embed queues/*.tmpl
var queueTemplates embed.FS

// QueueFormats returns the formats of WriteQueues.
func QueueFormats() []string { return []string{"yaml", "terraform", "gcloud"} }

// WriteQueues writes queues in one of QueueFormats.
func WriteQueues(w io.Writer, format string, q Queues) error {
	t, err := template.New(format+".tmpl").Funcs(template.FuncMap{
		"join": strings.Join,
		"identifier": func(id string) string {
			if '0' <= id[0] && id[0] <= '9' || id[0] == '-' {
				return "queue_" + id // an identifier of Terraform's does not begin so
			}
			return id
		},
		"scalar": func(id string) string {
			if !plainScalar.MatchString(id) || otherScalar.MatchString(id) {
				return strconv.Quote(id)
			}
			return id
		},
	}).ParseFS(queueTemplates, "queues/"+format+".tmpl")
	if err != nil {
		return fmt.Errorf("format %s: %w", format, err)
	}
	return t.Execute(w, q)
}
