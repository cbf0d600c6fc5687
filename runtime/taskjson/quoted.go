package taskjson

import (
	"encoding/json"
	"fmt"
	"strconv"
	"unsafe"
)

// The functions of this file read fields with the ",string" option, whose value is in a string.

type signed interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64
}

type unsigned interface {
	~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uintptr
}

// QuotedAlloc is [Alloc] for a quoted value; "null" in quotes counts as null, too.
func QuotedAlloc[T any](d *Decoder, p **T) bool {
	start := d.pos
	if d.quotedNull() {
		*p = nil
		return false
	}
	if d.failure == nil {
		d.pos = start
	}
	return Alloc(d, p)
}

// QuotedValue is [Decoder.Value] for a quoted value.
func (d *Decoder) QuotedValue(word *uint64, bit uint64) *Decoder {
	start := d.pos
	if d.peek() != 'n' && !d.quotedNull() {
		*word |= bit
	}
	if d.failure == nil {
		d.pos = start
	}
	return d
}

// quotedNull reads a string and reports whether it holds null. If the next value is not a string, it reads nothing.
func (d *Decoder) quotedNull() bool {
	if d.peek() != '"' {
		return false
	}
	s, ok := d.text()
	return ok && string(s) == "null"
}

// QuotedBool reads a quoted boolean.
func QuotedBool[T ~bool](d *Decoder, v *T) {
	start := d.pos
	if s, ok := d.quoted("a boolean"); ok {
		if string(s) != "true" && string(s) != "false" {
			d.failQuoted(start, s, "a boolean")
			return
		}
		*v = s[0] == 't'
	}
}

// QuotedInt reads a quoted integer.
func QuotedInt[T signed](d *Decoder, v *T) {
	start := d.pos
	if s, ok := d.quotedNumber("an integer"); ok {
		n, err := strconv.ParseInt(string(s), 10, int(unsafe.Sizeof(*v))*8)
		if err != nil {
			d.failNumber(start, s, fmt.Sprintf("%T", *v), err)
			return
		}
		*v = T(n)
	}
}

// QuotedUint reads a quoted unsigned integer.
func QuotedUint[T unsigned](d *Decoder, v *T) {
	start := d.pos
	if s, ok := d.quotedNumber("an integer"); ok {
		n, err := strconv.ParseUint(string(s), 10, int(unsafe.Sizeof(*v))*8)
		if err != nil {
			d.failNumber(start, s, fmt.Sprintf("%T", *v), err)
			return
		}
		*v = T(n)
	}
}

// QuotedFloat reads a quoted number.
func QuotedFloat[T ~float32 | ~float64](d *Decoder, v *T) {
	start := d.pos
	if s, ok := d.quotedNumber("a number"); ok {
		f, err := strconv.ParseFloat(string(s), int(unsafe.Sizeof(*v))*8)
		if err != nil {
			d.failNumber(start, s, fmt.Sprintf("%T", *v), err)
			return
		}
		*v = T(f)
	}
}

// QuotedString reads a quoted string: a string that holds a string in quotes.
func QuotedString[T ~string](d *Decoder, v *T) {
	start := d.pos
	if s, ok := d.quoted("a string"); ok {
		text, ok := unquote(s)
		if !ok {
			d.failQuoted(start, s, "a string in quotes")
			return
		}
		*v = T(text)
	}
}

// QuotedNumber reads a quoted number without converting it.
func QuotedNumber(d *Decoder, v *json.Number) {
	start := d.pos
	if s, ok := d.quoted("a number"); ok {
		text, ok := unquote(s)
		if !ok {
			text = string(s)
		}
		if !isNumber([]byte(text)) {
			d.failQuoted(start, s, "a number")
			return
		}
		*v = json.Number(text)
	}
}

// quoted reads a string and returns its contents. It reports false for null, quoted or not, and after an error.
func (d *Decoder) quoted(want string) ([]byte, bool) {
	if d.peek() != '"' {
		if !d.null() {
			d.failType(want + " in a string")
		}
		return nil, false
	}
	start := d.pos
	s, ok := d.text()
	if ok && string(s) == "null" {
		d.checkNull(start)
		return nil, false
	}
	return s, ok
}

// quotedNumber is quoted for contents that start like a number. As in encoding/json, strconv checks the rest.
func (d *Decoder) quotedNumber(want string) ([]byte, bool) {
	start := d.pos
	s, ok := d.quoted(want)
	if ok && (len(s) == 0 || s[0] != '-' && (s[0] < '0' || s[0] > '9')) {
		d.failQuoted(start, s, want)
		return nil, false
	}
	return s, ok
}

func (d *Decoder) failQuoted(start int, s []byte, want string) {
	d.failAt(start, fmt.Sprintf("expected %s in a string, found %q in it", want, shorten(s)))
}

// unquote returns the contents of s if it is exactly one string.
func unquote(s []byte) (string, bool) {
	d := Decoder{data: s}
	if d.peek() != '"' {
		return "", false
	}
	text, ok := d.text()
	return string(text), ok && d.pos == len(s)
}
