package byhand

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// failAppend is an error of encoding.
func failAppend(field, msg string) error { return &Error{Field: field, Offset: -1, Msg: msg} }

// room makes sure that there is room for n more bytes.
func room(dst []byte, n int) []byte {
	if cap(dst)-len(dst) < n {
		return slices.Grow(dst, n)
	}
	return dst
}

func appendInt(dst []byte, n int64) []byte {
	if n < 0 {
		return appendUint(append(dst, '-'), -uint64(n))
	}
	return appendUint(dst, uint64(n))
}

func appendUint(dst []byte, n uint64) []byte {
	at := len(dst)
	dst = room(dst, 32)
	return dst[:at+putUint((*[32]byte)(dst[at:at+32]), n)]
}

// putUint writes n to b and returns how many digits it has.
func putUint(b *[32]byte, n uint64) int {
	if n < 10 {
		b[0] = '0' + byte(n)
		return 1
	}
	log := bits.Len64(n) * 1233 >> 12
	_, less := bits.Sub64(n, pow10[log], 0)
	digits := (log + 1 - int(less)) & 31
	zeros := uint(-8*digits) & 63
	switch {
	case digits <= 8:
		binary.LittleEndian.PutUint64(b[:8], ascii8(n)>>zeros)
		return digits
	case digits <= 12:
		binary.LittleEndian.PutUint32(b[:4], ascii4(uint32(n/1e8))>>(zeros&31))
	case digits <= 16:
		binary.LittleEndian.PutUint64(b[:8], ascii8(n/1e8)>>zeros)
	default:
		binary.LittleEndian.PutUint64(b[:8], ascii8(n/1e16)>>zeros)
		binary.LittleEndian.PutUint64(b[digits-16:digits-8], ascii8(n/1e8%1e8))
	}
	binary.LittleEndian.PutUint64(b[digits-8:digits], ascii8(n%1e8))
	return digits
}

// ascii4 is ascii8 for up to four digits.
func ascii4(n uint32) uint32 {
	y := n * 5243 >> 19
	x := y | (n-100*y)<<16
	y = x * 103 >> 10 & 0x000F000F
	x = y | (x-10*y)<<8
	return x | 0x30303030
}

// ascii8 returns n in eight digits.
func ascii8(n uint64) uint64 {
	x := n/1e4 | n%1e4<<32
	y := x * 10486 >> 20 & 0x0000007F0000007F
	x = y | (x-100*y)<<16
	y = x * 103 >> 10 & 0x000F000F000F000F
	x = y | (x-10*y)<<8
	return x | ones*'0'
}

