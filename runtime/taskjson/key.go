package taskjson

import (
	"encoding"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"unsafe"
)

// IntKey returns the name of the current member as an integer.
func IntKey[K signed](d *Decoder) K {
	n, err := strconv.ParseInt(string(d.Key()), 10, int(unsafe.Sizeof(K(0)))*8)
	d.checkKey(err)
	return K(n)
}

// UintKey returns the name of the current member as an unsigned integer.
func UintKey[K unsigned](d *Decoder) K {
	n, err := strconv.ParseUint(string(d.Key()), 10, int(unsafe.Sizeof(K(0)))*8)
	d.checkKey(err)
	return K(n)
}

func (d *Decoder) checkKey(err error) {
	if err != nil {
		d.failErr(d.pos, "key", err)
	}
}

// TextKey hands the name of the current member to key.
func (d *Decoder) TextKey(key encoding.TextUnmarshaler) {
	if d.failure != nil {
		return
	}
	// Types with both methods get their JSON, as encoding/json has it.
	if u, ok := key.(json.Unmarshaler); ok {
		end, _ := stringEnd(d.data, d.keyAt)
		d.checkKey(u.UnmarshalJSON(d.data[d.keyAt-1 : end]))
		return
	}
	d.checkKey(key.UnmarshalText(d.Key()))
}

// StringEntries returns the entries of m in the order in which they are appended.
func StringEntries[K ~string, V any](m map[K]V) iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		var few [fewEntries]entry[V]
		s := few[:0]
		for k, v := range m {
			s = append(s, entry[V]{string(k), v})
		}
		eachSorted(s, yield)
	}
}

// IntEntries is [StringEntries] for integer keys.
func IntEntries[K signed, V any](m map[K]V) iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		s := make([]entry[V], 0, len(m))
		for k, v := range m {
			s = append(s, entry[V]{strconv.FormatInt(int64(k), 10), v})
		}
		eachSorted(s, yield)
	}
}

// UintEntries is [StringEntries] for unsigned integer keys.
func UintEntries[K unsigned, V any](m map[K]V) iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		s := make([]entry[V], 0, len(m))
		for k, v := range m {
			s = append(s, entry[V]{strconv.FormatUint(uint64(k), 10), v})
		}
		eachSorted(s, yield)
	}
}

// TextEntries is [StringEntries] for keys with a MarshalText method.
func TextEntries[K interface {
	comparable
	encoding.TextMarshaler
}, V any](e *Encoder, m map[K]V) iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		s := make([]entry[V], 0, len(m))
		for k, v := range m {
			s = append(s, entry[V]{e.textKey(k), v})
		}
		eachSorted(s, yield)
	}
}

func (e *Encoder) textKey(k encoding.TextMarshaler) string {
	if IsNilPointer(k) {
		return ""
	}
	text, err := k.MarshalText()
	if err != nil {
		e.failErr(fmt.Sprintf("MarshalText of key of type %T", k), err)
	}
	return string(text)
}

// fewEntries is how many entries of a map are sorted without allocating memory.
const fewEntries = 8

type entry[V any] struct {
	key   string
	value V
}

func eachSorted[V any](s []entry[V], yield func(string, V) bool) {
	slices.SortFunc(s, func(a, b entry[V]) int { return strings.Compare(a.key, b.key) })
	for i := range s {
		if !yield(s[i].key, s[i].value) {
			return
		}
	}
}
