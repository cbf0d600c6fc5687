package byhand

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// special marks the high bit of each byte that does not stand for itself in a string, or is not ASCII. The lowest mark is
// exact.
func special(x uint64) uint64 { return (quoting(x) | x) & highs }

// quoting marks quotes, backslashes and control characters, and bytes that are not ASCII at random.
func quoting(x uint64) uint64 {
	return ((x ^ ones*2) - ones*('"'^2+1)) | ((x ^ ones*'\\') - ones)
}

func firstMark(marks uint64) int { return bits.TrailingZeros64(marks) >> 3 }

// nonDigits marks the bytes that are no digits. The lowest mark is exact.
func nonDigits(x uint64) uint64 {
	x ^= ones * '0'
	return (x + ones*(0x80-10) | x) & highs
}

// digits8 returns the number that the first n bytes of x write.
func digits8(x uint64, n int) uint64 {
	x <<= uint(64 - 8*n)
	x = x & (ones * 0x0F) * (10<<8 + 1) >> 8
	x = x & 0x00FF00FF00FF00FF * (100<<16 + 1) >> 16
	return x & 0x0000FFFF0000FFFF * (10000<<32 + 1) >> 32
}

var pow10 = [20]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19}

// plainEnd returns the index, from i on, of the first byte that is a quote, a backslash, a control character, or not
// UTF-8; the length of s if there is none.
func plainEnd(s []byte, i int) int {
	for i+8 <= len(s) {
		marks := special(binary.LittleEndian.Uint64(s[i : i+8]))
		if marks == 0 {
			i += 8
			continue
		}
		i += firstMark(marks)
		for i+4 <= len(s) {
			x := binary.LittleEndian.Uint32(s[i : i+4])
			if isRune2(x) {
				i += 2
				continue
			}
			if isRune3(x) {
				i += 3
				continue
			}
			if x&utf8.RuneSelf == 0 {
				break
			}
			if !isRune4(x) {
				return i
			}
			i += 4
		}
		if i < len(s) && s[i] < utf8.RuneSelf && !isPlain(s[i]) {
			return i
		}
	}
	for i < len(s) {
		if c := s[i]; c < utf8.RuneSelf {
			if !isPlain(c) {
				return i
			}
			i++
			continue
		}
		r, n := utf8.DecodeRune(s[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return i
}

func isPlain(c byte) bool { return c >= ' ' && c != '"' && c != '\\' }

// isRune2 reports whether x starts with a rune of two bytes, as short as it can be.
func isRune2(x uint32) bool { return x&0xC0E0 == 0x80C0 && x&0x1E != 0 }

// isRune3 is isRune2 for three bytes, which are not half of a surrogate pair.
func isRune3(x uint32) bool {
	lead := x & 0x200F
	return x&0xC0C0F0 == 0x8080E0 && lead != 0 && lead != 0x200D
}

// isRune4 is isRune2 for four bytes, which are not beyond the last rune.
func isRune4(x uint32) bool {
	lead := x & 0x3007
	return x&0xC0C0C0F8 == 0x808080F0 && lead != 0 && (lead&7 < 4 || lead == 4)
}
