package taskjson

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// Error is a value that could not be encoded or decoded: the problem, and its place.
type Error struct {
	Path   string // the value, such as payload.items[3].quantity or payload.attrs["key"]; with … for the middle of a very long one
	Offset int    // the byte of the JSON text at which decoding stopped; -1 when encoding
	Msg    string // the problem
	Err    error  // what a method of the value's type returned, or a *PanicError; nil when the codec itself objected
}

// Error returns the path, the problem and, for decoding, the offset.
func (e *Error) Error() string {
	var s strings.Builder
	s.WriteString(e.Path)
	s.WriteString(": ")
	s.WriteString(e.Msg)
	if e.Err != nil {
		s.WriteString(": ")
		s.WriteString(cut(fmt.Sprint(e.Err), 512)) // it may quote all of a long value, or panic
	}
	if e.Offset >= 0 {
		s.WriteString(", offset ")
		s.WriteString(strconv.Itoa(e.Offset))
	}
	return s.String()
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// A trail records which levels are structs while the calls that led to an error return. A path spells a struct's members
// .name and a map's ["key"], and the JSON alone does not tell them apart.
type trail struct {
	structs map[int]bool // nesting depths, counted from 1, whose object is a struct
}

func (t *trail) markStruct(depth int) {
	if t.structs == nil {
		t.structs = make(map[int]bool)
	}
	t.structs[depth] = true
}

// pathEnd is the number of levels that a path names at either end. Those between are left out.
const pathEnd = 16

// path names the value at the end of prefix, which is the part of a well-formed JSON text before that value, or
// before the place in it at which reading stopped. field, if any, is a member that the innermost object does not have.
func (t *trail) path(root string, prefix []byte, field string) string {
	levels := openLevels(prefix)
	if field != "" {
		levels[len(levels)-1].inside = false
	}
	var s strings.Builder
	s.WriteString(root)
	left := len(levels) - 2*pathEnd
	for i, l := range levels {
		switch {
		case i >= pathEnd && i < pathEnd+left:
			if i == pathEnd {
				s.WriteString("…")
			}
		case l.inside:
			l.write(&s, t.structs[i+1])
		}
	}
	if field != "" {
		writeMember(&s, field, true)
	}
	return s.String()
}

// openLevels returns the arrays and objects that are open at the end of prefix, the outermost first.
func openLevels(prefix []byte) []level {
	brackets := bytes.Count(prefix, []byte("{")) + bytes.Count(prefix, []byte("["))
	levels := make([]level, 1, 1+min(brackets, MaxDepth)) // the first is around the outermost one, so every value has one around it
	scalar := false                                       // a number, true, false or null has begun
	for i := 0; i < len(prefix); i++ {
		top := &levels[len(levels)-1]
		switch c := prefix[i]; c {
		case '{', '[':
			levels = append(levels, level{array: c == '[', inside: c == '['})
		case '}', ']':
			levels = levels[:len(levels)-1]
			levels[len(levels)-1].inside = false
		case ',':
			top.index++
			top.inside = top.array
		case ':':
			top.inside = true
		case '"':
			end, closed := stringEnd(prefix, i+1)
			if !top.array && !top.inside {
				top.key = prefix[i:end]
			} else if closed {
				top.inside = false
			}
			i = end - 1
		case ' ', '\n', '\t', '\r':
			if scalar {
				top.inside = false
			}
		default:
			scalar = true
			continue
		}
		scalar = false
	}
	return levels[1:]
}

// A level is an array or object that is open at some place in a JSON text.
type level struct {
	array  bool
	inside bool   // the place is in the element or member that index or key says
	index  int    // of an array
	key    []byte // of an object, in quotes
}

func (l level) write(s *strings.Builder, isStruct bool) {
	if l.array {
		s.WriteString("[" + strconv.Itoa(l.index) + "]")
		return
	}
	d := Decoder{data: l.key}
	key, _ := d.text()
	writeMember(s, string(key), isStruct)
}

func writeMember(s *strings.Builder, name string, isStruct bool) {
	name = cut(name, 64)
	if isStruct && isIdentifier(name) {
		s.WriteString("." + name)
		return
	}
	s.WriteString("[" + strconv.Quote(name) + "]")
}

// isIdentifier reports whether a path has name without quotes.
func isIdentifier(name string) bool {
	for _, c := range name {
		plain := c == '_' || c == '-' || c == '$' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' || c >= 0x80
		if !plain {
			return false
		}
	}
	return name != ""
}

// stringEnd returns the index after the string whose opening quote is before i, or the end of data and false.
func stringEnd(data []byte, i int) (end int, closed bool) {
	for ; i < len(data); i++ {
		switch data[i] {
		case '\\':
			i++
		case '"':
			return i + 1, true
		}
	}
	return len(data), false
}
