package taskjson

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// RawMessage appends JSON as it stands, without white space between its tokens; null for nil.
func (e *Encoder) RawMessage(v *json.RawMessage) {
	if e.NotNil(*v != nil) {
		e.compact("json.RawMessage", *v)
	}
}

// Marshaler appends what v's MarshalJSON returns, without white space between its tokens; null for a nil interface.
func (e *Encoder) Marshaler(v json.Marshaler) {
	if !e.NotNil(v != nil) {
		return
	}
	b, err := v.MarshalJSON()
	if err != nil {
		e.failErr(fmt.Sprintf("MarshalJSON of %T", v), err)
		e.null()
		return
	}
	e.compact(fmt.Sprintf("result of MarshalJSON of %T", v), b)
}

// TextMarshaler appends what v's MarshalText returns, as a string; null for a nil interface.
func (e *Encoder) TextMarshaler(v encoding.TextMarshaler) {
	if !e.NotNil(v != nil) {
		return
	}
	text, err := v.MarshalText()
	if err != nil {
		e.failErr(fmt.Sprintf("MarshalText of %T", v), err)
		e.null()
		return
	}
	e.buf = appendText(e.buf, text, ',')
}

// compact appends b, which must be one JSON value, no deeper than what can be decoded again, without white space between
// its tokens.
func (e *Encoder) compact(what string, b []byte) {
	d := Decoder{data: b, depth: e.depth}
	d.space()
	d.Skip()
	d.space()
	if d.failure == nil && d.pos == len(b) && !d.spaced {
		e.buf = append(append(e.buf, b...), ',')
		return
	}
	if d.failure == nil && d.pos < len(b) {
		d.fail("more data after the end of the value")
	}
	if d.failure != nil {
		e.fail(fmt.Sprintf("%s is not valid: %s, at its byte %d", what, d.failure.err.Msg, d.failure.err.Offset))
		return
	}
	e.buf = append(appendCompact(e.buf, b), ',')
}

// appendCompact appends well-formed JSON without white space between its tokens.
func appendCompact(dst, b []byte) []byte {
	start := 0
	for i := 0; i < len(b); {
		switch c := b[i]; {
		case c == '"':
			i, _ = stringEnd(b, i+1)
		case isSpace(c):
			dst = append(dst, b[start:i]...)
			i++
			start = i
		default:
			i++
		}
	}
	return append(dst, b[start:]...)
}

// Any appends a value of whatever type. Types other than those that decoding makes are left to encoding/json.
func (e *Encoder) Any(v *any) {
	switch x := (*v).(type) {
	case nil:
		e.null()
	case bool:
		e.Bool(&x)
	case float64:
		e.Float64(&x)
	case string:
		e.String(&x)
	case []any:
		if e.NotNil(x != nil) {
			e.Array()
			for i := range x {
				e.Any(&x[i])
			}
			e.EndArray()
		}
	case map[string]any:
		if e.NotNil(x != nil) {
			e.Map()
			for _, k := range slices.Sorted(maps.Keys(x)) {
				value := x[k]
				e.MapKey(k).Any(&value)
			}
			e.EndMap()
		}
	default:
		e.anything(x)
	}
}

// Interface is [Encoder.Any] for interface types with methods.
func (e *Encoder) Interface(v any) { e.Any(&v) }

// anything appends a value by reflection.
func (e *Encoder) anything(v any) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		e.failErr(fmt.Sprintf("%T", v), err)
		e.null()
		return
	}
	e.compact(fmt.Sprintf("%T", v), bytes.TrimSuffix(b.Bytes(), []byte("\n"))) // which bounds its depth, too
}
