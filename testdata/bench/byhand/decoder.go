// Package byhand has the best codecs of the measured payloads that we could write by hand: a limit to compare with.
//
// They take no short cut in what is measured. What they accept, and what it decodes into, is what the generated codecs
// accept and decode; an error names the field and the offset; nothing refers to the input, and package unsafe is not
// used. What they give up is everything else. Every struct spells the order of members that AppendX writes as one long
// condition, followed by a loop for every other order, and each of the two has to be kept in step with the struct.
package byhand

import (
	"fmt"
	"math/bits"
	"strings"
)

// Error says what is wrong with a payload, or with a value that cannot be encoded.
type Error struct {
	Field  string
	Offset int // -1 when encoding
	Msg    string
}

func (e *Error) Error() string {
	if e.Offset < 0 {
		return e.Field + ": " + e.Msg
	}
	return fmt.Sprintf("%s: %s, offset %d", e.Field, e.Msg, e.Offset)
}

const maxDepth = 10_000

// A decoder is what decoding has besides the place where it is. Its methods take that, and return the place behind what
// they read; -1 after an error.
type decoder struct {
	data  []byte
	err   *Error
	texts strings.Builder // short strings, behind each other
	count int             // of strings
	spare []byte          // a text that had to be unquoted
}

func (d *decoder) fail(i int, format string, args ...any) int {
	if d.err == nil {
		d.err = &Error{Offset: min(i, len(d.data)), Msg: fmt.Sprintf(format, args...)}
	}
	return -1
}

// in notes that the error is in a field.
func (d *decoder) in(field string) int {
	d.err.Field = "." + field + d.err.Field
	return -1
}

// finish checks that nothing follows at i.
func (d *decoder) finish(i int) error {
	if i >= 0 {
		if i = d.space(i); i < len(d.data) {
			d.fail(i, "expected nothing after the payload")
		}
	}
	if d.err == nil {
		return nil
	}
	d.err.Field = "payload" + d.err.Field
	return d.err
}

// has reports whether data goes on with text at i.
func has(data []byte, i int, text string) bool {
	return i >= 0 && len(data)-i >= len(text) && string(data[i:i+len(text)]) == text
}

// at returns the byte at i, or 0 at the end.
func (d *decoder) at(i int) byte {
	if i < len(d.data) {
		return d.data[i]
	}
	return 0
}

func (d *decoder) space(i int) int {
	for i < len(d.data) && d.data[i] <= ' ' {
		if c := d.data[i]; c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			break
		}
		i++
	}
	return i
}

func (d *decoder) literal(i int, word string) int {
	if !has(d.data, i, word) {
		return d.fail(i, "expected %s", word)
	}
	return i + len(word)
}

// elsewhere reports whether null or white space is at i, which the quick way leaves to the other one.
func (d *decoder) elsewhere(i int) bool { return d.at(i) == 'n' || d.at(i) <= ' ' }

func (d *decoder) isNull(i int) bool { return d.at(i) == 'n' }

// open reads the brace of an object, and what comes before its first member.
func (d *decoder) open(i int) int {
	if d.at(i) != '{' {
		return d.fail(i, "expected an object")
	}
	return d.space(i + 1)
}

// member reads the name of a member and what is between it and its value. first tells whether a comma has to come before
// it. At the end of the object the name is nil.
func (d *decoder) member(i int, first bool) (name []byte, next int) {
	i = d.space(i)
	if d.at(i) == '}' {
		return nil, i + 1
	}
	if !first {
		if d.at(i) != ',' {
			return nil, d.fail(i, "expected , or } after a member")
		}
		i = d.space(i + 1)
	}
	if d.at(i) != '"' {
		return nil, d.fail(i, "expected a name in quotes")
	}
	name, i = d.text(i)
	if i < 0 {
		return nil, -1
	}
	if i = d.space(i); d.at(i) != ':' {
		return nil, d.fail(i, "expected : after a name")
	}
	if name == nil {
		name = d.data[:0]
	}
	return name, d.space(i + 1)
}

// once notes in bit i of seen that a member was given; -1 if it was before.
func (d *decoder) once(i int, seen *uint, bit uint) int {
	if *seen>>bit&1 != 0 {
		return d.fail(i, "field is given twice")
	}
	*seen |= 1 << bit
	return i
}

// required is once for a member that must not be null.
func (d *decoder) required(i int, seen *uint, bit uint) int {
	if d.isNull(i) {
		return d.fail(i, "required field is missing: it is null")
	}
	return d.once(i, seen, bit)
}

// check fails unless all members with these names were given, whose bits in seen are in their order.
func (d *decoder) check(i int, seen uint, names ...string) int {
	if missing := ^seen & (1<<len(names) - 1); missing != 0 && i >= 0 {
		d.fail(i-1, "required field is missing")
		return d.in(names[bits.TrailingZeros(missing)])
	}
	return i
}
