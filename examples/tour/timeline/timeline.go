// Package timeline records what happened, prints it as it happens, and compares it with what should have.
//
// Every event has an actor. The events of one actor happen in order and are compared in order; those of different
// actors are concurrent, so that how they interleave is printed but not compared.
package timeline

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

// Timeline is safe for concurrent use.
type Timeline struct {
	mu      sync.Mutex
	out     io.Writer
	start   time.Time
	pending []string      // noted since the last Expect, as "actor: text"
	noted   chan struct{} // closed and replaced at every event
	scenes  int
	events  int
}

// New returns a timeline that prints to out and begins now.
func New(out io.Writer) *Timeline {
	return &Timeline{out: out, start: time.Now(), noted: make(chan struct{})}
}

// Scene begins a scene: a title, and why things happen as they do.
func (t *Timeline) Scene(title, why string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.scenes++
	fmt.Fprintf(t.out, "\n%d. %s\n   %s\n", t.scenes, title, strings.ReplaceAll(why, "\n", "\n   "))
}

// Note records that actor did something. An actor is who acts, such as a task type and what tells its tasks apart.
func (t *Timeline) Note(actor, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.events++
	t.pending = append(t.pending, actor+": "+text)
	t.print(actor, text)
	close(t.noted)
	t.noted = make(chan struct{})
}

// Aside prints something that explains the events but is none: it is not compared.
func (t *Timeline) Aside(actor, format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.print(actor, fmt.Sprintf(format, args...))
}

func (t *Timeline) print(actor, text string) {
	fmt.Fprintf(t.out, "%8d ms  %-24s %s\n", time.Since(t.start).Milliseconds(), actor, text)
}

// Expect waits until as many events were noted since the last Expect as want has, and returns an error that lists
// what is missing and what is extra. An event that comes too late to be seen as extra here is extra in the next call;
// a last call without want makes sure that there is none.
func (t *Timeline) Expect(ctx context.Context, want ...string) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		t.mu.Lock()
		got, noted := t.pending, t.noted
		if len(got) >= len(want) || ctx.Err() != nil {
			t.pending = nil
			t.mu.Unlock()
			return compare(got, want)
		}
		t.mu.Unlock()
		select {
		case <-noted:
		case <-ctx.Done():
		}
	}
}

// Summary says how much happened, and in what time.
func (t *Timeline) Summary() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return fmt.Sprintf("%d scenes, %d events, %.1f s", t.scenes, t.events, time.Since(t.start).Seconds())
}

func compare(got, want []string) error {
	got, want = byActor(got), byActor(want)
	if slices.Equal(got, want) {
		return nil
	}
	var diff strings.Builder
	for _, actor := range actors(got, want) {
		g, w := of(actor, got), of(actor, want)
		if slices.Equal(g, w) {
			continue
		}
		for _, e := range w {
			fmt.Fprintf(&diff, "\n  expected  %s", e)
		}
		for _, e := range g {
			fmt.Fprintf(&diff, "\n  happened  %s", e)
		}
		if len(g) == 0 {
			fmt.Fprintf(&diff, "\n  happened  nothing by %s", actor)
		}
		if len(w) == 0 {
			fmt.Fprintf(&diff, "\n  expected  nothing by %s", actor)
		}
	}
	return fmt.Errorf("the timeline is not as expected:%s", diff.String())
}

// byActor returns the events grouped by actor; those of one actor keep their order.
func byActor(events []string) []string {
	events = slices.Clone(events)
	slices.SortStableFunc(events, func(a, b string) int { return strings.Compare(actorOf(a), actorOf(b)) })
	return events
}

func actors(lists ...[]string) []string {
	var all []string
	for _, e := range slices.Concat(lists...) {
		all = append(all, actorOf(e))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func of(actor string, events []string) []string {
	return slices.DeleteFunc(slices.Clone(events), func(e string) bool { return actorOf(e) != actor })
}

func actorOf(event string) string {
	actor, _, _ := strings.Cut(event, ": ")
	return actor
}
