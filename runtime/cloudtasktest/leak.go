package cloudtasktest

import (
	"bytes"
	"context"
	"crypto/rand"
	"net/http"
	"runtime/debug"
	"runtime/pprof"
	"strings"
	"time"
)

// goroutineGrace is how long goroutines that tasks have started may take to end after the test.
const goroutineGrace = time.Second

// leakCheck finds the goroutines that runs of a queue's tasks have left. Goroutines inherit the profiler labels of the
// one that starts them, so that those of other tests, which run at the same time, are told from these.
type leakCheck struct {
	label  string // "": no check
	module string // path of the main module
}

// leakLabel is the key of the profiler label.
const leakLabel = "cloudtasktest"

// newLeakCheck returns a check, one that finds nothing if off, or where the binary does not say which its main module is.
func newLeakCheck(off bool) leakCheck {
	build, ok := debug.ReadBuildInfo()
	if off || !ok || build.Main.Path == "" {
		return leakCheck{}
	}
	return leakCheck{label: rand.Text(), module: build.Main.Path}
}

// watch returns a handler that labels what h starts.
func (l leakCheck) watch(h http.Handler) http.Handler {
	if l.label == "" {
		return h
	}
	labeled := pprof.WithLabels(context.Background(), pprof.Labels(leakLabel, l.label))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		pprof.SetGoroutineLabels(labeled)
		defer pprof.SetGoroutineLabels(r.Context())
		h.ServeHTTP(w, r)
	})
}

// find returns the stacks of goroutines that have been left, "" if none are.
func (l leakCheck) find() string {
	if l.label == "" {
		return ""
	}
	for pause, waited := time.Millisecond, time.Duration(0); ; pause *= 2 {
		stacks, unborn := l.running()
		if stacks == "" && !unborn || waited >= goroutineGrace {
			return stacks
		}
		time.Sleep(pause)
		waited += pause
	}
}

// running returns the stacks of goroutines that runs have started and that are in code of the main module: what libraries
// start, such as connections that they keep, is their business. Of a goroutine that has not begun, unborn, nobody knows.
func (l leakCheck) running() (stacks string, unborn bool) {
	var profile bytes.Buffer
	if pprof.Lookup("goroutine").WriteTo(&profile, 1) != nil { // to memory: never
		return "", false
	}
	var left strings.Builder
	for group := range strings.SplitSeq(profile.String(), "\n\n") {
		switch {
		case !strings.Contains(group, `"`+leakLabel+`":"`+l.label+`"`):
		case !strings.Contains(group, "\n#\t"):
			unborn = true
		case strings.Contains(group, "\t"+l.module+"/"), strings.Contains(group, "\t"+l.module+"."):
			left.WriteString(group + "\n")
		}
	}
	return left.String(), unborn
}
