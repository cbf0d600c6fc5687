// Package timeline records events, prints them as they happen, and compares them with the expected ones.
//
// Every event has an actor. The events of one actor are ordered and are compared in order. Those of different actors are concurrent:
// they are printed as they interleave, but their order is not compared.
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

// Timeline records events. It is safe for concurrent use.
type Timeline struct {
	mu      sync.Mutex
	out     io.Writer
	start   time.Time
	pending []string      // events since the last Expect, as "actor: text"
	noted   chan struct{} // closed and replaced at every event
	scenes  int
	events  int
}

// New returns a timeline that prints to out and starts now.
func New(out io.Writer) *Timeline {
	return &Timeline{out: out, start: time.Now(), noted: make(chan struct{})}
}

// Scene starts a scene. It prints a title and an explanation of what happens.
func (t *Timeline) Scene(title, why string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.scenes++
	fmt.Fprintf(t.out, "\n%d. %s\n   %s\n", t.scenes, title, strings.ReplaceAll(why, "\n", "\n   "))
}

// Note records an event of an actor, such as a task type and what distinguishes its tasks.
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

// Aside prints an explanation that is not an event, so it is not compared.
func (t *Timeline) Aside(actor, format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.print(actor, fmt.Sprintf(format, args...))
}

func (t *Timeline) print(actor, text string) {
	fmt.Fprintf(t.out, "%8d ms  %-24s %s\n", time.Since(t.start).Milliseconds(), actor, text)
}

// Expect waits for as many events since the last Expect as there are in want, and returns an error that lists missing and unexpected
// ones. Events that arrive after that count as unexpected in the next call, so a final call without want checks that there are none.
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

// Summary returns the number of scenes and events, and the time taken.
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

// byActor returns the events grouped by actor, in the same order for each.
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
