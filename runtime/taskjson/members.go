package taskjson

import "math/bits"

// Members are the members that a struct's object may have, numbered from 0 in the order in which the struct is encoded. A set
// of them has bit n%64 of word n/64 for member n.
type Members struct {
	Names    []string // in quotes and with a colon
	Required []uint64 // the set of those that must be there; nil: none
	NotNull  []uint64 // the set of those that must not be null if they are there; nil: none
	ByName   []int32  // the numbers in the order of the names without quotes; nil: there are few, and names are compared with each
}

// Struct opens a struct's object, reads the name of its first member up to the value, and returns the member's number. It
// notes in seen, a set, which members were there. Unknown members are skipped. When there is none, it closes the object, checks that all
// required members have been there, and returns a negative number, as it does after an error. For null it returns a
// negative number, too; but the payload itself must not be null.
func (d *Decoder) Struct(m *Members, seen []uint64) int { return d.structMember('{', m, seen, 0) }

// Next is [Decoder.Struct] for the member that follows member last.
func (d *Decoder) Next(m *Members, seen []uint64, last int) int {
	return d.structMember(',', m, seen, last+1)
}

// structMember reads a member's name, from the byte before it, a comma or the opening brace. It handles the common case itself: the
// name is the next one in the encoder's order and spelling, so a comparison is enough.
func (d *Decoder) structMember(before byte, m *Members, seen []uint64, next int) int {
	if next < len(m.Names) {
		quoted, data, start := m.Names[next], d.data, d.pos+1
		end := start + len(quoted)
		if end < len(data) && data[start-1] == before && data[end] > ' ' && string(data[start:end]) == quoted && (before == ',' || d.depth < MaxDepth) {
			d.pos = end
			if before == '{' {
				d.depth++
			}
			return d.given(m, seen, next)
		}
	}
	return d.anyStructMember(before, m, seen, next)
}

// given records that a member is present and returns it. Its value is next.
func (d *Decoder) given(m *Members, seen []uint64, member int) int {
	word, bit := uint(member)/64, uint64(1)<<(uint(member)%64)
	if seen[word]&bit != 0 {
		d.fail("field is given twice")
	}
	seen[word] |= bit
	if word < uint(len(m.NotNull)) && m.NotNull[word]&bit != 0 {
		d.notNull = d.pos
	}
	return member
}

// indentedMember is structMember's comparison for indented JSON: there is white space before the name, and a space may follow it.
func (d *Decoder) indentedMember(before byte, m *Members, next int) bool {
	data, start := d.data, d.pos+1
	if start >= len(data) || data[start] > ' ' || data[start-1] != before || next >= len(m.Names) || d.depth >= MaxDepth {
		return false
	}
	start = spaceEnd(data, start)
	end := start + len(m.Names[next])
	if end+1 >= len(data) || string(data[start:end]) != m.Names[next] {
		return false
	}
	if data[end] == ' ' {
		end++
	}
	if data[end] <= ' ' {
		return false
	}
	d.pos, d.spaced = end, true
	if before == '{' {
		d.depth++
	}
	return true
}

// anyStructMember is structMember for any input.
func (d *Decoder) anyStructMember(before byte, m *Members, seen []uint64, next int) int {
	if d.indentedMember(before, m, next) {
		return d.given(m, seen, next)
	}
	if before == '{' && d.NullStruct() {
		return -1
	}
	for d.member(before, intoStruct) {
		if member := m.find(d.Key(), next); member >= 0 {
			return d.given(m, seen, member)
		}
		d.Skip()
		before = ','
	}
	for word, required := range m.Required {
		if missing := required &^ seen[word]; missing != 0 && d.failure == nil {
			d.missing(m.name(word*64 + bits.TrailingZeros64(missing)))
		}
	}
	return -1
}

// find returns the number of the member with a name, or -1. It tries the likely ones first: the next, those soon after it (members may
// be left out), and the one before the last (names may be in reverse order).
func (m *Members) find(name []byte, next int) int {
	const soon = 8
	if next >= 2 && m.name(next-2) == string(name) {
		return next - 2
	}
	last := min(next+soon, len(m.Names))
	for i := next; i < last; i++ {
		if m.name(i) == string(name) {
			return i
		}
	}
	if m.ByName != nil {
		return m.search(name)
	}
	for i := range m.Names {
		if m.name(i) == string(name) {
			return i
		}
	}
	return -1
}

// search is find by the index.
func (m *Members) search(name []byte) int {
	from, to := 0, len(m.ByName)
	for from < to {
		middle := int(uint(from+to) / 2)
		member := int(m.ByName[middle])
		switch found := m.name(member); {
		case found == string(name):
			return member
		case found < string(name):
			from = middle + 1
		default:
			to = middle
		}
	}
	return -1
}

// name returns the name of a member.
func (m *Members) name(member int) string {
	quoted := m.Names[member]
	return quoted[len(`"`) : len(quoted)-len(`":`)]
}

// missing fails at the end of a struct's object because it lacks a member.
func (d *Decoder) missing(name string) {
	d.failAt(d.pos-1, "required field is missing")
	d.failure.member = name
	d.failure.trail.markStruct(d.depth + 1)
}

// EmptyStruct reads the object of a struct without members.
func (d *Decoder) EmptyStruct() { d.Struct(&Members{}, nil) }

// Value records a member's bit in word if the next value is not null.
func (d *Decoder) Value(word *uint64, bit uint64) *Decoder {
	if d.peek() != 'n' {
		*word |= bit
	}
	return d
}
