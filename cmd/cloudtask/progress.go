package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/cmd/internal/cli"
)

const (
	progressDelay = 500 * time.Millisecond // quicker operations show nothing
	progressEvery = 100 * time.Millisecond
	progressWidth = 30 // characters of the bar
)

// progress shows the progress of a long operation on a terminal.
type progress struct {
	w     io.Writer
	what  string
	total int // 0: unknown
	began time.Time
	done  atomic.Int64
	stop  chan struct{}
	ended sync.WaitGroup
}

// newProgress starts showing progress on standard error if that is a terminal. The caller must call end.
func newProgress(std cli.Streams, what string, total int) *progress {
	p := &progress{w: std.Err, what: what, total: total, began: time.Now()}
	if !cli.IsTerminal(std.Err) {
		return p
	}
	p.stop = make(chan struct{})
	p.ended.Go(p.run)
	return p
}

func (p *progress) add(n int) { p.done.Add(int64(n)) }

// end stops showing progress and clears the line.
func (p *progress) end() {
	if p.stop != nil {
		close(p.stop)
		p.ended.Wait()
	}
}

func (p *progress) run() {
	ticker := time.NewTicker(progressEvery)
	defer ticker.Stop()
	shown := false
	for {
		select {
		case <-p.stop:
			if shown {
				fmt.Fprint(p.w, "\r\x1b[K")
			}
			return
		case now := <-ticker.C:
			if now.Sub(p.began) >= progressDelay {
				fmt.Fprint(p.w, "\r", p.line(now), "\x1b[K")
				shown = true
			}
		}
	}
}

// line returns the line to show.
func (p *progress) line(now time.Time) string {
	done := int(p.done.Load())
	rate := float64(done) / now.Sub(p.began).Seconds()
	if p.total == 0 {
		return fmt.Sprintf("%s: %s, %.0f/s", p.what, thousands(done), rate)
	}
	filled := progressWidth * done / p.total
	left := ""
	if rate > 0 {
		left = ", " + time.Duration(float64(p.total-done)/rate*float64(time.Second)).Round(time.Second).String() + " left"
	}
	return fmt.Sprintf("%s [%s%s] %s of %s%s", p.what, strings.Repeat("=", filled), strings.Repeat(" ", progressWidth-filled),
		thousands(done), thousands(p.total), left)
}
