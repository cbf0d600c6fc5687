package taskjson

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// Bool reads a boolean.
func (d *Decoder) Bool(v *bool) {
	switch d.peek() {
	case 't':
		if d.literal("true") {
			*v = true
		}
	case 'f':
		if d.literal("false") {
			*v = false
		}
	default:
		if !d.null() {
			d.failType("a boolean")
		}
	}
}

// Int reads an integer, as do the following methods. An integer that overflows the type is an error.
func (d *Decoder) Int(v *int) {
	if n, ok := d.integer(strconv.IntSize, true); ok {
		*v = int(n)
	}
}

// Int8 reads an int8.
func (d *Decoder) Int8(v *int8) {
	if n, ok := d.integer(8, true); ok {
		*v = int8(n)
	}
}

// Int16 reads an int16.
func (d *Decoder) Int16(v *int16) {
	if n, ok := d.integer(16, true); ok {
		*v = int16(n)
	}
}

// Int32 reads an int32.
func (d *Decoder) Int32(v *int32) {
	if n, ok := d.integer(32, true); ok {
		*v = int32(n)
	}
}

// Int64 reads an int64.
func (d *Decoder) Int64(v *int64) {
	if n, ok := d.integer(64, true); ok {
		*v = int64(n)
	}
}

// Uint reads a uint.
func (d *Decoder) Uint(v *uint) {
	if n, ok := d.integer(strconv.IntSize, false); ok {
		*v = uint(n)
	}
}

// Uint8 reads a uint8.
func (d *Decoder) Uint8(v *uint8) {
	if n, ok := d.integer(8, false); ok {
		*v = uint8(n)
	}
}

// Uint16 reads a uint16.
func (d *Decoder) Uint16(v *uint16) {
	if n, ok := d.integer(16, false); ok {
		*v = uint16(n)
	}
}

// Uint32 reads a uint32.
func (d *Decoder) Uint32(v *uint32) {
	if n, ok := d.integer(32, false); ok {
		*v = uint32(n)
	}
}

// Uint64 reads a uint64.
func (d *Decoder) Uint64(v *uint64) {
	if n, ok := d.integer(64, false); ok {
		*v = n
	}
}

// Uintptr reads a uintptr.
func (d *Decoder) Uintptr(v *uintptr) {
	if n, ok := d.integer(strconv.IntSize, false); ok {
		*v = uintptr(n)
	}
}

// Float32 reads a float32. A number too large for it is an error.
func (d *Decoder) Float32(v *float32) {
	if f, ok := d.float(32); ok {
		*v = float32(f)
	}
}

// Float64 reads a float64. A number too large for it is an error.
func (d *Decoder) Float64(v *float64) {
	if f, ok := d.float(64); ok {
		*v = f
	}
}

// numberOrNull reads a number and returns its text. It returns nil for null and after an error.
func (d *Decoder) numberOrNull(want string) []byte {
	c := d.peek()
	if c == '-' || '0' <= c && c <= '9' {
		return d.number()
	}
	if !d.null() {
		d.failType(want)
	}
	return nil
}

// failNumber records why strconv refused a number that is well-formed JSON.
func (d *Decoder) failNumber(start int, literal []byte, typ string, err error) {
	if errors.Is(err, strconv.ErrRange) {
		d.failAt(start, fmt.Sprintf("%s is out of range of %s", shorten(literal), typ))
		return
	}
	d.failAt(start, fmt.Sprintf("%s is not a number that %s can hold", shorten(literal), typ))
}

// shorten keeps error messages readable when the value is not.
func shorten(text []byte) string { return cut(text, 64) }

// cut shortens a text to at most so many bytes, at the boundary of a rune.
func cut[S string | []byte](text S, most int) string {
	if len(text) <= most {
		return string(text)
	}
	end := most - len("...")
	for end > most-len("...")-utf8.UTFMax && !utf8.RuneStart(text[end]) {
		end--
	}
	return string(text[:end]) + "..."
}

// Number reads a number without converting it. Like encoding/json, it accepts a string that holds a number.
func (d *Decoder) Number(v *json.Number) {
	if d.peek() != '"' {
		if literal := d.numberOrNull("a number"); literal != nil {
			*v = json.Number(literal)
		}
		return
	}
	start := d.pos
	if s, ok := d.text(); ok {
		if !isNumber(s) {
			d.failAt(start, fmt.Sprintf("%q is not a number", shorten(s)))
			return
		}
		*v = json.Number(s)
	}
}

// isNumber reports whether s is exactly one number.
func isNumber(s []byte) bool {
	d := Decoder{data: s}
	return d.number() != nil && d.pos == len(s)
}

// Bytes reads a string in base64, or an array of numbers.
func (d *Decoder) Bytes(v *[]byte) {
	if Base64(d, v) {
		return
	}
	IntSlice(d, v)
}

// Base64 reads a string in base64, or reports false when the next value is not a string.
func Base64[S ~[]E, E ~uint8](d *Decoder, v *S) bool {
	if d.peek() != '"' {
		return false
	}
	start := d.pos
	s, ok := d.text()
	if !ok {
		return true
	}
	b := make([]byte, base64.StdEncoding.DecodedLen(len(s)))
	n, err := base64.StdEncoding.Decode(b, s)
	if err != nil {
		d.failErr(start, "not base64", err)
		return true
	}
	if bytes, ok := any(v).(*[]byte); ok {
		*bytes = b[:n]
		return true
	}
	*v = make(S, n)
	for i := range n {
		(*v)[i] = E(b[i])
	}
	return true
}
