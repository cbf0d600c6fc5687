package taskjson

import (
	"bytes"
	"unsafe"
)

// OpenSlice opens an array that is to be read into v and reports whether it has an element. For null, v becomes nil.
func OpenSlice[S ~[]E, E any](d *Decoder, v *S) bool {
	if d.null() {
		*v = nil
		return false
	}
	more := d.Array()
	if d.failure == nil {
		*v = S{}
	}
	if more {
		var e E
		*v = make(S, 0, d.count(int(unsafe.Sizeof(e))))
	}
	return more
}

// Grow appends a zero element to v, which [OpenSlice] made, and returns a pointer to it.
func Grow[S ~[]E, E any](v *S) *E {
	n := len(*v)
	if n < cap(*v) {
		*v = (*v)[:n+1]
	} else {
		var zero E
		*v = append(*v, zero)
	}
	return &(*v)[n]
}

// lookAhead is how many bytes of a payload are looked at in all to count elements, in times its length.
const lookAhead = 4

// count guesses how many elements an array has, whose first one is next, and each of which takes size bytes of memory.
//
// It looks no further than the next closing bracket. For arrays in each other that is the same one, so what is looked at
// is bounded in all: reading stays linear, however deep arrays are in each other. Guesses that are too high, because of
// commas in strings and the like, are bounded by what the text could hold.
func (d *Decoder) count(size int) int {
	if d.looked > lookAhead*len(d.data) {
		return 1
	}
	rest := d.data[d.pos:]
	end := bytes.IndexByte(rest, ']')
	if end < 0 {
		end = len(rest)
	}
	d.looked += end
	if len(rest) == 0 {
		return 1
	}
	n := 1
	switch rest[0] {
	case '[':
	case '{':
		n = bytes.Count(rest[:end], []byte("{"))
	case '"':
		n = (bytes.Count(rest[:end], []byte(`"`)) + 1) / 2
	default:
		n = bytes.Count(rest[:end], []byte(",")) + 1
	}
	return min(n, max(1, 4*end/max(1, size)))
}

// IntSlice reads an array of integers.
func IntSlice[S ~[]E, E signed | unsigned](d *Decoder, v *S) {
	if !OpenSlice(d, v) {
		return
	}
	s := *v
	minusOne := ^E(0)
	bits, isSigned := int(unsafe.Sizeof(minusOne))*8, minusOne < 0
	for more := true; more; {
		n, _ := d.integer(bits, isSigned)
		s = append(s, E(n))
		i := d.pos + 1
		if i >= len(d.data) || d.data[i-1] != ',' {
			more = d.elem()
			continue
		}
		// Elem, spelled out: it would be another call.
		if d.data[i] <= ' ' {
			i = spaceEnd(d.data, i)
			d.spaced = true
		}
		d.pos = i
	}
	*v = s
}
