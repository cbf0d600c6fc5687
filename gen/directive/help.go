package directive

import (
	"cmp"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// WriteHelp writes what every directive and its arguments mean, for a terminal.
func WriteHelp(w io.Writer) error {
	var b strings.Builder
	wrap(&b, "", "", "Directives stand in the doc comment of a struct type, one a line, without a space after the slashes. Arguments are "+
		"key=value; a bare word is a flag. Durations are in Go's syntax: 90s, 1h30m.")
	for _, d := range table() {
		fmt.Fprintf(&b, "\n%s\n", d.usage())
		wrap(&b, "    ", "    ", d.doc)
		for _, a := range d.all() {
			text, more := a.doc, a.limits()
			if a.def != "" {
				more = strings.TrimPrefix(more+"; default: "+a.def, "; ")
			}
			if more != "" {
				text += " (" + more + ")"
			}
			wrap(&b, fmt.Sprintf("      %-10s  ", cmp.Or(a.key, a.meta)), strings.Repeat(" ", 18), text)
		}
		for _, note := range d.notes {
			wrap(&b, "    ", "    ", note)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// all returns the list, if there is one, and the other arguments.
func (d *spec) all() []argSpec {
	if d.list == nil {
		return d.args
	}
	return append([]argSpec{*d.list}, d.args...)
}

// wrap writes text in lines, the first of which starts otherwise than the rest. Backquotes are for pages, not for terminals.
func wrap(b *strings.Builder, first, rest, text string) {
	const width = 100
	line := first
	for i, word := range strings.Fields(strings.ReplaceAll(text, "`", "")) {
		if i > 0 && len(line)+1+len(word) > width {
			b.WriteString(line + "\n")
			line = rest
		} else if i > 0 {
			line += " "
		}
		line += word
	}
	b.WriteString(line + "\n")
}

// markdown returns the section of each directive in docs/directives.md.
func markdown() string {
	var b strings.Builder
	for i, d := range table() {
		if i > 0 {
			b.WriteString("\n")
		}
		all := d.all()
		fmt.Fprintf(&b, "## `%s`\n\n%s\n\n", d.full(), d.doc)
		fmt.Fprintf(&b, "```text\n%s\n```\n\n", d.usage())
		columns := []column{
			{"argument", argSpec.form},
			{"meaning", func(a argSpec) string { return a.doc }},
			{"allowed", func(a argSpec) string { return symbols.ReplaceAllString(a.limits(), "`$0`") }},
			{"default", func(a argSpec) string { return a.def }},
		}
		// A column that says nothing is none.
		columns = slices.DeleteFunc(columns, func(c column) bool {
			return !slices.ContainsFunc(all, func(a argSpec) bool { return c.cell(a) != "" })
		})
		header, rule := "|", "|"
		for _, c := range columns {
			header += " " + c.title + " |"
			rule += "---|"
		}
		b.WriteString(header + "\n" + rule + "\n")
		for _, a := range all {
			b.WriteString("|")
			for _, c := range columns {
				b.WriteString(" " + c.cell(a) + strings.Repeat(" ", min(1, len(c.cell(a)))) + "|")
			}
			b.WriteString("\n")
		}
		for _, note := range d.notes {
			b.WriteString("\n" + note + "\n")
		}
	}
	return b.String()
}

// symbols matches words that Markdown would take for markup.
var symbols = regexp.MustCompile(`[^\s()]*[\[~_][^\s()]*`)

// column is one of a table of arguments.
type column struct {
	title string
	cell  func(argSpec) string
}

// form returns the argument as it is written, such as `queue=QUEUE`.
func (a argSpec) form() string {
	switch {
	case a.key == "":
		return "`" + a.value() + "`"
	case a.kind == flagArg:
		return "`" + a.key + "`"
	}
	return "`" + a.key + "=" + a.value() + "`"
}
