package taskjson

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// String reads a string. Bytes that are not UTF-8, and surrogates without their other half, become U+FFFD.
func (d *Decoder) String(v *string) {
	data, start := d.data, d.pos+1
	if start < len(data) && data[start-1] == '"' {
		i := start
		for i+8 <= len(data) {
			if marks := special(load8(data, i)); marks != 0 {
				i += firstMark(marks)
				break
			}
			i += 8
		}
		if i < len(data) && data[i] == '"' {
			d.pos = i + 1
			*v = d.copied(data[start:i])
			return
		}
	}
	if s, ok := d.text(); ok {
		*v = d.copied(s)
	}
}

const (
	fewTexts  = 4
	shortText = 64  // bytes
	textChunk = 256 // bytes
)

// copied returns s as a string. Where there are more than a few, short ones share memory: so little of it that one of them
// does not keep much alive, and no more than is left to be read.
func (d *Decoder) copied(s []byte) string {
	d.textCount++
	if d.textCount <= fewTexts || len(s) > shortText {
		return string(s)
	}
	return d.share(s)
}

func (d *Decoder) share(s []byte) string {
	start := d.texts.Len()
	if d.texts.Cap()-start < len(s) {
		d.texts = strings.Builder{}
		d.texts.Grow(max(len(s), min(textChunk, len(d.data)-d.pos+len(s)-2)))
		start = 0
	}
	d.texts.Write(s)
	return d.texts.String()[start:]
}

// text reads a string and returns what it says, which is valid until the next read. It reports false for null and
// after an error.
func (d *Decoder) text() ([]byte, bool) {
	if d.peek() != '"' {
		if !d.null() {
			d.failType("a string")
		}
		return nil, false
	}
	d.unquoted = false
	start := d.pos + 1
	i := plainEnd(d.data, start)
	if i < len(d.data) && d.data[i] == '"' {
		d.pos = i + 1
		return d.data[start:i], true
	}
	return d.unquote(start)
}

// textEnd returns the index, from i on, of the first byte that does not stand for itself in a string.
func (d *Decoder) textEnd(i int) int {
	for {
		i = plainEnd(d.data, i)
		if i+3 > len(d.data) || d.data[i] != 0xE2 {
			return i
		}
		if r, _ := utf8.DecodeRune(d.data[i:]); !isSeparator(r) {
			return i
		}
		i += 3 // only encoding escapes these
	}
}

// unquote is text for a string, which starts at start, that does not stand for itself.
func (d *Decoder) unquote(start int) ([]byte, bool) {
	if d.spare == nil {
		d.spare = make([]byte, 0, 256)
	}
	s := d.spare[:0]
	for {
		i := d.textEnd(start)
		s = append(s, d.data[start:i]...)
		switch {
		case i >= len(d.data):
			d.pos = len(d.data)
			d.failSyntax(`expected " at the end of a string`)
			return nil, false
		case d.data[i] == '"':
			d.pos = i + 1
			d.spare, d.unquoted = s, true
			return s, true
		case d.data[i] == '\\':
			if d.escape(i) == 0 {
				return nil, false
			}
			r, n := unescape(d.data[i:])
			s = utf8.AppendRune(s, r)
			i += n
		case d.data[i] < ' ':
			d.pos = i
			d.failSyntax("expected no control character in a string")
			return nil, false
		default: // not UTF-8
			s = append(s, "\ufffd"...)
			i++
		}
		start = i
	}
}

// plain holds the bytes that stand for themselves in a string, whatever is around them.
var plain = func() (set [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		set[c] = c != '"' && c != '\\'
	}
	return set
}()

// unescape returns what the escape sequence at the start of s stands for, and its length.
func unescape(s []byte) (rune, int) {
	switch s[1] {
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
		return unescapeHex(s)
	}
	return rune(s[1]), 2
}

// unescapeHex is unescape for \uXXXX, and for two of them that make up a surrogate pair.
func unescapeHex(s []byte) (rune, int) {
	r := hex4(s[2:])
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if len(s) >= 12 && s[6] == '\\' && s[7] == 'u' {
		if r := utf16.DecodeRune(r, hex4(s[8:])); r != utf8.RuneError {
			return r, 12
		}
	}
	return utf8.RuneError, 6
}

// hex4 returns the number that the first four bytes of s write in hexadecimal digits.
func hex4(s []byte) (r rune) {
	for _, c := range s[:4] {
		r = r<<4 | unhex(c)
	}
	return r
}
