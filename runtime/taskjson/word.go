package taskjson

import (
	"math/bits"
	"unicode/utf8"
)

// The functions of this file look at eight bytes at a time: the first of them is the lowest byte of a word.

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// load8 returns the eight bytes from i on. The compiler makes it one load, with fewer checks than from s[i:].
func load8[S string | []byte](s S, i int) uint64 {
	b := s[i : i+8]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

func load4[S string | []byte](s S, i int) uint32 {
	b := s[i : i+4]
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}

// special sets the high bit of each byte of x that is not ASCII or does not mean itself in a string. Only the lowest mark is
// reliable.
func special(x uint64) uint64 { return (quoting(x) | x) & highs }

// quoting is special for a word of ASCII. The marks of other bytes, and all bits but the high ones, are undefined.
func quoting(x uint64) uint64 {
	// With its second bit flipped, a quote is the byte right after the control characters.
	return ((x ^ ones*2) - ones*('"'^2+1)) | ((x ^ ones*'\\') - ones)
}

// firstMark returns the index of the byte that the lowest mark is in.
func firstMark(marks uint64) int { return bits.TrailingZeros64(marks) >> 3 }

// nonDigits sets the high bit of each byte of x that is not a digit. Only the lowest mark is reliable.
func nonDigits(x uint64) uint64 {
	x ^= ones * '0'
	return (x + ones*(0x80-10) | x) & highs
}

// digits8 returns the value of the n digits in x.
func digits8(x uint64, n int) uint64 {
	x <<= uint(64 - 8*n) // leading zeros, but for their higher bits
	x = x & (ones * 0x0F) * (10<<8 + 1) >> 8
	x = x & 0x00FF00FF00FF00FF * (100<<16 + 1) >> 16
	return x & 0x0000FFFF0000FFFF * (10000<<32 + 1) >> 32
}

// plainEnd returns the index of the first byte of s at or after i that cannot be copied unchanged into or out of a JSON string: a
// quote, a backslash, a control character, invalid UTF-8, or one of the separators U+2028 and U+2029, which only encoding
// escapes. Without any it returns the length of s.
func plainEnd[S string | []byte](s S, i int) int {
	for i+8 <= len(s) {
		marks := special(load8(s, i))
		if marks == 0 {
			i += 8
			continue
		}
		i += firstMark(marks)
		// Text with one rune beyond ASCII usually has more of them.
		for i+4 <= len(s) {
			x := load4(s, i)
			if isRune2(x) {
				i += 2
				continue
			}
			if isPlainRune3(x) {
				i += 3
				continue
			}
			if x&utf8.RuneSelf == 0 {
				break
			}
			n := plainRune(s, i)
			if n == 0 {
				return i
			}
			i += n
		}
		if i < len(s) && s[i] < utf8.RuneSelf && !plain[s[i]] {
			return i
		}
	}
	if left := len(s) - i; left > 0 && len(s) >= 8 {
		// The last eight bytes, without those that were checked. The zeros shifted in count as control characters.
		i += firstMark(special(load8(s, len(s)-8) >> uint(64-8*left)))
	}
	for i < len(s) {
		n := 1
		if s[i] >= utf8.RuneSelf {
			n = plainRune(s, i)
		} else if !plain[s[i]] {
			n = 0
		}
		if n == 0 {
			break
		}
		i += n
	}
	return i
}

// isRune2 reports whether x starts with a rune of two bytes, in its shortest encoding.
func isRune2(x uint32) bool { return x&0xC0E0 == 0x80C0 && x&0x1E != 0 }

// isPlainRune3 reports whether x starts with a rune of three bytes, in its shortest encoding, that is neither half of a surrogate
// pair nor a separator.
func isPlainRune3(x uint32) bool {
	lead := x & 0x200F
	return x&0xC0C0F0 == 0x8080E0 && lead != 0 && lead != 0x200D && x&0xFEFFFF != 0xA880E2
}

// isRune4 reports whether x is a valid rune of four bytes, in its shortest encoding.
func isRune4(x uint32) bool {
	lead := x & 0x3007
	return x&0xC0C0C0F8 == 0x808080F0 && lead != 0 && (lead&7 < 4 || lead == 4)
}

// plainRune returns the length of the rune beyond ASCII at i; 0 if it is not UTF-8, or a separator.
func plainRune[S string | []byte](s S, i int) int {
	if i+4 > len(s) {
		r, n := utf8.DecodeRuneInString(string(s[i:]))
		if r == utf8.RuneError && n == 1 || isSeparator(r) {
			return 0
		}
		return n
	}
	switch x := load4(s, i); {
	case isRune2(x):
		return 2
	case isPlainRune3(x):
		return 3
	case isRune4(x):
		return 4
	}
	return 0
}

func isSeparator(r rune) bool { return r == '\u2028' || r == '\u2029' }
