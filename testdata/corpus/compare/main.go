package compare

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
)

// Main runs all rows and prints what they came to, by module; its result is the program's exit code.
func Main(rows []Row) int {
	values := flag.Int("values", 20, "random values of each row")
	damages := flag.Int("damages", 5, "damaged texts of each value")
	seed := flag.Uint64("seed", 1, "of the first value")
	only := flag.String("only", "", "rows whose name has this in it")
	flag.Parse()

	var (
		mu       sync.Mutex
		wg       sync.WaitGroup
		tallies  = make(map[string]*Tally)
		failures []string
		next     = make(chan Row)
	)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for r := range next {
				tally, err := r.Run(*seed, *values, *damages)
				mu.Lock()
				if tallies[r.Module] == nil {
					tallies[r.Module] = new(Tally)
				}
				tallies[r.Module].Add(tally)
				if err != nil {
					failures = append(failures, fmt.Sprintf("%s: %.4000s", r.Name, err.Error()))
				}
				mu.Unlock()
			}
		})
	}
	for _, r := range rows {
		if strings.Contains(r.Name, *only) {
			next <- r
		}
	}
	close(next)
	wg.Wait()

	report(os.Stdout, tallies)
	slices.Sort(failures)
	for _, f := range failures {
		fmt.Println("DIFFERS", f)
	}
	if len(failures) > 0 {
		fmt.Printf("%d of %d rows differ from encoding/json\n", len(failures), len(rows))
		return 1
	}
	return 0
}

// report prints a line for each package, the sum, and what the codecs were strict about.
func report(w io.Writer, tallies map[string]*Tally) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	line := func(name string, t *Tally) {
		strict := 0
		for _, n := range t.Strict {
			strict += n
		}
		fmt.Fprintf(table, "%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t  %s\n", t.Rows, t.Values, t.Unencodable, t.Unstable, t.Texts, t.Decoded, t.Refused, strict, name)
	}
	fmt.Fprintln(table, "tasks\tvalues\tnot encodable\tunstable\ttexts\tdecoded\trefused by both\tstrict\t  ")
	var sum Tally
	for _, module := range slices.Sorted(maps.Keys(tallies)) {
		line(module, tallies[module])
		sum.Add(*tallies[module])
	}
	line("sum", &sum)
	table.Flush()
	for _, reason := range slices.SortedFunc(maps.Keys(sum.Strict), func(a, b string) int { return cmp.Compare(sum.Strict[b], sum.Strict[a]) }) {
		fmt.Fprintf(w, "strict: %7d  %s\n", sum.Strict[reason], reason)
	}
}
