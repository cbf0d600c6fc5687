package taskjson

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"strings"
	"unicode/utf8"
)

// Decoder reads a payload. Make one with [NewDecoder], hand it to a generated function and return what
// [Decoder.Finish] says. After the first error every method does nothing.
//
// Methods that read a value leave their target alone when the value is null, unless nil is a value of the target.
type Decoder struct {
	data   []byte // what is read; nil after an error
	pos    int
	depth  int
	keyAt  int    // where the name of the current member starts, at its quote
	keyEnd int    // where it ends, before its quote; 0 if it is in spare
	spare  []byte // holds a text that had to be unquoted; valid until the next read

	texts     strings.Builder // short strings, behind each other
	textCount int             // of all strings

	counted int  // up to where elements have been counted ahead
	spaced  bool // there was white space

	unquoted bool // the last text is in spare

	input  []byte // data even after an error
	err    *Error
	member string // the required member that err says is missing
	trail  trail
}

// NewDecoder returns a decoder of data, which must hold one JSON object and nothing else.
func NewDecoder(data []byte) *Decoder {
	d := &Decoder{data: data, input: data}
	d.skipSpace() // which, other than space, leaves this to be inlined, so that the decoder is not allocated
	return d
}

// Finish checks that nothing follows the object and returns the first error, if any, as an [*Error].
func (d *Decoder) Finish() error {
	d.space()
	if d.pos < len(d.data) {
		d.failSyntax("expected nothing after the payload")
	}
	if d.err == nil {
		return nil
	}
	d.err.Path = d.trail.path("payload", d.input[:d.err.Offset], d.member)
	return d.err
}

// Object opens a struct's object and reads the name of its first member. It reports false when there is none. For
// null it reports false, too, and marks everything in seen, so that nothing counts as missing; but the payload itself
// must not be null.
func (d *Decoder) Object(seen *uint64) bool {
	if d.peek() == '{' && d.depth < MaxDepth {
		d.pos++
		d.depth++
		d.space()
		return d.plainKey(d.pos) || d.firstKey(true) || d.structFailed()
	}
	if d.NullStruct() {
		*seen = ^uint64(0)
		return false
	}
	return d.open("an object", '{') && (d.firstKey(true) || d.structFailed())
}

// NullStruct reads null in place of a struct and reports true if that is the next value; but not for the payload
// itself.
func (d *Decoder) NullStruct() bool { return d.depth > 0 && d.null() }

// More reads the name of the next member of a struct's object. It reports false, and closes the object, when there is
// none.
func (d *Decoder) More() bool {
	if d.peek() == ',' {
		d.pos++
		d.space()
		return d.plainKey(d.pos) || d.readKey(true) || d.structFailed()
	}
	return d.nextKey(true) || d.structFailed()
}

// Key returns the name of the member whose value is next. It is valid until that value is read.
func (d *Decoder) Key() []byte {
	if d.keyEnd == 0 {
		return d.spare
	}
	return d.data[d.keyAt+1 : d.keyEnd]
}

// Field notes in bit i of seen that the current member was given. It fails when that has been noted before.
func (d *Decoder) Field(seen *uint64, i uint) *Decoder {
	if *seen>>i&1 != 0 {
		d.failTwice()
	}
	*seen |= 1 << i
	return d
}

func (d *Decoder) failTwice() { d.fail("field is given twice") }

// Required is [Decoder.Field] for a member that must have a value other than null.
func (d *Decoder) Required(seen *uint64, i uint) *Decoder {
	if *seen>>i&1 != 0 || d.peek() == 'n' {
		d.failRequired(*seen>>i&1 != 0)
	}
	*seen |= 1 << i
	return d
}

func (d *Decoder) failRequired(twice bool) {
	if d.null() {
		d.failAt(d.pos-len("null"), "required field is missing: it is null")
	}
	if twice {
		d.failTwice()
	}
}

// Defaulted is [Decoder.Field] for a member that has a default. It also notes in bit value that the member has a
// value other than null.
func (d *Decoder) Defaulted(seen *uint64, i, value uint) *Decoder {
	if d.peek() != 'n' {
		*seen |= 1 << value
	}
	return d.Field(seen, i)
}

// Check fails unless the first n bits of seen are set, right after the end of a struct's object. names are the names
// of the members that those bits stand for, separated by commas.
func (d *Decoder) Check(seen uint64, n uint, names string) {
	if missing := ^seen & (1<<n - 1); missing != 0 && d.err == nil {
		d.missing(bits.TrailingZeros64(missing), names)
	}
}

func (d *Decoder) missing(i int, names string) {
	for range i {
		names = names[indexByte(names, ',')+1:]
	}
	d.member = names[:indexByte(names, ',')]
	d.trail.markStruct(d.depth + 1)
	d.failAt(d.pos-1, "required field is missing")
}

func indexByte(s string, c byte) int {
	for i := range len(s) {
		if s[i] == c {
			return i
		}
	}
	return len(s)
}

// Default decodes a field that the payload does not have from its default, given as JSON.
func (d *Decoder) Default(json string, decode func(d *Decoder)) {
	if d.err != nil {
		return
	}
	def := Decoder{data: []byte(json), depth: d.depth}
	decode(&def)
	if def.err != nil {
		d.failAt(d.pos, "default "+json+": "+def.err.Msg)
	}
}

// null reads null and reports true if that is the next value.
func (d *Decoder) null() bool { return d.peek() == 'n' && d.literal("null") }

