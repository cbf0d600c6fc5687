package compare

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
)

// A Tally counts what the comparison of a row, or of many rows, has seen.
type Tally struct {
	Rows        int
	Values      int
	Unencodable int            // values that neither encodes
	Unstable    int            // values that encoding/json itself does not encode twice alike
	Texts       int            // that were decoded
	Decoded     int            // alike
	Refused     int            // by both
	Allowed     map[string]int // differences by the reason that docs/json.md gives
}

// Add adds the counts of u.
func (t *Tally) Add(u Tally) {
	t.Rows += u.Rows
	t.Values += u.Values
	t.Unencodable += u.Unencodable
	t.Unstable += u.Unstable
	t.Texts += u.Texts
	t.Decoded += u.Decoded
	t.Refused += u.Refused
	for reason, n := range u.Allowed {
		t.allow(reason, n)
	}
}

func (t *Tally) allow(reason string, n int) {
	if t.Allowed == nil {
		t.Allowed = make(map[string]int)
	}
	t.Allowed[reason] += n
}

// report prints a line for each package, the sums, and the differences by reason.
func report(w io.Writer, tallies map[string]*Tally) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	line := func(name string, t *Tally) {
		allowed := 0
		for _, n := range t.Allowed {
			allowed += n
		}
		fmt.Fprintf(table, "%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t  %s\n", t.Rows, t.Values, t.Unencodable, t.Unstable, t.Texts, t.Decoded, t.Refused, allowed, name)
	}
	fmt.Fprintln(table, "tasks\tvalues\tunencodable\tunstable\ttexts\tdecoded alike\trefused by both\tdocumented\t  ")
	var sum Tally
	for _, path := range slices.Sorted(maps.Keys(tallies)) {
		line(path, tallies[path])
		sum.Add(*tallies[path])
	}
	line("sum", &sum)
	table.Flush()
	byCount := func(a, b string) int {
		return cmp.Or(cmp.Compare(sum.Allowed[b], sum.Allowed[a]), cmp.Compare(a, b))
	}
	for _, reason := range slices.SortedFunc(maps.Keys(sum.Allowed), byCount) {
		fmt.Fprintf(w, "documented difference: %7d  %s\n", sum.Allowed[reason], reason)
	}
}
