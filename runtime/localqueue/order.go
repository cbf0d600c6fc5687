package localqueue

import (
	"slices"
	"sort"
)

// order keeps a queue's tasks in the order of their creation, for pages of lists and for the age limit. Places of tasks that are gone
// are reused once they are half of all.
type order struct {
	places []place
	first  int // places before it are empty
	empty  int // places at or after first whose task is gone
}

type place struct {
	seq uint64
	t   *task // nil: gone
}

// add adds t, which is the youngest task, except during recovery.
func (o *order) add(t *task) {
	i := len(o.places)
	if i > o.first && o.places[i-1].seq > t.seq {
		i = o.after(t.seq)
	}
	o.places = slices.Insert(o.places, i, place{t.seq, t})
}

// find returns the task with a sequence number; nil if there is none.
func (o *order) find(seq uint64) *task {
	if i := o.after(seq - 1); i < len(o.places) && o.places[i].seq == seq {
		return o.places[i].t
	}
	return nil
}

func (o *order) remove(t *task) {
	i := o.after(t.seq - 1)
	o.places[i].t = nil
	o.empty++
	for o.first < len(o.places) && o.places[o.first].t == nil {
		o.first++
		o.empty--
	}
	if used := len(o.places) - o.first; o.first+o.empty > 32 && o.first+o.empty > used-o.empty {
		kept := make([]place, 0, used-o.empty)
		for _, p := range o.places[o.first:] {
			if p.t != nil {
				kept = append(kept, p)
			}
		}
		*o = order{places: kept}
	}
}

// after returns the index of the first place with a sequence number above seq.
func (o *order) after(seq uint64) int {
	return o.first + sort.Search(len(o.places)-o.first, func(i int) bool { return o.places[o.first+i].seq > seq })
}

// oldest returns the task that was created first; nil if there is none.
func (o *order) oldest() *task {
	if o.first == len(o.places) {
		return nil
	}
	return o.places[o.first].t
}