// Array opens an array and reports whether it has an element. For null it reports false.
func (d *Decoder) Array() bool {
	if d.null() || !d.open("an array", '[') {
		return false
	}
	d.space()
	if d.peek() == ']' {
		return d.close()
	}
	return true
}

// Elem reports whether the array has another element. When it has none, the array is closed.
func (d *Decoder) Elem() bool {
	if i := d.pos + 1; i < len(d.data) && d.data[i-1] == ',' {
		d.pos = i
		if d.data[i] <= ' ' {
			d.skipSpace()
		}
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

// Entry reads the key of the next entry of a map's object. It reports false, and closes the object, when there is none.
func (d *Decoder) Entry() bool { return d.nextKey(true) || d.mapFailed() }

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
	d.pos++
	d.depth++
	return true
}

// close reads the closing bracket, if there has been no error, and returns false.
func (d *Decoder) close() bool {
	if d.err == nil {
		d.pos++
	}
	d.depth--
	return false
}

// firstKey reads the name of an object's first member, up to its value. When there is none it closes the object; after
// an error it does not.
func (d *Decoder) firstKey(keep bool) bool {
	d.space()
	if d.peek() == '}' {
		return d.close()
	}
	return d.plainKey(d.pos) || d.readKey(keep)
}

func (d *Decoder) nextKey(keep bool) bool {
	if d.peek() != ',' {
		d.space()
	}
	switch d.peek() {
	case ',':
		d.pos++
		d.space()
		return d.plainKey(d.pos) || d.readKey(keep)
	case '}':
		return d.close()
	}
	d.failSyntax("expected , or } after a member")
	return false
}

// readKey reads a member's name and the colon; only if keep is set is the name good for Key afterwards.
func (d *Decoder) readKey(keep bool) bool {
	if d.peek() != '"' {
		d.failSyntax("expected a name in quotes")
		return false
	}
	if keep {
		d.readText()
	} else {
		d.skipString()
	}
	d.space()
	if d.peek() != ':' {
		d.failSyntax("expected : after a name")
		return false
	}
	d.pos++
	d.space()
	return true
}

// readText reads a name, with whatever it needs to be unquoted.
func (d *Decoder) readText() {
	start := d.pos
	if _, ok := d.text(); ok {
		d.keyAt, d.keyEnd = start, d.pos-1
		if d.unquoted {
			d.keyEnd = 0
		}
	}
}

// plainKey is readKey for the common case: a name at i of ASCII without escape sequences, with the colon right behind
// it. Otherwise it reports false and leaves everything as it was.
func (d *Decoder) plainKey(i int) bool {
	data := d.data
	if i >= len(data) || data[i] != '"' {
		return false
	}
	end := i + 1
	for end+8 <= len(data) {
		if marks := special(binary.LittleEndian.Uint64(data[end:])); marks != 0 {
			end += firstMark(marks)
			break
		}
		end += 8
	}
	if end+2 >= len(data) || data[end] != '"' || data[end+1] != ':' {
		return false
	}
	d.keyAt, d.keyEnd = i, end
	d.pos = end + 2
	if data[d.pos] <= ' ' {
		if data[d.pos] == ' ' && end+3 < len(data) && data[end+3] > ' ' {
			d.pos++
			d.spaced = true
		} else {
			d.skipSpace()
		}
	}
	return true
}

// structFailed closes a struct's object after an error, and notes where it was.
func (d *Decoder) structFailed() bool {
	if d.err != nil {
		d.trail.markStruct(d.depth)
		d.depth--
	}
	return false
}

func (d *Decoder) mapFailed() bool {
	if d.err != nil {
		d.depth--
	}
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

//go:noinline
func (d *Decoder) skipSpace() {
	data, i := d.data, d.pos
	for i < len(data) && data[i] <= ' ' && isSpace(data[i]) {
		i++
		for i+8 <= len(data) { // indentation
			n := firstMark(binary.LittleEndian.Uint64(data[i:]) ^ ones*' ')
			i += n
			if n < 8 {
				break
			}
		}
	}
	d.spaced = d.spaced || i > d.pos
	d.pos = i
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// literal reads word, whose first byte is known to be next.
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

// fail records an error of the value that is next.
func (d *Decoder) fail(msg string) { d.failAt(d.pos, msg) }

func (d *Decoder) failAt(offset int, msg string) {
	if d.err == nil {
		d.err = &Error{Offset: offset, Msg: msg}
		d.data, d.pos = nil, 0
	}
}

// failErr records what a method of the target's type returned for the value that starts at offset.
func (d *Decoder) failErr(offset int, msg string, err error) {
	if d.err == nil {
		d.failAt(offset, msg)
		d.err.Err = err
	}
}

// failSyntax records that the next byte is not what JSON has there.
func (d *Decoder) failSyntax(msg string) {
	if d.err != nil {
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

// failType records that the next value is not of the kind that its target takes.
func (d *Decoder) failType(want string) {
	found := ""
	switch c := d.peek(); {
	case c == '{':
		found = "an object"
	case c == '[':
		found = "an array"
	case c == '"':
		found = "a string"
	case c == 't', c == 'f':
		found = "a boolean"
	case c == 'n':
		found = "null"
	case c == '-', '0' <= c && c <= '9':
		found = "a number"
	default:
		d.failSyntax("expected " + want)
		return
	}
	d.fail("expected " + want + ", found " + found)
}
