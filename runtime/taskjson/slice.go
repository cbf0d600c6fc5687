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

// lookAhead bounds the bytes read in advance to count elements, as a multiple of the payload's length.
const lookAhead = 4

// count guesses the number of elements of an array whose first element is next and whose elements take size bytes of memory
// each.
//
// It looks no further than the next closing bracket. Nested arrays share that bracket, so lookAhead bounds the total: reading
// stays linear however deep arrays are nested. A guess that is too high, because of commas in strings, is bounded by the
// number of elements that the text could hold.
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