// appendFloat appends a number as encoding/json does. What has at most six decimals and not too many digits is appended as
// two integers.
func appendFloat(dst []byte, f float64, field string) ([]byte, error) {
	abs := math.Abs(f)
	if abs < 1e9 {
		if n := int64(abs*1e6 + 0.5); float64(n)/1e6 == abs {
			return appendMillionths(dst, math.Signbit(f), uint64(n)), nil
		}
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return dst, failAppend(field, strconv.FormatFloat(f, 'g', -1, 64)+" cannot be encoded as JSON")
	}
	format := byte('f')
	if abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	dst = strconv.AppendFloat(dst, f, format, -1, 64)
	if n := len(dst); format == 'e' && dst[n-4] == 'e' && dst[n-3] == '-' && dst[n-2] == '0' {
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst, nil
}

func appendMillionths(dst []byte, negative bool, n uint64) []byte {
	at := len(dst)
	dst = room(dst, 48)
	b := dst[:at+48]
	if negative {
		b[at] = '-'
		at++
	}
	whole, rest := n/1e6, n%1e6
	at += putUint((*[32]byte)(b[at:]), whole)
	if rest > 0 {
		digits := ascii8(rest) >> 16 // six of them
		b[at] = '.'
		binary.LittleEndian.PutUint64(b[at+1:at+9], digits)
		at += 7 - bits.LeadingZeros64((digits^ones*'0')<<16)/8
	}
	return dst[:at]
}

func appendBool(dst []byte, v bool) []byte {
	if v {
		return append(dst, "true"...)
	}
	return append(dst, "false"...)
}

// appendString appends a string. A short one is copied eight bytes at a time while it is looked at.
func appendString(dst []byte, s string) []byte {
	if len(s) > 64 {
		return appendText(dst, s)
	}
	at := len(dst)
	dst = room(dst, len(s)+16)
	b := dst[at : at+len(s)+16]
	b[0] = '"'
	i := 0
	for ; i+8 <= len(s); i += 8 {
		x := word(s, i)
		if special(x) != 0 {
			return appendText(dst, s)
		}
		binary.LittleEndian.PutUint64(b[1+i:], x)
	}
	if i < len(s) {
		x := uint64(0)
		if len(s) >= 8 {
			x = word(s, len(s)-8) >> uint(64-8*(len(s)-i))
		} else {
			for k := len(s) - 1; k >= 0; k-- {
				x = x<<8 | uint64(s[k])
			}
		}
		if special(x)<<uint(64-8*(len(s)-i)) != 0 {
			return appendText(dst, s)
		}
		binary.LittleEndian.PutUint64(b[1+i:], x)
	}
	b[1+len(s)] = '"'
	return dst[:at+len(s)+2]
}

func word(s string, i int) uint64 {
	b := s[i : i+8]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

// appendText appends a string of any length and content.
func appendText(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for {
		i := copyEnd(s, start)
		dst = append(dst, s[start:i]...)
		if i == len(s) {
			return append(dst, '"')
		}
		n := 1
		switch c := s[i]; {
		case c >= utf8.RuneSelf:
			r, size := utf8.DecodeRuneInString(s[i:])
			n = size
			switch r {
			case '\u2028':
				dst = append(dst, `\u2028`...)
			case '\u2029':
				dst = append(dst, `\u2029`...)
			default:
				dst = append(dst, `\ufffd`...)
			}
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		default:
			dst = appendControl(dst, c)
		}
		start = i + n
	}
}

func appendControl(dst []byte, c byte) []byte {
	if k := "\b\t\n\f\r"; slices.Contains([]byte(k), c) {
		return append(dst, '\\', "btn-fr"[c-'\b'])
	}
	const hex = "0123456789abcdef"
	return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xF])
}

// copyEnd is plainEnd for encoding, which escapes the separators U+2028 and U+2029, too.
func copyEnd(s string, i int) int {
	for i+8 <= len(s) {
		marks := special(word(s, i))
		if marks == 0 {
			i += 8
			continue
		}
		i += firstMark(marks)
		for i+4 <= len(s) {
			b := s[i : i+4]
			x := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
			if isRune2(x) {
				i += 2
				continue
			}
			if isRune3(x) && x&0xFEFFFF != 0xA880E2 {
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
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 || r == '\u2028' || r == '\u2029' {
			return i
		}
		i += n
	}
	return i
}

func appendBytes(dst, v []byte) []byte {
	if v == nil {
		return append(dst, "null"...)
	}
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, v)
	return append(dst, '"')
}

func appendTime(dst []byte, v time.Time, field string) ([]byte, error) {
	b, err := v.AppendText(append(dst, '"'))
	if err != nil {
		return dst, failAppend(field, err.Error())
	}
	return append(b, '"'), nil
}

// appendRaw appends JSON as it stands, without white space between its tokens.
func appendRaw(dst []byte, v json.RawMessage, field string) ([]byte, error) {
	if v == nil {
		return append(dst, "null"...), nil
	}
	d := decoder{data: v}
	if i := d.skip(d.space(0), 0); i < 0 || d.space(i) < len(v) {
		return dst, failAppend(field, "json.RawMessage is not JSON")
	}
	start := 0
	for i := 0; i < len(v); {
		switch c := v[i]; {
		case c == '"':
			for i++; v[i] != '"'; i++ {
				if v[i] == '\\' {
					i++
				}
			}
			i++
		case c <= ' ':
			dst = append(dst, v[start:i]...)
			i++
			start = i
		default:
			i++
		}
	}
	return append(dst, v[start:]...), nil
}
