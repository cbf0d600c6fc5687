package taskjson

// Skip reads any value and drops it. The value must be well-formed. Skip calls itself once in 64 levels of nesting, so no value
// takes much stack.
func (d *Decoder) Skip() {
	outer := d.depth
	objects := uint64(0) // a bit for each open level, the innermost being the lowest: set where it is an object
	for {
		switch c := d.peek(); c {
		case '"':
			d.skipString()
		case '{', '[':
			if d.depth-outer == 64 {
				d.Skip()
				break
			}
			objects <<= 1
			if c == '{' {
				objects |= 1
				if d.member('{', intoNothing) {
					continue
				}
			} else if d.Array() {
				continue
			}
			objects >>= 1
		case 't':
			d.literal("true")
		case 'f':
			d.literal("false")
		case 'n':
			d.literal("null")
		default:
			if c != '-' && (c < '0' || c > '9') {
				d.failSyntax("expected a value")
				break
			}
			d.number()
		}
		for {
			if d.depth == outer || d.failure != nil {
				d.depth = outer
				return
			}
			if objects&1 != 0 && d.member(',', intoNothing) || objects&1 == 0 && d.Elem() {
				break
			}
			objects >>= 1
		}
	}
}

// skipString reads a string and returns the bytes between its quotes. The caller has seen the opening quote.
func (d *Decoder) skipString() []byte {
	start := d.pos + 1
	for i := start; i < len(d.data); {
		if i+8 <= len(d.data) {
			x := load8(d.data, i)
			marks := quoting(x) &^ x & highs
			if marks == 0 {
				i += 8
				continue
			}
			i += firstMark(marks)
		}
		switch c := d.data[i]; {
		case c == '"':
			d.pos = i + 1
			return d.data[start:i]
		case c == '\\':
			n := d.escape(i)
			if n == 0 {
				return nil
			}
			i += n
		case c < ' ':
			d.pos = i
			d.failSyntax("expected no control character in a string")
			return nil
		default:
			i++
		}
	}
	d.pos = len(d.data)
	d.failSyntax(`expected " at the end of a string`)
	return nil
}

// escape checks the escape sequence at i and returns its length; 0 after an error.
func (d *Decoder) escape(i int) int {
	d.pos = min(i+1, len(d.data)) // only errors look at it: the caller sets it at the end of the string
	switch d.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		for d.pos++; d.pos < i+6; d.pos++ {
			if unhex(d.peek()) < 0 {
				d.failSyntax(`expected four hexadecimal digits after \u`)
				return 0
			}
		}
		return 6
	}
	d.failSyntax(`expected an escape sequence after \`)
	return 0
}

func unhex(c byte) rune {
	switch {
	case '0' <= c && c <= '9':
		return rune(c - '0')
	case 'a' <= c && c <= 'f':
		return rune(c - 'a' + 10)
	case 'A' <= c && c <= 'F':
		return rune(c - 'A' + 10)
	}
	return -1
}

// number reads a number and returns its text; nil after an error.
func (d *Decoder) number() []byte {
	start := d.pos
	if d.peek() == '-' {
		d.pos++
	}
	switch c := d.peek(); {
	case c == '0':
		d.pos++
	case '1' <= c && c <= '9':
		d.digits()
	default:
		d.failSyntax("expected a digit")
		return nil
	}
	if d.peek() == '.' {
		d.pos++
		if !d.digits() {
			return nil
		}
	}
	if c := d.peek(); c == 'e' || c == 'E' {
		d.pos++
		if c := d.peek(); c == '+' || c == '-' {
			d.pos++
		}
		if !d.digits() {
			return nil
		}
	}
	return d.data[start:d.pos]
}

// digits reads at least one digit.
func (d *Decoder) digits() bool {
	start := d.pos
	for d.pos < len(d.data) && '0' <= d.data[d.pos] && d.data[d.pos] <= '9' {
		d.pos++
	}
	if d.pos == start {
		d.failSyntax("expected a digit")
	}
	return d.pos > start
}
