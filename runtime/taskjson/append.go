package taskjson

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// Bool appends a boolean.
//
//go:noinline
func (e *Encoder) Bool(v *bool) { e.bool(*v) }

func (e *Encoder) bool(v bool) { e.buf = append(strconv.AppendBool(e.buf, v), ',') }

// Int appends an integer, as do the following methods.
func (e *Encoder) Int(v *int) { e.int(int64(*v)) }

// Int8 appends an int8.
func (e *Encoder) Int8(v *int8) { e.int(int64(*v)) }

// Int16 appends an int16.
func (e *Encoder) Int16(v *int16) { e.int(int64(*v)) }

// Int32 appends an int32.
func (e *Encoder) Int32(v *int32) { e.int(int64(*v)) }

// Int64 appends an int64.
func (e *Encoder) Int64(v *int64) { e.int(*v) }

// Uint appends a uint.
func (e *Encoder) Uint(v *uint) { e.uint(uint64(*v)) }

// Uint8 appends a uint8.
func (e *Encoder) Uint8(v *uint8) { e.uint(uint64(*v)) }

// Uint16 appends a uint16.
func (e *Encoder) Uint16(v *uint16) { e.uint(uint64(*v)) }

// Uint32 appends a uint32.
func (e *Encoder) Uint32(v *uint32) { e.uint(uint64(*v)) }

// Uint64 appends a uint64.
func (e *Encoder) Uint64(v *uint64) { e.uint(*v) }

// Uintptr appends a uintptr.
func (e *Encoder) Uintptr(v *uintptr) { e.uint(uint64(*v)) }

// Float32 appends a float32. NaN and the infinities are an error.
func (e *Encoder) Float32(v *float32) { e.float(float64(*v), 32) }

// Float64 appends a float64. NaN and the infinities are an error.
func (e *Encoder) Float64(v *float64) { e.float(*v, 64) }

func (e *Encoder) int(n int64)   { e.integer(uint64(n), n < 0) }
func (e *Encoder) uint(n uint64) { e.integer(n, false) }

const (
	uintRoom    = 32 // bytes, for 20 digits in three words, and what follows them
	integerRoom = 1 + uintRoom
)

// integer appends n. A negative n is given in two's complement.
func (e *Encoder) integer(n uint64, negative bool) {
	at := len(e.buf)
	if cap(e.buf)-at < integerRoom {
		e.buf = slices.Grow(e.buf, integerRoom)
	}
	buf := e.buf[:at+integerRoom]
	if negative {
		buf[at] = '-'
		at++
		n = -n
	}
	e.buf = e.buf[:at+putUint((*[uintRoom]byte)(buf[at:]), n, ',')]
}

// putUint writes n and end to b and returns their length.
func putUint(b *[uintRoom]byte, n uint64, end byte) int {
	if n < 10 {
		b[0], b[1] = '0'+byte(n), end
		return 2
	}
	// Count the digits first: the next number's position depends on it, so the processor can start on that one meanwhile.
	digits := decimalLen(n) & (uintRoom - 1)
	zeros := uint(-8*digits) & 63 // bits of leading zeros in the first word
	switch {
	case digits <= 8:
		binary.LittleEndian.PutUint64(b[:8], ascii8(n)>>zeros)
	case digits <= 12:
		binary.LittleEndian.PutUint32(b[:4], ascii4(uint32(n/1e8))>>(zeros&31))
		binary.LittleEndian.PutUint64(b[digits-8:digits], ascii8(n%1e8))
	default:
		return putLong(b, n, digits, end)
	}
	b[digits] = end
	return digits + 1
}

// putShort is putUint for up to four digits.
func putShort(b *[uintRoom]byte, n uint32, end byte) int {
	digits := decimalLen(uint64(n)|1) & (uintRoom - 1)
	binary.LittleEndian.PutUint32(b[:4], ascii4(n)>>(uint(-8*digits)&31))
	b[digits] = end
	return digits + 1
}

