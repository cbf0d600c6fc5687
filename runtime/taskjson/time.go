package taskjson

import (
	"encoding/binary"
	"time"
)

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
