package compare

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// Main runs all rows and prints what they have seen, by package. It returns the exit code of the program.
func Main(rows []Row) int {
	values := flag.Int("values", 20, "`number` of random values of each row")
	damages := flag.Int("damages", 5, "`number` of damaged texts of each value")
	seed := flag.Uint64("seed", 1, "`seed` of the first value")
	only := flag.String("only", "", "run only the rows whose name contains `text`")
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
				if tallies[r.Package] == nil {
					tallies[r.Package] = new(Tally)
				}
				tallies[r.Package].Add(tally)
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
		fmt.Println("difference:", f)
	}
	if len(failures) > 0 {
		fmt.Printf("%d of %d rows differ from encoding/json\n", len(failures), len(rows))
		return 1
	}
	return 0
}