// putLong is putUint for more than twelve digits.
func putLong(b *[uintRoom]byte, n uint64, digits int, end byte) int {
	zeros := uint(-8*digits) & 63
	if digits <= 16 {
		binary.LittleEndian.PutUint64(b[:8], ascii8(n/1e8)>>zeros)
	} else {
		binary.LittleEndian.PutUint64(b[:8], ascii8(n/1e16)>>zeros)
		binary.LittleEndian.PutUint64(b[digits-16:digits-8], ascii8(n/1e8%1e8))
	}
	binary.LittleEndian.PutUint64(b[digits-8:digits], ascii8(n%1e8))
	b[digits] = end
	return digits + 1
}

// decimalLen returns the number of decimal digits of n, which must not be 0. No branch depends on n.
func decimalLen(n uint64) int {
	log := bits.Len64(n) * 1233 >> 12 // 1233/4096 is the logarithm of 2; right, or one too high
	_, high := bits.Sub64(n, pow10[log], 0)
	return log + 1 - int(high)
}

// ascii8 returns the eight ASCII digits of n, the most significant one in the lowest byte.
func ascii8(n uint64) uint64 {
	x := n/1e4 | n%1e4<<32
	y := x * 10486 >> 20 & 0x0000007F0000007F // a hundredth
	x = y | (x-100*y)<<16
	y = x * 103 >> 10 & 0x000F000F000F000F // a tenth
	x = y | (x-10*y)<<8
	return x | ones*'0'
}

// ascii4 is ascii8 for up to four digits.
func ascii4(n uint32) uint32 {
	y := n * 5243 >> 19 // a hundredth
	x := y | (n-100*y)<<16
	y = x * 103 >> 10 & 0x000F000F // a tenth
	x = y | (x-10*y)<<8
	return x | ones&0xFFFFFFFF*'0'
}

// AppendInts appends a slice of integers; null for nil.
func AppendInts[S ~[]E, E signed | unsigned](e *Encoder, s S) {
	if !e.NotNil(s != nil) {
		return
	}
	e.Array()
	buf := e.buf[:cap(e.buf)]
	at := len(e.buf)
	for _, n := range s { // integer, spelled out
		if len(buf)-at < integerRoom {
			buf = slices.Grow(buf[:at], integerRoom)
			buf = buf[:cap(buf)]
		}
		magnitude := uint64(n)
		if n < 0 {
			buf[at] = '-'
			at++
			magnitude = -magnitude
		}
		at += putUint((*[uintRoom]byte)(buf[at:]), magnitude, ',')
	}
	e.buf = buf[:at]
	e.EndArray()
}

// float writes numbers as JavaScript does: an exponent only for the very small and the very large.
func (e *Encoder) float(f float64, bits int) {
	abs := math.Abs(f)
	if bits == 64 && abs < maxMillionths {
		if n := int64(abs*millionths + 0.5); float64(n)/millionths == abs {
			e.millionths(math.Signbit(f), uint64(n))
			return
		}
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		e.fail(strconv.FormatFloat(f, 'g', -1, bits) + " cannot be encoded as JSON")
		return
	}
	format := byte('f')
	small, large := abs < 1e-6, abs >= 1e21
	if bits == 32 {
		small, large = float32(abs) < 1e-6, float32(abs) >= 1e21
	}
	if abs != 0 && (small || large) {
		format = 'e'
	}
	b := strconv.AppendFloat(e.buf, f, format, -1, bits)
	// e-09 becomes e-9
	if n := len(b); format == 'e' && b[n-4] == 'e' && b[n-3] == '-' && b[n-2] == '0' {
		b[n-2] = b[n-1]
		b = b[:n-1]
	}
	e.buf = append(b, ',')
}

const (
	millionths     = 1e6
	millionthsRoom = integerRoom + 8 // bytes
	maxMillionths  = 1e9             // at most 15 digits: no other decimal that short means the same float64
)

