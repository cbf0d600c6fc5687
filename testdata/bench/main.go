// Command bench measures the generated codecs beside other JSON packages and prints a table.
//
// Peers take turns in one process. What is printed is the median, over the rounds, of a peer's speed relative to that of
// encoding/json in the same round, which is worth something on a machine that is busy with other work, too; and the same
// relative to package byhand, which shows how fast codecs of these payloads can be.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// A settings says how much to measure.
type settings struct {
	rounds int
	slice  time.Duration // of one measurement
	only   string
	peers  []string // those to measure; all if there are none
}

func main() {
	set := settings{}
	flag.IntVar(&set.rounds, "rounds", 9, "rounds of every comparison, at least 6 for numbers that are worth something")
	flag.DurationVar(&set.slice, "slice", 30*time.Millisecond, "how long a peer is measured in each round")
	flag.StringVar(&set.only, "only", "", "only payloads and directions whose name contains this, such as tiny or append; variants or handler for these parts")
	peers := flag.String("peers", "", "only these contenders, separated by commas, and encoding/json, such as \"by hand,cloudtaskgen\"")
	suite := flag.String("suite", "../JSONTestSuite/test_parsing", "the folder of JSONTestSuite's files")
	withV2 := flag.Bool("v2", true, "compare with encoding/json/v2, too, for which the program runs itself with GOEXPERIMENT=jsonv2")
	child := flag.Bool("child", false, "print ratios for the parent process, which prints the table")
	cold := flag.String("cold", "", "print how long this peer's first decoding and appending in a process takes")
	flag.Parse()
	if *peers != "" {
		set.peers = strings.Split(*peers, ",")
	}
	if *cold != "" {
		fmt.Println(coldStart(*cold).Nanoseconds())
		return
	}
	if err := run(os.Stdout, set, *suite, *child, *withV2); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(w io.Writer, set settings, suite string, child, withV2 bool) error {
	// As much memory is in use as in programs that do something, so that collections are as rare as there, and what they
	// cost is not a matter of chance.
	inUse := make([]byte, 64<<20)
	defer runtime.KeepAlive(inUse)
	if child {
		return printRatios(w, set, suite)
	}
	var extra map[string]experimentResult
	if withV2 {
		var err error
		if extra, err = experiment(set); err != nil {
			return err
		}
	}
	strict, err := judgements(suite, extra)
	if err != nil {
		return err
	}
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	defer tw.Flush()
	for _, c := range cases() {
		if !strings.Contains(c.name, set.only) {
			continue
		}
		fmt.Fprintf(tw, "\n%s, %d bytes\tns/op\ttimes encoding/json\ttimes by hand\tallocs/op\tB/op\tinvalid files accepted\n", c.name, c.bytes)
		results := c.measure(set)
		if ratio, ok := extra[c.name]; ok {
			results = append(results, ratio.scaled(results))
		}
		slices.SortStableFunc(results, func(a, b result) int { return cmp.Compare(b.speed, a.speed) })
		for _, r := range results {
			fmt.Fprintf(tw, "%s\t%.0f\t%.2f\t%.2f\t%d\t%d\t%s\n", r.peer, r.nanos, r.speed, r.limit, r.allocs, r.bytes, invalid(strict, r.peer))
		}
	}
	if set.only == "" || set.only == "variants" {
		printVariants(tw, set)
	}
	if set.only == "" || set.only == "handler" {
		printHandler(tw, set)
	}
	if set.only != "" {
		return nil
	}
	if err := printCold(tw); err != nil {
		return err
	}
	printStrictness(tw, strict)
	return nil
}
