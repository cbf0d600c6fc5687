package taskjson

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Decoder reads a payload. Make one with [NewDecoder], hand it to a generated function and return what
// [Decoder.Finish] returns. After the first error every method does nothing.
//
// Methods that read a value leave their target unchanged when the value is null, unless the target can be nil.
type Decoder struct {
	data    []byte // the input; nil after an error
	pos     int
	depth   int
	keyAt   int    // where the name of the current member starts, behind its quote
	keyEnd  int    // where it ends, before its quote; 0 if it is in spare
	notNull int    // where a value must not be null, as a required member has it
	spare   []byte // holds a text that had to be unquoted; valid until the next read

	texts     strings.Builder // short strings, behind each other
	textCount int             // of all strings

	looked int  // how many bytes were looked at to count elements
	spaced bool // there was white space

	unquoted bool // the last text is in spare

	failure *failure
}

// A failure is the first error, with what is needed to work out its path.
type failure struct {
	err    *Error
	input  []byte
	member string // the required member that err says is missing
	trail  trail
}

// NewDecoder returns a decoder of data, which must hold one JSON object and nothing else.
func NewDecoder(data []byte) *Decoder { return &Decoder{data: data} }

// Finish checks that nothing follows the object and returns the first error, if any, as an [*Error].
func (d *Decoder) Finish() error {
	if d.pos == len(d.data) && d.failure == nil {
		return nil
	}
	return d.finish()
}

func (d *Decoder) finish() error {
	d.space()
	if d.pos < len(d.data) {
		d.failSyntax("expected nothing after the payload")
	}
	if d.failure == nil {
		return nil
	}
	f := d.failure
	f.err.Path = f.trail.path("payload", f.input[:f.err.Offset], f.member)
	return f.err
}

// NullStruct reports whether a struct's value is null, and reads the null. The payload itself must not be null.
func (d *Decoder) NullStruct() bool { return d.depth > 0 && d.null() }

// Entry reads the key of the next entry of a map's object. It reports false, and closes the object, when there is none.
func (d *Decoder) Entry() bool { return d.member(',', intoMap) }

// Key returns the key of the entry whose value is next. It is valid until that value is read.
func (d *Decoder) Key() []byte {
	if d.keyEnd == 0 {
		return d.spare
	}
	return d.data[d.keyAt:d.keyEnd]
}

// Default decodes the default, given as JSON, of a field that the payload lacks.
func (d *Decoder) Default(json string, decode func(d *Decoder)) {
	if d.failure != nil {
		return
	}
	def := Decoder{data: []byte(json), depth: d.depth}
	decode(&def)
	if def.failure != nil {
		d.failErr(d.pos, "default "+json+": "+def.failure.err.Msg, def.failure.err.Err)
	}
}

// null reports whether the next value is null, and reads it.
func (d *Decoder) null() bool { return d.peek() == 'n' && d.readNull() }

func (d *Decoder) readNull() bool {
	start := d.pos
	if !d.literal("null") {
		return false
	}
	d.checkNull(start)
	return d.failure == nil
}

// checkNull fails if the null at start is the value of a required member.
func (d *Decoder) checkNull(start int) {
	if start == d.notNull && start > 0 {
		d.failAt(start, "required field is missing: it is null")
	}
}

// Array opens an array and reports whether it has an element. For null it reports false.
func (d *Decoder) Array() bool {
	if d.null() || !d.open("an array", '[') {
		return false
	}
	d.pos++
	d.space()
	if d.peek() == ']' {
		return d.close()
	}
	return true
}

// Elem reports whether the array has another element. When it has none, the array is closed.
func (d *Decoder) Elem() bool {
	if i := d.pos + 1; i < len(d.data) && d.data[i-1] == ',' {
		if d.data[i] <= ' ' {
			i = spaceEnd(d.data, i)
			d.spaced = true
		}
		d.pos = i
		return true
	}
	return d.elem()
}

func (d *Decoder) elem() bool {
	if d.peek() != ',' {
		d.space()
	}
	switch d.peek() {
	case ',':
		d.pos++
		d.space()
		return true
	case ']':
		return d.close()
	}
	d.failSyntax("expected , or ] after an element")
	return d.close()
}

// open reads the opening bracket of an array or object.
func (d *Decoder) open(what string, bracket byte) bool {
	if d.peek() != bracket {
		d.failType(what)
		return false
	}
	if d.depth >= MaxDepth {
		d.fail(fmt.Sprintf("nested more than %d levels deep", MaxDepth))
		return false
	}
	d.depth++
	return true
}

// close reads the closing bracket, if there has been no error, and returns false.
func (d *Decoder) close() bool {
	if d.failure == nil {
		d.pos++
	}
	d.depth--
	return false
}

// peek returns the next byte, or 0 at the end.
func (d *Decoder) peek() byte {
	if d.pos < len(d.data) {
		return d.data[d.pos]
	}
	return 0
}

// space skips white space.
func (d *Decoder) space() {
	if d.pos < len(d.data) && d.data[d.pos] <= ' ' {
		d.skipSpace()
	}
}

func (d *Decoder) skipSpace() {
	end := spaceEnd(d.data, d.pos)
	d.spaced = d.spaced || end > d.pos
	d.pos = end
}

// spaceEnd returns the index of the first byte at or after i that is not white space.
//
//go:noinline
func spaceEnd(data []byte, i int) int {
	for i+9 <= len(data) && isSpace(data[i]) {
		n := firstMark(load8(data, i+1) ^ ones*' ') // indentation
		i += 1 + n
		if n < 8 && data[i] > ' ' {
			return i
		}
	}
	for i < len(data) && isSpace(data[i]) {
		i++
	}
	return i
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// literal reads word. The caller has seen its first byte.
func (d *Decoder) literal(word string) bool {
	end := d.pos + len(word)
	if end > len(d.data) || string(d.data[d.pos:end]) != word {
		i := 1
		for d.pos+i < len(d.data) && d.data[d.pos+i] == word[i] {
			i++
		}
		d.pos += i
		d.failSyntax("expected " + word)
		return false
	}
	d.pos = end
	return true
}

// fail records an error of the next value.
func (d *Decoder) fail(msg string) { d.failAt(d.pos, msg) }

func (d *Decoder) failAt(offset int, msg string) { d.failErr(offset, msg, nil) }

// failErr records the error that a method of the target's type returned for the value at offset.
//
//go:noinline
func (d *Decoder) failErr(offset int, msg string, err error) {
	if d.failure == nil {
		d.failure = &failure{err: &Error{Offset: offset, Msg: msg, Err: err}, input: d.data}
		d.data, d.pos = nil, 0
	}
}

// failSyntax records a syntax error at the next byte.
func (d *Decoder) failSyntax(msg string) {
	if d.failure != nil {
		return
	}
	if d.pos >= len(d.data) {
		d.fail(msg + ", found the end")
		return
	}
	c, size := utf8.DecodeRune(d.data[d.pos:])
	if c == utf8.RuneError && size == 1 {
		d.fail(fmt.Sprintf("%s, found byte 0x%02x", msg, d.data[d.pos]))
		return
	}
	d.fail(fmt.Sprintf("%s, found %q", msg, c))
}

// failType records that the next value has the wrong kind for its target.
func (d *Decoder) failType(want string) {
	var found string
	switch d.peek() {
	case '{':
		found = "an object"
	case '[':
		found = "an array"
	case '"':
		found = "a string"
	case 't', 'f':
		found = "a boolean"
	case 'n':
		found = "null"
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		found = "a number"
	default:
		d.failSyntax("expected " + want)
		return
	}
	d.fail("expected " + want + ", found " + found)
}
