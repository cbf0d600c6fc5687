// Command generator measures cloudtaskgen as a whole process, each piece of work beside what may be expected at best: the
// go command listing the same packages, or another generator. Both take turns, so that the ratio is worth something on a
// machine that does other work, too.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

func main() {
	rounds := flag.Int("rounds", 9, "how often each piece of work is measured")
	only := flag.String("only", "", "only pieces of work whose name contains this")
	root := flag.String("root", "../..", "the module to measure")
	flag.Parse()
	if err := run(*root, *only, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "generator:", err)
		os.Exit(1)
	}
}

func run(root, only string, rounds int) error {
	root, err := filepath.Abs(root)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "cloudtaskgen-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{root: root, dir: dir}
	if err := b.build(); err != nil {
		return err
	}
	tw := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(tw, "\twall\tCPU\tpeak memory\tof the floor\tat most\t")
	fell := 0
	for _, w := range b.works() {
		if !strings.Contains(w.name, only) {
			continue
		}
		m, err := w.measure(rounds)
		if err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		verdict := "ok"
		if !w.holds(m) {
			verdict = "MORE"
			fell++
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%d MB\t%.2f × %s (%s)\t%s\t%s\n", w.name, ms(m.own.wall), ms(m.own.cpu), m.own.memory>>20, m.ratio, w.floorName, ms(w.of(m.floor)), w.limit, verdict)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	if fell > 0 {
		return fmt.Errorf("%d of them took more than they may", fell)
	}
	return nil
}

func ms(d time.Duration) string { return fmt.Sprintf("%.0f ms", float64(d)/1e6) }

// A sample is what one process used, and what it waited for.
type sample struct {
	wall, cpu time.Duration
	memory    int64 // bytes at the peak, of the largest process
}

// A measurement is the medians of many samples.
type measurement struct {
	own, floor sample
	ratio      float64 // median of own by floor, each of one round
}

// A work is something that cloudtaskgen is measured at.
type work struct {
	name      string
	prepare   func() error // before each sample
	own       func() (sample, error)
	floorName string
	floor     func() (sample, error)
	of        func(sample) time.Duration // what is compared with the floor
	limit     string
	holds     func(measurement) bool
}

func wall(s sample) time.Duration { return s.wall }
func cpu(s sample) time.Duration  { return s.cpu }

// measure takes turns. One round more comes first, to warm caches up.
func (w *work) measure(rounds int) (measurement, error) {
	var owns, floors []sample
	var ratios []float64
	for i := range rounds + 1 {
		var pair [2]sample
		for j, do := range []func() (sample, error){w.own, w.floor} {
			if err := w.prepare(); err != nil {
				return measurement{}, err
			}
			var err error
			if pair[j], err = do(); err != nil {
				return measurement{}, err
			}
		}
		if i > 0 {
			owns, floors = append(owns, pair[0]), append(floors, pair[1])
			ratios = append(ratios, float64(w.of(pair[0]))/float64(w.of(pair[1])))
		}
	}
	slices.Sort(ratios)
	return measurement{own: median(owns), floor: median(floors), ratio: ratios[len(ratios)/2]}, nil
}

func median(samples []sample) sample {
	middle := func(of func(sample) int64) int64 {
		values := make([]int64, len(samples))
		for i, s := range samples {
			values[i] = of(s)
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	return sample{
		wall:   time.Duration(middle(func(s sample) int64 { return int64(s.wall) })),
		cpu:    time.Duration(middle(func(s sample) int64 { return int64(s.cpu) })),
		memory: middle(func(s sample) int64 { return s.memory }),
	}
}

// command returns what runs a program in a folder and measures it. Its exit status has to be one of those given.
func command(dir string, env []string, status []int, name string, args ...string) func() (sample, error) {
	return func() (sample, error) {
		cmd := exec.Command(name, args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
		var stderr strings.Builder
		cmd.Stderr = &stderr
		start := time.Now()
		err := cmd.Run()
		s := sample{wall: time.Since(start)}
		if cmd.ProcessState == nil {
			return s, err
		}
		if !slices.Contains(status, cmd.ProcessState.ExitCode()) {
			return s, fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, &stderr)
		}
		s.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		s.memory = peak(cmd.ProcessState)
		return s, nil
	}
}
