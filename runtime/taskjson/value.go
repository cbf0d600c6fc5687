package taskjson

import (
	"encoding"
	"encoding/json"
	"slices"
)

// Any reads any value, as nil, bool, float64, string, []any or map[string]any. If an object has a name twice, the last one
// counts.
func (d *Decoder) Any(v *any) {
	switch c := d.peek(); c {
	case '"':
		var s string
		d.String(&s)
		*v = s
	case '{', '[':
		d.anyNested(v)
	case 't', 'f':
		var b bool
		d.Bool(&b)
		*v = b
	case 'n':
		d.literal("null")
		*v = nil
	default:
		if c != '-' && (c < '0' || c > '9') {
			d.failSyntax("expected a value")
			return
		}
		var f float64
		d.Float64(&f)
		*v = f
	}
}

// An anyReader reads arrays and objects into an any. It does not call itself, so no value takes much stack.
type anyReader struct {
	open  []container // the innermost last
	elems []any       // of the open arrays, behind each other
	value any         // the last one that is complete
}

// A container is an array or object that has begun.
type container struct {
	object map[string]any // nil for an array
	key    string         // of the value that is next
	start  int            // of an array, in elems
}

// anyNested is Any for arrays and objects.
func (d *Decoder) anyNested(v *any) {
	outer := d.depth
	var open [4]container
	var elems [8]any
	r := anyReader{open: open[:0], elems: elems[:0]}
	for {
		switch d.peek() {
		case '"':
			var s string
			d.String(&s)
			r.value = s
		case '{':
			object := make(map[string]any)
			if d.member('{', intoMap) {
				r.enter(container{object: object, key: string(d.Key())})
				continue
			}
			r.value = object
		case '[':
			if d.Array() {
				r.enter(container{start: len(r.elems)})
				continue
			}
			r.value = []any{}
		default:
			d.Any(&r.value)
		}
		for {
			if d.failure != nil {
				d.depth = outer
				return
			}
			if len(r.open) == 0 {
				*v = r.value
				return
			}
			if r.add(d) {
				break
			}
			r.leave()
		}
	}
}

func (r *anyReader) enter(c container) {
	if len(r.open) == cap(r.open) { // append alone would allocate much more in all
		r.open = slices.Grow(r.open, 3*cap(r.open))
	}
	r.open = append(r.open, c)
}

// add adds the value to the innermost container and reads on to the next one in it. It reports false when there is none.
func (r *anyReader) add(d *Decoder) bool {
	c := &r.open[len(r.open)-1]
	if c.object == nil {
		r.elems = append(r.elems, r.value)
		return d.Elem()
	}
	c.object[c.key] = r.value
	if d.Entry() {
		c.key = string(d.Key())
		return true
	}
	return false
}

// leave makes the innermost container the current value.
func (r *anyReader) leave() {
	c := r.open[len(r.open)-1]
	r.open = r.open[:len(r.open)-1]
	if c.object != nil {
		r.value = c.object
		return
	}
	r.value = slices.Clone(r.elems[c.start:])
	r.elems = r.elems[:c.start]
}

// RawMessage reads any value and keeps its text.
func (d *Decoder) RawMessage(v *json.RawMessage) {
	if raw := d.raw(); raw != nil {
		*v = append((*v)[:0], raw...)
	}
}

// raw reads any value and returns its text, without spare capacity: the bytes after it are not read yet. It returns nil after an
// error.
func (d *Decoder) raw() []byte {
	start := d.pos
	d.Skip()
	if d.failure != nil {
		return nil
	}
	return d.data[start:d.pos:d.pos]
}

// Unmarshaler passes the next value, even null, to v's UnmarshalJSON.
func (d *Decoder) Unmarshaler(v json.Unmarshaler) {
	start := d.pos
	if raw := d.raw(); raw != nil {
		if err := unmarshalJSON(v, raw); err != nil {
			d.failErr(start, "UnmarshalJSON", err)
		}
	}
}

// TextUnmarshaler passes the contents of the next string to v's UnmarshalText.
func (d *Decoder) TextUnmarshaler(v encoding.TextUnmarshaler) {
	start := d.pos
	if s, ok := d.text(); ok {
		if err := unmarshalText(v, s); err != nil {
			d.failErr(start, "UnmarshalText", err)
		}
	}
}

// Alloc gives p a new value to read into and reports true; for null it sets p to nil and reports false.
func Alloc[T any](d *Decoder, p **T) bool {
	if d.null() {
		*p = nil
		return false
	}
	*p = new(T)
	return true
}

// Embedded returns the target of an embedded pointer, and allocates it for the first of its fields.
func Embedded[T any](p **T) *T {
	if *p == nil {
		*p = new(T)
	}
	return *p
}

// OpenMap opens an object to be read into v and reads the key of its first entry. It reports whether there is one. For null, v
// becomes nil.
func OpenMap[M ~map[K]V, K comparable, V any](d *Decoder, v *M) bool {
	if d.null() {
		*v = nil
		return false
	}
	if d.peek() == '{' {
		*v = make(M)
	}
	return d.member('{', intoMap)
}

// Put adds an entry to m.
func Put[M ~map[K]V, K comparable, V any](m M, key K, v *V) { m[key] = *v }
