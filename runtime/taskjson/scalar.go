package taskjson

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
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

// integer reads an integer of the given size in bits. It returns a signed one in two's complement. It reports false for null
// and after an error.
func (d *Decoder) integer(bits int, signed bool) (uint64, bool) {
	data, i := d.data, d.pos
	negative := i < len(data) && data[i] == '-'
	if negative {
		i++
	}
	n, end := uint64(0), i
	if i+16 < len(data) {
		x := load8(data, i)
		if marks := nonDigits(x); marks != 0 {
			end += firstMark(marks) & 7
			n = digits8(x, end-i)
		} else {
			y := load8(data, i+8)
			more := firstMark(nonDigits(y))
			n = digits8(x, 8)*pow10[more] + digits8(y, more)
			end += 8 + more
		}
	}
	if end == i || end == i+16 {
		for end < len(data) && data[end]-'0' <= 9 {
			n = n*10 + uint64(data[end]-'0')
			end++
		}
	}
	digits := end - i
	if digits == 0 || digits > maxDigits || digits > 1 && data[i] == '0' ||
		end < len(data) && (data[end] == '.' || data[end]|0x20 == 'e') {
		return d.anyInteger(bits, signed)
	}
	limit := uint64(1) << (bits - 1) // of a signed one
	switch {
	case !signed && !negative && n>>bits == 0, signed && n < limit && !negative:
	case signed && n <= limit && negative:
		n = -n
	default:
		return d.anyInteger(bits, signed)
	}
	d.pos = end
	return n, true
}

const maxDigits = 19 // of a number that surely fits into 64 bits

// anyInteger is integer for any input.
func (d *Decoder) anyInteger(bits int, signed bool) (n uint64, ok bool) {
	start := d.pos
	literal := d.numberOrNull("an integer")
	if literal == nil {
		return 0, false
	}
	var err error
	if signed {
		var v int64
		v, err = strconv.ParseInt(string(literal), 10, bits)
		n = uint64(v)
	} else {
		n, err = strconv.ParseUint(string(literal), 10, bits)
	}
	if err != nil {
		d.failNumber(start, literal, integerType(bits, signed), err)
	}
	return n, err == nil
}

func integerType(bits int, signed bool) string {
	if signed {
		return "int" + strconv.Itoa(bits)
	}
	return "uint" + strconv.Itoa(bits)
}

// exactDigits is the number of decimal digits that a float64 holds exactly, as a number and as a power of ten.
const exactDigits = 15

var pow10 = [20]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19}

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

func (d *Decoder) float(bits int) (float64, bool) {
	start := d.pos
	if f, end := smallFloat(d.data, start, bits); end > start {
		d.pos = end
		return f, true
	}
	literal := d.numberOrNull("a number")
	if literal == nil {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(literal), bits)
	if err != nil {
		d.failNumber(start, literal, "float"+strconv.Itoa(bits), err)
	}
	return f, err == nil
}

// smallFloat reads the number at i if it has no exponent and so few digits that dividing two exact numbers rounds correctly.
// It returns the number's end, or i if it read nothing.
func smallFloat(data []byte, i, bits int) (f float64, end int) {
	first := i
	if i < len(data) && data[i] == '-' {
		first++
	}
	n, end := uint64(0), first
	for end < len(data) && data[end]-'0' <= 9 {
		n = n*10 + uint64(data[end]-'0')
		end++
	}
	digits, fraction := end-first, 0
	if digits == 0 || digits > 1 && data[first] == '0' {
		return 0, i
	}
	if end < len(data) && data[end] == '.' {
		dot := end
		end++
		for end < len(data) && data[end]-'0' <= 9 {
			n = n*10 + uint64(data[end]-'0')
			end++
		}
		fraction = end - dot - 1
		if fraction == 0 {
			return 0, i
		}
	}
	if digits+fraction > exactDigits || end < len(data) && data[end]|0x20 == 'e' {
		return 0, i
	}
	if bits == 32 {
		if n >= 1<<24 || fraction > 10 {
			return 0, i
		}
		f = float64(float32(n) / float32(pow10[fraction]))
	} else {
		f = float64(n) / float64(pow10[fraction])
	}
	if first > i {
		f = -f
	}
	return f, end
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

// Time reads a string in the format of RFC 3339, as time.Time's UnmarshalJSON does.
func (d *Decoder) Time(v *time.Time) {
	start := d.pos
	if d.peek() != '"' {
		if !d.null() {
			d.failType("a time as a string")
		}
		return
	}
	raw := d.skipString()
	if d.failure != nil {
		return
	}
	if utc, ok := utcTime(raw); ok {
		*v = utc
		return
	}
	if err := v.UnmarshalText(raw); err != nil {
		d.failErr(start, "not a time", err)
	}
}

// utcTime reads a time in the common form: UTC, at most nanoseconds, and a day of the month up to 28, which needs no further
// check. Otherwise it reports false.
func utcTime(s []byte) (t time.Time, ok bool) {
	const layout, tail = "2006-01-02T15:04:05", len("2006-01-02T")
	last := len(s) - 1
	if last < len(layout) || s[last] != 'Z' || s[10] != 'T' || s[8]-'0' > 9 || s[9]-'0' > 9 {
		return t, false
	}
	// 2006-01- and 15:04:05, where only the right bytes are not digits.
	date, clock := binary.LittleEndian.Uint64(s), binary.LittleEndian.Uint64(s[tail:tail+8])
	if nonDigits(date) != 0x80<<32|0x80<<56 || s[4] != '-' || s[7] != '-' ||
		nonDigits(clock) != 0x80<<16|0x80<<40 || s[13] != ':' || s[16] != ':' {
		return t, false
	}
	two := func(i int) int { return int(s[i]-'0')*10 + int(s[i+1]-'0') }
	year, month, day := two(0)*100+two(2), two(5), two(8)
	hour, minute, second := two(11), two(14), two(17)
	if month == 0 || month > 12 || day == 0 || day > 28 || hour > 23 || minute > 59 || second > 59 {
		return t, false
	}
	nanos := 0
	if last > len(layout) {
		digits := last - len(layout) - 1
		if s[len(layout)] != '.' || digits == 0 || digits > 9 {
			return t, false
		}
		for _, c := range s[len(layout)+1 : last] {
			if c-'0' > 9 {
				return t, false
			}
			nanos = nanos*10 + int(c-'0')
		}
		nanos *= int(pow10[9-digits])
	}
	return time.Date(year, time.Month(month), day, hour, minute, second, nanos, time.UTC), true
}
