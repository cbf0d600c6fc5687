package taskjson

import (
	"encoding"
	"encoding/json"
)

// Any reads a value of whatever kind: a nil, bool, float64, string, []any or map[string]any. Of a name that an object
// has twice, the last one counts.
func (d *Decoder) Any(v *any) {
	switch c := d.peek(); c {
	case '"':
		var s string
		d.String(&s)
		*v = s
	case '{':
		m := make(map[string]any)
		for more := d.member('{', intoMap, nil); more; more = d.Entry() {
			key := string(d.Key())
			var x any
			d.Any(&x)
			m[key] = x
		}
		*v = m
	case '[':
		s := []any{}
		for more := d.Array(); more; more = d.Elem() {
			var x any
			d.Any(&x)
			s = append(s, x)
		}
		*v = s
	case 't', 'f':
		var b bool
		d.Bool(&b)
		*v = b
	case 'n':
		d.literal("null")
		*v = nil
	default:
		var f float64
		if c != '-' && (c < '0' || c > '9') {
			d.failSyntax("expected a value")
			return
		}
		d.Float64(&f)
		*v = f
	}
}

// RawMessage reads any value and keeps it as it stands.
func (d *Decoder) RawMessage(v *json.RawMessage) {
	if raw := d.raw(); raw != nil {
		*v = append((*v)[:0], raw...)
	}
}

// raw reads any value and returns it as it stands; nil after an error.
func (d *Decoder) raw() []byte {
	start := d.pos
	d.Skip()
	if d.failure != nil {
		return nil
	}
	return d.data[start:d.pos:d.pos]
}

// Unmarshaler hands the next value to v, null too.
func (d *Decoder) Unmarshaler(v json.Unmarshaler) {
	start := d.pos
	if raw := d.raw(); raw != nil {
		if err := v.UnmarshalJSON(raw); err != nil {
			d.failErr(start, "UnmarshalJSON", err)
		}
	}
}

// TextUnmarshaler hands what the next string says to v.
func (d *Decoder) TextUnmarshaler(v encoding.TextUnmarshaler) {
	start := d.pos
	if s, ok := d.text(); ok {
		if err := v.UnmarshalText(s); err != nil {
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

// Embedded returns what an embedded pointer points to, which it allocates at the first of its fields.
func Embedded[T any](p **T) *T {
	if *p == nil {
		*p = new(T)
	}
	return *p
}

// OpenMap opens an object that is to be read into v and reads the key of its first entry. It reports false when there
// is none. For null, v becomes nil.
func OpenMap[M ~map[K]V, K comparable, V any](d *Decoder, v *M) bool {
	if d.null() {
		*v = nil
		return false
	}
	if d.peek() == '{' {
		*v = make(M)
	}
	return d.member('{', intoMap, nil)
}
