package taskjson

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"slices"
)

// The functions of this file call methods of values' types, which may be anybody's. A panic in one is an error of its value.

// A PanicError is a panic in a method of a value's type. It does not unwrap to the value of the panic, which may be an
// error that means something else.
type PanicError struct {
	Value any    // what was passed to panic
	Stack []byte // of the goroutine that panicked
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// catch makes a panic an error. It has to be deferred itself. It does not see [runtime.Goexit], which goes on.
func catch(err *error) {
	if v := recover(); v != nil {
		*err = &PanicError{v, debug.Stack()}
	}
}

func marshalJSON(v json.Marshaler) (b []byte, err error) {
	defer catch(&err)
	return v.MarshalJSON()
}

func marshalText(v encoding.TextMarshaler) (text []byte, err error) {
	defer catch(&err)
	return v.MarshalText()
}

func unmarshalJSON(v json.Unmarshaler, data []byte) (err error) {
	defer catch(&err)
	return v.UnmarshalJSON(data)
}

// unmarshalText passes v a text without spare capacity: the bytes after it are not read yet.
func unmarshalText(v encoding.TextUnmarshaler, text []byte) (err error) {
	defer catch(&err)
	return v.UnmarshalText(slices.Clip(text))
}

func isZero(v interface{ IsZero() bool }) (zero bool, err error) {
	defer catch(&err)
	return v.IsZero(), nil
}

// encodeAny appends any value's JSON by reflection.
func encodeAny(b *bytes.Buffer, v any) (err error) {
	defer catch(&err)
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
