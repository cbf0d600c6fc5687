package localqueue

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// maxRecent is the number of gone tasks with ids chosen by the service that a queue remembers. Such ids are never reused, so they are
// remembered only for the text of GetTask's error.
const maxRecent = 10_000

// tombstones remembers the tasks of a queue that are gone.
type tombstones struct {
	window  int64            // in nanoseconds; 0 or less: nothing is remembered
	expires map[string]int64 // by id
	named   []tombstone      // ids that a caller chose, by expiry
	recent  []tombstone      // ids that the service chose, by expiry
}

type tombstone struct {
	id      string
	expires int64
}

// add remembers a task that ended now.
func (g *tombstones) add(id string, chosen bool, now int64) {
	if g.window > 0 {
		g.put(tombstone{id, later(now, g.window)}, chosen)
	}
}

// put remembers a task until its tombstone expires.
func (g *tombstones) put(stone tombstone, chosen bool) {
	if g.expires == nil {
		g.expires = make(map[string]int64)
	}
	if g.expires[stone.id] == stone.expires { // read from a snapshot and again from the journal
		return
	}
	g.expires[stone.id] = stone.expires
	if chosen {
		if len(g.recent) == maxRecent {
			g.forget(&g.recent)
		}
		g.recent = append(g.recent, stone)
		return
	}
	g.named = append(g.named, stone)
}

// sort sorts the tombstones after recovery.
func (g *tombstones) sort() {
	byExpiry := func(a, b tombstone) int { return cmp.Compare(a.expires, b.expires) }
	slices.SortStableFunc(g.named, byExpiry)
	slices.SortStableFunc(g.recent, byExpiry)
}

// has reports whether a task with an id ended within the window.
func (g *tombstones) has(id string, now int64) bool {
	g.expire(now)
	_, ok := g.expires[id]
	return ok
}

func (g *tombstones) expire(now int64) {
	for len(g.named) > 0 && g.named[0].expires <= now {
		g.forget(&g.named)
	}
	for len(g.recent) > 0 && g.recent[0].expires <= now {
		g.forget(&g.recent)
	}
}

func (g *tombstones) forget(list *[]tombstone) {
	delete(g.expires, (*list)[0].id)
	(*list)[0] = tombstone{}
	*list = (*list)[1:]
}

// later returns the time d after now, or the latest possible time: a window may be meant to last forever.
func later(now, d int64) int64 {
	if d > math.MaxInt64-now {
		return math.MaxInt64
	}
	return now + d
}

// tombstoneWindow returns the option's window, or the default for zero.
func tombstoneWindow(option, byDefault time.Duration) time.Duration {
	if option == 0 {
		return byDefault
	}
	return option
}
