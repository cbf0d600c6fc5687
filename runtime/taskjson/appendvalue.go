package taskjson

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// RawMessage appends JSON without the white space between its tokens; null for nil.
func (e *Encoder) RawMessage(v *json.RawMessage) {
	if e.NotNil(*v != nil) {
		if problem := e.compact(*v); problem != nil {
			e.failInvalid("json.RawMessage", problem)
		}
	}
}

// Marshaler appends what v's MarshalJSON returns, without white space between its tokens; null for a nil interface.
func (e *Encoder) Marshaler(v json.Marshaler) {
	if !e.NotNil(v != nil) {
		return
	}
	b, err := marshalJSON(v)
	if err != nil {
		e.failValue(fmt.Sprintf("MarshalJSON of %T", v), err)
		return
	}
	if problem := e.compact(b); problem != nil {
		e.failInvalid(fmt.Sprintf("result of MarshalJSON of %T", v), problem)
	}
}

// TextMarshaler appends what v's MarshalText returns, as a string; null for a nil interface.
func (e *Encoder) TextMarshaler(v encoding.TextMarshaler) {
	if !e.NotNil(v != nil) {
		return
	}
	text, err := marshalText(v)
	if err != nil {
		e.failValue(fmt.Sprintf("MarshalText of %T", v), err)
		return
	}
	e.buf = appendText(e.buf, text, ',')
}

// compact appends b without the white space between its tokens. If b is not exactly one JSON value that can be decoded
// again, compact appends nothing and returns the problem.
func (e *Encoder) compact(b []byte) (problem *Error) {
	d := Decoder{data: b, depth: e.depth}
	d.space()
	d.Skip()
	d.space()
	if d.failure == nil && d.pos == len(b) && !d.spaced {
		e.buf = append(append(e.buf, b...), ',')
		return nil
	}
	if d.failure == nil && d.pos < len(b) {
		d.fail("more data after the end of the value")
	}
	if d.failure != nil {
		return d.failure.err
	}
	e.buf = append(appendCompact(e.buf, b), ',')
	return nil
}

// failInvalid records a problem of JSON that a method or a RawMessage supplied.
func (e *Encoder) failInvalid(what string, problem *Error) {
	e.fail(fmt.Sprintf("%s is not valid: %s, at its byte %d", what, problem.Msg, problem.Offset))
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

// Any appends a value of any type. Types that decoding never produces are left to encoding/json.
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
	if err := encodeAny(&b, v); err != nil {
		e.failValue(fmt.Sprintf("%T", v), err)
		return
	}
	if problem := e.compact(bytes.TrimSuffix(b.Bytes(), []byte("\n"))); problem != nil { // it is too deep
		e.failInvalid(fmt.Sprintf("%T", v), problem)
	}
}