// millionths appends n millionths, without trailing zeros.
func (e *Encoder) millionths(negative bool, n uint64) {
	at := len(e.buf)
	if cap(e.buf)-at < millionthsRoom {
		e.buf = slices.Grow(e.buf, millionthsRoom)
	}
	buf := e.buf[:at+millionthsRoom]
	if negative {
		buf[at] = '-'
		at++
	}
	whole, rest := n/millionths, n%millionths
	if whole < 1e4 {
		at += putShort((*[uintRoom]byte)(buf[at:]), uint32(whole), '.')
	} else {
		at += putUint((*[uintRoom]byte)(buf[at:]), whole, '.')
	}
	if rest == 0 {
		at--
	} else {
		digits := ascii8(rest) >> 16 // six of them
		binary.LittleEndian.PutUint64(buf[at:at+8], digits)
		at += 6 - bits.LeadingZeros64((digits^ones*'0')<<16)/8
	}
	buf[at] = ','
	e.buf = e.buf[:at+1]
}

// String appends a string. Bytes that are not UTF-8 become \ufffd.
func (e *Encoder) String(v *string) { e.StringField("", *v) }

// QuotedString appends a string with the ",string" option: a string that holds the string in quotes.
func (e *Encoder) QuotedString(v *string) {
	var inner Encoder
	inner.String(v)
	e.buf = appendText(e.buf, inner.buf[:len(inner.buf)-1], ',')
}

const hex = "0123456789abcdef"

// appendText appends a string of any length and content, and end.
func appendText[S string | []byte](dst []byte, s S, end byte) []byte {
	dst = append(dst, '"')
	start := 0
	for {
		i := plainEnd(s, start)
		dst = append(dst, s[start:i]...)
		if i == len(s) {
			return append(dst, '"', end)
		}
		n := 1
		if s[i] < utf8.RuneSelf {
			dst = appendEscaped(dst, s[i])
		} else {
			var escaped string
			escaped, n = escapeRune(string(s[i:min(i+utf8.UTFMax, len(s))]))
			dst = append(dst, escaped...)
		}
		start = i + n
	}
}

// escapeRune returns the escape sequence for the separator or invalid UTF-8 at the start of s, and the number of bytes
// that it replaces.
func escapeRune(s string) (escaped string, n int) {
	switch r, n := utf8.DecodeRuneInString(s); r {
	case '\u2028':
		return `\u2028`, n
	case '\u2029':
		return `\u2029`, n
	}
	return `\ufffd`, 1
}

// appendEscaped appends the escape sequence of a quote, a backslash or a control character.
func appendEscaped(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, '\\', 'b')
	case '\f':
		return append(dst, '\\', 'f')
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xF])
}

// Bytes appends bytes in base64; null for nil.
func (e *Encoder) Bytes(v *[]byte) {
	if e.NotNil(*v != nil) {
		e.buf = append(e.buf, '"')
		e.buf = base64.StdEncoding.AppendEncode(e.buf, *v)
		e.buf = append(e.buf, '"', ',')
	}
}

// AppendBase64 is [Encoder.Bytes] for slices of other types of bytes.
func AppendBase64[S ~[]E, E ~uint8](e *Encoder, v *S) {
	var b []byte
	if *v != nil {
		b = make([]byte, len(*v))
		for i, c := range *v {
			b[i] = byte(c)
		}
	}
	e.Bytes(&b)
}

// Number appends a number unchanged; "" counts as 0.
func (e *Encoder) Number(v *json.Number) {
	text := string(*v)
	if text == "" {
		text = "0"
	}
	if !isNumber([]byte(text)) {
		e.fail(fmt.Sprintf("json.Number %q is not a number", shorten([]byte(text))))
		return
	}
	e.buf = append(append(e.buf, text...), ',')
}

// Time appends a time in RFC 3339 format, with nanoseconds. A year beyond 9999 is an error.
func (e *Encoder) Time(v *time.Time) {
	b, err := v.AppendText(append(e.buf, '"'))
	if err != nil {
		e.failValue("not a time that JSON can hold", err)
		return
	}
	e.buf = append(b, '"', ',')
}
