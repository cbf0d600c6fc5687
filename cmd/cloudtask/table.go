package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cloudtaskgen/cloudtaskgen/cmd/internal/cli"
)

// cell is a styled text in a table.
type cell struct {
	text  string
	style style
}

// table prints rows in aligned columns. Long tables are flushed in parts, between which columns can only grow.
type table struct {
	w      io.Writer
	paint  func(style, string) string
	widths []int
	rows   [][]cell
}

func newTable(w io.Writer, header ...string) *table {
	t := &table{w: w, paint: paint(w), widths: make([]int, len(header))}
	cells := make([]cell, len(header))
	for i, text := range header {
		cells[i] = cell{text, bold}
	}
	t.add(cells...)
	return t
}

func (t *table) add(cells ...cell) {
	for i := range cells {
		cells[i].text = cli.Printable(cells[i].text)
		t.widths[i] = max(t.widths[i], utf8.RuneCountInString(cells[i].text))
	}
	t.rows = append(t.rows, cells)
}

func (t *table) flush() error {
	var out strings.Builder
	for _, row := range t.rows {
		gap := 0 // spaces before the next text; none at the end of a line
		for i, c := range row {
			if c.text != "" {
				out.WriteString(strings.Repeat(" ", gap) + t.paint(c.style, c.text))
				gap = 0
			}
			gap += t.widths[i] - utf8.RuneCountInString(c.text) + 2
		}
		out.WriteByte('\n')
	}
	t.rows = t.rows[:0]
	_, err := io.WriteString(t.w, out.String())
	return err
}

// printableLines is like [cli.Printable], but keeps line breaks and tabs.
func printableLines(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		body, end := line, ""
		if strings.HasSuffix(line, "\n") {
			body, end = strings.TrimSuffix(line[:len(line)-1], "\r"), "\n"
		}
		for i, part := range strings.Split(body, "\t") {
			if i > 0 {
				out.WriteByte('\t')
			}
			out.WriteString(cli.Printable(part))
		}
		out.WriteString(end)
	}
	return out.String()
}

// count returns a number with its noun, as in "1 task" and "2 tasks".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return thousands(n) + " " + noun + "s"
}

// thousands groups the digits of a number.
func thousands(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// field adds a line with a name and a value.
func (t *table) field(name string, format string, args ...any) {
	t.add(cell{name, bold}, cell{fmt.Sprintf(format, args...), plain})
}
