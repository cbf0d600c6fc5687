package byhand

import "encoding/binary"

// skip reads any value, which is depth levels deep, and returns the place behind it.
func (d *decoder) skip(i, depth int) int {
	switch d.at(i) {
	case '"':
		return d.skipString(i)
	case '{':
		return d.skipObject(i, depth+1)
	case '[':
		return d.skipArray(i, depth+1)
	case 't':
		return d.literal(i, "true")
	case 'f':
		return d.literal(i, "false")
	case 'n':
		return d.literal(i, "null")
	}
	_, i = d.number(i)
	return i
}

func (d *decoder) skipObject(i, depth int) int {
	if depth > maxDepth {
		return d.fail(i, "nested more than %d levels deep", maxDepth)
	}
	if i = d.space(i + 1); d.at(i) == '}' {
		return i + 1
	}
	for {
		if d.at(i) != '"' {
			return d.fail(i, "expected a name in quotes")
		}
		if i = d.skipString(i); i < 0 {
			return -1
		}
		if i = d.space(i); d.at(i) != ':' {
			return d.fail(i, "expected : after a name")
		}
		if i = d.skip(d.space(i+1), depth); i < 0 {
			return -1
		}
		i = d.space(i)
		switch d.at(i) {
		case ',':
			i = d.space(i + 1)
		case '}':
			return i + 1
		default:
			return d.fail(i, "expected , or } after a member")
		}
	}
}

func (d *decoder) skipArray(i, depth int) int {
	if depth > maxDepth {
		return d.fail(i, "nested more than %d levels deep", maxDepth)
	}
	if i = d.space(i + 1); d.at(i) == ']' {
		return i + 1
	}
	for more := true; more; {
		if i = d.skip(i, depth); i < 0 {
			return -1
		}
		i, more = d.element(i)
	}
	return i
}

// skipString reads a string, whose opening quote is at i.
func (d *decoder) skipString(i int) int {
	for i++; i < len(d.data); {
		if i+8 <= len(d.data) {
			x := binary.LittleEndian.Uint64(d.data[i : i+8])
			marks := quoting(x) &^ x & highs
			if marks == 0 {
				i += 8
				continue
			}
			i += firstMark(marks)
		}
		switch c := d.data[i]; {
		case c == '"':
			return i + 1
		case c == '\\':
			n := d.skipEscape(i)
			if n == 0 {
				return -1
			}
			i += n
		case c < ' ':
			return d.fail(i, "expected no control character in a string")
		default:
			i++
		}
	}
	return d.fail(i, "expected \" at the end of a string")
}

func (d *decoder) skipEscape(i int) int {
	switch d.at(i + 1) {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if _, ok := d.hex4(i + 2); ok {
			return 6
		}
	}
	d.fail(i+1, "expected an escape sequence after \\")
	return 0
}
