package taskjson

import (
	"encoding/binary"
	"slices"
)

// The methods of this file append a struct's member: its name, given as for [Encoder.Key], and a value of one of the most common
// types. They are not inlined, because generated code calls them so often that inlining would dominate its compile time.

// StringField appends a member that is a string. It copies a short one while checking it, a word at a time. appendText appends long
// ones, and those with something to escape.
//
//go:noinline
func (e *Encoder) StringField(name, s string) {
	const short = 64
	at, size := len(e.buf), len(s)
	if size > short {
		e.buf = appendText(append(e.buf, name...), s, ',')
		return
	}
	if room := len(name) + size + 16; cap(e.buf)-at < room { // with room for two quotes, the comma and the rest of a word
		e.buf = slices.Grow(e.buf, room)
	}
	buf := e.buf[at:cap(e.buf)]
	switch n := len(name); { // copying two words takes less time than a call
	case n == 0:
	case n < 4 || n > 16:
		copy(buf, name)
	case n < 8:
		first, last := load4(name, 0), load4(name, n-4)
		binary.LittleEndian.PutUint32(buf[:4], first)
		binary.LittleEndian.PutUint32(buf[n-4:n], last)
	default:
		first, last := load8(name, 0), load8(name, n-8)
		binary.LittleEndian.PutUint64(buf[:8], first)
		binary.LittleEndian.PutUint64(buf[n-8:n], last)
	}
	b := buf[len(name) : len(name)+size+16]
	b[0] = '"'
	i := 0
	for i+8 <= size {
		x := load8(s, i)
		if special(x) != 0 {
			e.buf = appendText(e.buf[:at+len(name)], s, ',')
			return
		}
		binary.LittleEndian.PutUint64(b[i+1:i+9], x)
		i += 8
	}
	if left := size - i; left > 0 {
		var x uint64
		switch {
		case size >= 8:
			x = load8(s, size-8) >> uint(64-8*left)
		case size >= 4:
			x = uint64(load4(s, 0)) | uint64(load4(s, size-4))<<uint(8*size-32)
		default:
			x = uint64(s[0]) | uint64(s[size/2])<<uint(size/2*8) | uint64(s[size-1])<<uint(8*size-8)
		}
		if special(x)<<uint(64-8*left) != 0 {
			e.buf = appendText(e.buf[:at+len(name)], s, ',')
			return
		}
		binary.LittleEndian.PutUint64(b[i+1:i+9], x)
	}
	b[size+1], b[size+2] = '"', ','
	e.buf = e.buf[:at+len(name)+size+3]
}

// IntField appends a member that is an integer.
//
//go:noinline
func (e *Encoder) IntField(name string, n int64) {
	at := len(e.buf)
	if cap(e.buf)-at < len(name)+integerRoom {
		e.buf = slices.Grow(e.buf, len(name)+integerRoom)
	}
	buf := e.buf[at:cap(e.buf)]
	if n := len(name); n >= 8 && n <= 16 { // as StringField
		first, last := load8(name, 0), load8(name, n-8)
		binary.LittleEndian.PutUint64(buf[:8], first)
		binary.LittleEndian.PutUint64(buf[n-8:n], last)
	} else {
		copy(buf, name)
	}
	size, magnitude := len(name), uint64(n)
	if n < 0 {
		buf[size] = '-'
		size++
		magnitude = -magnitude
	}
	e.buf = e.buf[:at+size+putUint((*[uintRoom]byte)(buf[size:]), magnitude, ',')]
}

// UintField appends a member that is an unsigned integer.
//
//go:noinline
func (e *Encoder) UintField(name string, n uint64) {
	buf := e.named(name, uintRoom)
	e.buf = e.buf[:len(e.buf)+putUint((*[uintRoom]byte)(buf), n, ',')]
}

// FloatField appends a member that is a float64.
//
//go:noinline
func (e *Encoder) FloatField(name string, f float64) {
	e.named(name, millionthsRoom)
	e.float(f, 64)
}

// BoolField appends a member that is a boolean.
//
//go:noinline
func (e *Encoder) BoolField(name string, v bool) {
	e.named(name, len("false,"))
	e.bool(v)
}

// named appends a name and returns the free space after it, at least room bytes.
func (e *Encoder) named(name string, room int) []byte {
	at, n := len(e.buf), len(name)
	if cap(e.buf)-at < n+room {
		e.buf = slices.Grow(e.buf, n+room)
	}
	buf := e.buf[at:cap(e.buf)]
	if n >= 8 && n <= 16 { // as StringField
		first, last := load8(name, 0), load8(name, n-8)
		binary.LittleEndian.PutUint64(buf[:8], first)
		binary.LittleEndian.PutUint64(buf[n-8:n], last)
	} else {
		copy(buf, name)
	}
	e.buf = e.buf[:at+n]
	return buf[n:]
}
