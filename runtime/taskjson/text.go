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

// copied returns s as a string. Beyond the first few, short strings share memory, but no more than textChunk bytes of it, so
// keeping one of them does not keep much alive.
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

// text reads a string and returns its contents, which are valid until the next read. It reports false for null and after an
// error.
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

// textEnd returns the index of the first byte at or after i that does not mean itself in a string.
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

// unquote is text for a string with escape sequences or invalid UTF-8, which begins at start.
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

// plain holds the bytes that always mean themselves in a string.
var plain = func() (set [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		set[c] = c != '"' && c != '\\'
	}
	return set
}()

// unescape returns the rune of the escape sequence at the start of s, and the sequence's length.
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

// hex4 returns the value of the four hexadecimal digits at the start of s.
func hex4(s []byte) (r rune) {
	for _, c := range s[:4] {
		r = r<<4 | unhex(c)
	}
	return r
}
