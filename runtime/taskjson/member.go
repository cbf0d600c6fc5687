package taskjson

// A target is the kind of value that an object's members are read into.
type target uint8

const (
	intoStruct  target = iota
	intoMap            // or an any
	intoNothing        // names need not be kept
)

// member reads a member's name, from the byte before it, a comma or the opening brace, to its value. When no member
// follows, it closes the object and reports false, as it does after an error.
//
// Most of the time that names take is spent here, so member itself handles the common case, an ASCII name without escape
// sequences and a colon right after it. anyMember handles the rest.
func (d *Decoder) member(before byte, into target) bool {
	data, i, spaced := d.data, d.pos, false
	if i < len(data) && data[i] <= ' ' {
		i = spaceEnd(data, i)
		spaced = true
	}
	if i+1 >= len(data) || data[i] != before {
		if i < len(data) && data[i] == '}' && before == ',' {
			d.pos, d.spaced = i, d.spaced || spaced
			return d.close()
		}
		return d.anyMember(before, into)
	}
	i++
	if data[i] <= ' ' {
		i = spaceEnd(data, i)
		spaced = true
	}
	if i < len(data) && data[i] == '"' {
		i++
		end := i
		for end+8 <= len(data) {
			if marks := special(load8(data, end)); marks != 0 {
				end += firstMark(marks)
				break
			}
			end += 8
		}
		if end+3 < len(data) && data[end] == '"' && data[end+1] == ':' {
			next := end + 2
			if data[next] == ' ' {
				next++
				spaced = true
			}
			if data[next] > ' ' && (before == ',' || d.depth < MaxDepth) {
				d.keyAt, d.keyEnd, d.pos, d.spaced = i, end, next, d.spaced || spaced
				if before == '{' {
					d.depth++
				}
				return true
			}
		}
	}
	return d.anyMember(before, into)
}

// anyMember is member for any input.
func (d *Decoder) anyMember(before byte, into target) bool {
	if before == '{' {
		if !d.enter() {
			return false
		}
	} else if d.peek() != ',' && d.peek() != '}' {
		d.space()
	}
	switch d.peek() {
	case before:
		d.pos++
		d.space()
		if before == '{' && d.peek() == '}' {
			return d.close()
		}
		if d.name(into) {
			return true
		}
	case '}':
		return d.close()
	default:
		d.failSyntax("expected , or } after a member")
	}
	if into == intoStruct {
		d.failure.trail.markStruct(d.depth)
	}
	d.depth--
	return false
}

// enter reads an object's opening brace.
func (d *Decoder) enter() bool {
	if d.depth == 0 {
		d.space()
	}
	return d.open("an object", '{')
}

// name reads a member's name and the colon, up to the value. It reports false after an error.
func (d *Decoder) name(into target) bool {
	if d.peek() != '"' {
		d.failSyntax("expected a name in quotes")
		return false
	}
	if into == intoNothing {
		d.skipString()
	} else {
		d.keepName()
	}
	d.space()
	if d.peek() != ':' {
		d.failSyntax("expected : after a name")
		return false
	}
	d.pos++
	d.space()
	return true
}

// keepName reads a name and unquotes it.
func (d *Decoder) keepName() {
	start := d.pos + 1
	if _, ok := d.text(); ok {
		d.keyAt, d.keyEnd = start, d.pos-1
		if d.unquoted {
			d.keyEnd = 0
		}
	}
}
