package taskjson

import (
	"fmt"
	"reflect"
)

// Encoder appends JSON to a byte slice. Make one with [NewEncoder], pass it to a generated function and return what
// [Encoder.Finish] returns, which drops everything after an error.
//
// A comma follows every value. The bracket that closes an array or object replaces the last one, so no method needs to know
// whether its value is the first.
type Encoder struct {
	buf   []byte
	start int // where the JSON starts in buf
	depth int

	failure *encodeFailure
}

// An encodeFailure is the first error, with what is needed to work out its path.
type encodeFailure struct {
	err   *Error
	at    int // where in buf the value should be that err is about
	trail trail
}

// NewEncoder returns an encoder that appends to dst.
func NewEncoder(dst []byte) *Encoder {
	return &Encoder{buf: dst, start: len(dst)}
}

// Finish returns the extended slice. After an error it returns the slice at its old length and the error, as an
// [*Error] whose path starts with root.
func (e *Encoder) Finish(root string) (dst []byte, err error) {
	dst = e.buf[:len(e.buf)-1]
	if e.failure != nil {
		dst, err = e.finishFailed(root)
	}
	return
}

func (e *Encoder) finishFailed(root string) ([]byte, error) {
	f := e.failure
	f.err.Path = f.trail.path(root, e.buf[e.start:f.at], "")
	return e.buf[:e.start], f.err
}

// Key appends the name of a struct's member, given in quotes and with a colon.
//
//go:noinline
func (e *Encoder) Key(quoted string) *Encoder {
	e.named(quoted, 0)
	return e
}

// MapKey appends the key of a map's entry.
//
//go:noinline
func (e *Encoder) MapKey(key string) *Encoder {
	e.StringField("", key)
	e.buf[len(e.buf)-1] = ':'
	return e
}

// Object opens a struct's object. It does not append the brace: the call after it does, as a part of the first member's name if that
// member is always present.
func (e *Encoder) Object() {
	if e.depth++; e.depth > MaxDepth {
		e.failDepth()
	}
}

// EndObject closes a struct's object.
//
//go:noinline
func (e *Encoder) EndObject() {
	if e.failure != nil {
		e.failure.trail.markStruct(e.depth)
	}
	e.close('}')
}

// Map opens a map's object.
//
//go:noinline
func (e *Encoder) Map() { e.open('{') }

// EndMap closes a map's object.
//
//go:noinline
func (e *Encoder) EndMap() { e.close('}') }

// Array opens an array.
//
//go:noinline
func (e *Encoder) Array() { e.open('[') }

// EndArray closes an array.
//
//go:noinline
func (e *Encoder) EndArray() { e.close(']') }

func (e *Encoder) open(bracket byte) {
	if e.depth++; e.depth > MaxDepth {
		e.failDepth()
	}
	e.buf = append(e.buf, bracket)
}

//go:noinline
func (e *Encoder) failDepth() {
	e.fail(fmt.Sprintf("nested more than %d levels deep; is it a cycle?", MaxDepth))
}

func (e *Encoder) close(bracket byte) {
	e.depth--
	buf := e.buf
	if last := len(buf) - 1; buf[last] == ',' {
		buf[last] = bracket
	} else {
		buf = append(buf, bracket)
	}
	e.buf = append(buf, ',')
}

// NotNil reports whether the value of a pointer, slice or map is to be appended: notNil, unless there has been an
// error. It appends null when notNil is false.
//
//go:noinline
func (e *Encoder) NotNil(notNil bool) bool {
	if !notNil {
		e.null()
	}
	return notNil && e.failure == nil
}

// Has reports whether a field that is left out when nil is to be appended: notNil, unless there has been an error.
func (e *Encoder) Has(notNil bool) bool { return notNil && e.failure == nil }

// Quote opens the string in which a number or boolean with the ",string" option is.
func (e *Encoder) Quote() *Encoder {
	e.buf = append(e.buf, '"')
	return e
}

// EndQuote closes the string that Quote opened.
func (e *Encoder) EndQuote() {
	e.buf[len(e.buf)-1] = '"'
	e.buf = append(e.buf, ',')
}

func (e *Encoder) null() { e.buf = append(e.buf, "null,"...) }

// NotZero reports whether a field with the omitzero option is to be appended, which is if v's IsZero method returns false.
// quoted is the field's name as [Encoder.Key] takes it.
func (e *Encoder) NotZero(quoted string, v interface{ IsZero() bool }) bool {
	if e.failure != nil {
		return false
	}
	zero, err := isZero(v)
	if err != nil {
		e.Key(quoted).failValue(fmt.Sprintf("IsZero of %T", v), err)
		return false
	}
	return !zero
}

// fail records an error of the next value and appends null in its place.
func (e *Encoder) fail(msg string) { e.failValue(msg, nil) }

// failValue is fail with the error of a method of the value's type.
func (e *Encoder) failValue(msg string, err error) {
	e.failErr(msg, err)
	e.null()
}

func (e *Encoder) failErr(msg string, err error) {
	if e.failure == nil {
		e.failure = &encodeFailure{err: &Error{Offset: -1, Msg: msg, Err: err}, at: len(e.buf)}
	}
}

// IsZero reports whether v is its type's zero value, for types whose values do not compare with ==.
func IsZero[T any](v *T) bool { return reflect.ValueOf(v).Elem().IsZero() }

// IsNilPointer reports whether an interface holds a nil pointer.
func IsNilPointer(v any) bool {
	r := reflect.ValueOf(v)
	return r.Kind() == reflect.Pointer && r.IsNil()
}
