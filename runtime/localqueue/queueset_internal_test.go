package localqueue

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// Whatever is added, replaced and removed in whatever order, the set has the queues of a map in the order of their names.
func TestQueueSet(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	var set queueSet
	want := make(map[string]*queue)
	for step := range 20_000 {
		q := &queue{name: fmt.Sprintf("q%d", random.IntN(4000))}
		if random.IntN(3) > 0 {
			set.put(q)
			want[q.name] = q
		} else {
			set.remove(q) // another of the same name stays
			if known := want[q.name]; known != nil {
				set.remove(known)
				delete(want, q.name)
			}
		}
		if step%997 != 0 && step < 19_999 {
			continue
		}
		names := make([]string, 0, len(want))
		for name := range want {
			names = append(names, name)
		}
		slices.Sort(names)
		after := names[len(names)/2]
		for _, from := range []string{"", after, after + "x", "q", "z"} {
			var got []*queue
			for q := range set.after(from) {
				got = append(got, q)
			}
			i, found := slices.BinarySearch(names, from)
			if found {
				i++
			}
			if len(got) != len(names)-i || set.len() != len(names) {
				t.Fatalf("step %d: %d of %d queues after %q, want %d of %d", step, len(got), set.len(), from, len(names)-i, len(names))
			}
			for j, q := range got {
				if q != want[names[i+j]] || q != set.get(q.name) {
					t.Fatalf("step %d: queue %d after %q is %s, want %s", step, j, from, q.name, names[i+j])
				}
			}
		}
	}
	set.clear()
	if set.len() != 0 || set.get("q1") != nil {
		t.Error("queues are left")
	}
}
