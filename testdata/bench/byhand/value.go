package byhand

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	fewTexts  = 4
	shortText = 64
	textChunk = 256
)

// str reads a string.
func (d *decoder) str(i int) (string, int) {
	s, i := d.text(i)
	if d.count++; d.count <= fewTexts || len(s) > shortText {
		return string(s), i
	}
	return d.share(s, i), i
}

// share puts short strings behind each other, as the generated codecs do.
func (d *decoder) share(s []byte, i int) string {
	start := d.texts.Len()
	if d.texts.Cap()-start < len(s) {
		d.texts = strings.Builder{}
		d.texts.Grow(max(len(s), min(textChunk, len(d.data)-i+len(s))))
		start = 0
	}
	d.texts.Write(s)
	return d.texts.String()[start:]
}

// text reads a string and returns what it says, which is valid until the next one is read.
func (d *decoder) text(i int) ([]byte, int) {
	data := d.data
	if i >= len(data) || data[i] != '"' {
		return nil, d.fail(i, "expected a string")
	}
	end := plainEnd(data, i+1)
	if end < len(data) && data[end] == '"' {
		return data[i+1 : end], end + 1
	}
	return d.unquote(i+1, end)
}

// unquote is text for a string that starts at start and stands for itself up to end.
func (d *decoder) unquote(start, end int) ([]byte, int) {
	s := d.spare[:0]
	for i := end; ; i = plainEnd(d.data, start) {
		s = append(s, d.data[start:i]...)
		switch c := d.at(i); {
		case i >= len(d.data):
			return nil, d.fail(i, "expected \" at the end of a string")
		case c == '"':
			d.spare = s
			return s, i + 1
		case c == '\\':
			r, n := d.escape(i)
			if n == 0 {
				return nil, -1
			}
			s = utf8.AppendRune(s, r)
			start = i + n
		case c < ' ':
			return nil, d.fail(i, "expected no control character in a string")
		default:
			s = utf8.AppendRune(s, utf8.RuneError)
			start = i + 1
		}
	}
}

// escape reads an escape sequence and returns its length; 0 after an error.
func (d *decoder) escape(i int) (rune, int) {
	switch c := d.at(i + 1); c {
	case '"', '\\', '/':
		return rune(c), 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		r, ok := d.hex4(i + 2)
		if !ok {
			d.fail(i+2, "expected four hexadecimal digits after \\u")
			return 0, 0
		}
		if utf16.IsSurrogate(r) {
			if has(d.data, i+6, `\u`) {
				if low, ok := d.hex4(i + 8); ok {
					if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
						return pair, 12
					}
				}
			}
			r = utf8.RuneError
		}
		return r, 6
	}
	d.fail(i+1, "expected an escape sequence after \\")
	return 0, 0
}

func (d *decoder) hex4(i int) (r rune, ok bool) {
	if i+4 > len(d.data) {
		return 0, false
	}
	for _, c := range d.data[i : i+4] {
		switch {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

func (d *decoder) boolean(i int) (bool, int) {
	if has(d.data, i, "true") {
		return true, i + 4
	}
	return false, d.literal(i, "false")
}

// int64 reads an integer.
func (d *decoder) int64(i int) (int64, int) {
	data, start := d.data, i
	if i < len(data) && data[i] == '-' {
		i++
	}
	if i+16 < len(data) {
		x := binary.LittleEndian.Uint64(data[i : i+8])
		marks := nonDigits(x)
		n, size := uint64(0), 8
		if marks != 0 {
			size = firstMark(marks)
			n = digits8(x, size&7)
		} else {
			y := binary.LittleEndian.Uint64(data[i+8 : i+16])
			more := firstMark(nonDigits(y))
			n = digits8(x, 8)*pow10[more] + digits8(y, more&7)
			size += more
		}
		end := i + size
		if c := data[end]; size > 0 && size < 16 && (size == 1 || data[i] != '0') && c != '.' && c|0x20 != 'e' {
			if start < i {
				return -int64(n), end
			}
			return int64(n), end
		}
	}
	literal, end := d.number(start)
	if end < 0 {
		return 0, -1
	}
	n, err := strconv.ParseInt(string(literal), 10, 64)
	if err != nil {
		return 0, d.fail(start, "%s is not an int64", literal)
	}
	return n, end
}

func (d *decoder) uint32(i int) (uint32, int) {
	n, end := d.int64(i)
	if end >= 0 && (n < 0 || n > math.MaxUint32 || d.data[i] == '-') {
		return 0, d.fail(i, "out of range of uint32")
	}
	return uint32(n), end
}

// number reads a number as it stands.
func (d *decoder) number(i int) ([]byte, int) {
	start := i
	if d.at(i) == '-' {
		i++
	}
	switch c := d.at(i); {
	case c == '0':
		i++
	case '1' <= c && c <= '9':
		i = d.digits(i)
	default:
		return nil, d.fail(i, "expected a number")
	}
	if d.at(i) == '.' {
		if i = d.digits(i + 1); i < 0 {
			return nil, -1
		}
	}
	if d.at(i)|0x20 == 'e' {
		if i++; d.at(i) == '+' || d.at(i) == '-' {
			i++
		}
		if i = d.digits(i); i < 0 {
			return nil, -1
		}
	}
	return d.data[start:i], i
}

func (d *decoder) digits(i int) int {
	start := i
	for i < len(d.data) && d.data[i]-'0' <= 9 {
		i++
	}
	if i == start {
		return d.fail(i, "expected a digit")
	}
	return i
}

// float64 reads a number. Up to 15 digits are an integer and a power of ten that a float64 holds exactly, so that one
// division rounds rightly.
func (d *decoder) float64(i int) (float64, int) {
	data, start := d.data, i
	if i < len(data) && data[i] == '-' {
		i++
	}
	first, n := i, uint64(0)
	for i < len(data) && data[i]-'0' <= 9 {
		n = n*10 + uint64(data[i]-'0')
		i++
	}
	digits, fraction := i-first, 0
	ok := digits == 1 || digits > 1 && data[first] != '0'
	if i < len(data) && data[i] == '.' {
		i++
		dot := i
		for i < len(data) && data[i]-'0' <= 9 {
			n = n*10 + uint64(data[i]-'0')
			i++
		}
		fraction = i - dot
		digits += fraction
		ok = ok && fraction > 0
	}
	if ok && digits <= 15 && (i >= len(data) || data[i]|0x20 != 'e') {
		f := float64(n) / float64(pow10[fraction])
		if first > start {
			f = -f
		}
		return f, i
	}
	literal, end := d.number(start)
	if end < 0 {
		return 0, -1
	}
	f, err := strconv.ParseFloat(string(literal), 64)
	if err != nil {
		return 0, d.fail(start, "%s is not a float64", literal)
	}
	return f, end
}

// bytes reads base64, or an array of numbers.
func (d *decoder) bytes(i int) ([]byte, int) {
	switch d.at(i) {
	case '"':
	case '[':
		return d.byteArray(i)
	default:
		return nil, d.literal(i, "null")
	}
	s, end := d.text(i)
	if end < 0 {
		return nil, -1
	}
	b := make([]byte, base64.StdEncoding.DecodedLen(len(s)))
	n, err := base64.StdEncoding.Decode(b, s)
	if err != nil {
		return nil, d.fail(i, "not base64: %v", err)
	}
	return b[:n], end
}

func (d *decoder) byteArray(i int) ([]byte, int) {
	b := []byte{}
	i = d.space(i + 1)
	if d.at(i) == ']' {
		return b, i + 1
	}
	for {
		n, next := uint32(0), 0
		if d.isNull(i) {
			next = d.literal(i, "null")
		} else {
			n, next = d.uint32(i)
		}
		if next < 0 {
			return nil, -1
		}
		if n > math.MaxUint8 {
			return nil, d.fail(i, "out of range of uint8")
		}
		b = append(b, byte(n))
		more := false
		if i, more = d.element(next); !more {
			return b, i
		}
	}
}

// element reads what follows an element of an array, and reports whether that is another one.
func (d *decoder) element(i int) (next int, more bool) {
	i = d.space(i)
	switch d.at(i) {
	case ',':
		return d.space(i + 1), true
	case ']':
		return i + 1, false
	}
	return d.fail(i, "expected , or ] after an element"), false
}

// time reads a time. Most of them are in UTC, on a day that every month has.
func (d *decoder) time(i int) (t time.Time, next int) {
	if d.at(i) != '"' {
		return t, d.fail(i, "expected a time")
	}
	end := d.skipString(i)
	if end < 0 {
		return t, -1
	}
	raw := d.data[i+1 : end-1]
	if utc, ok := utcTime(raw); ok {
		return utc, end
	}
	if err := t.UnmarshalText(raw); err != nil {
		return t, d.fail(i, "not a time: %v", err)
	}
	return t, end
}

func utcTime(s []byte) (t time.Time, ok bool) {
	const seconds = len("2006-01-02T15:04:05")
	last := len(s) - 1
	if last < seconds || s[last] != 'Z' || s[10] != 'T' || s[8]-'0' > 9 || s[9]-'0' > 9 {
		return t, false
	}
	date, clock := binary.LittleEndian.Uint64(s), binary.LittleEndian.Uint64(s[11:])
	if nonDigits(date) != 0x80<<32|0x80<<56 || s[4] != '-' || s[7] != '-' ||
		nonDigits(clock) != 0x80<<16|0x80<<40 || s[13] != ':' || s[16] != ':' {
		return t, false
	}
	two := func(i int) int { return int(s[i]-'0')*10 + int(s[i+1]-'0') }
	month, day, hour, minute, second := two(5), two(8), two(11), two(14), two(17)
	if month == 0 || month > 12 || day == 0 || day > 28 || hour > 23 || minute > 59 || second > 59 {
		return t, false
	}
	nanos := 0
	if last > seconds {
		digits := last - seconds - 1
		if s[seconds] != '.' || digits == 0 || digits > 9 {
			return t, false
		}
		for _, c := range s[seconds+1 : last] {
			if c-'0' > 9 {
				return t, false
			}
			nanos = nanos*10 + int(c-'0')
		}
		nanos *= int(pow10[9-digits])
	}
	return time.Date(two(0)*100+two(2), time.Month(month), day, hour, minute, second, nanos, time.UTC), true
}

// count counts c up to the next closing bracket.
func (d *decoder) elements(i int, c byte) int {
	rest := d.data[i:]
	if end := bytes.IndexByte(rest, ']'); end >= 0 {
		rest = rest[:end]
	}
	return bytes.Count(rest, []byte{c})
}
