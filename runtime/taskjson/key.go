package taskjson

import (
	"encoding"
	"encoding/json"
	"fmt"
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

// TextKey passes the name of the current member to key's UnmarshalText.
func (d *Decoder) TextKey(key encoding.TextUnmarshaler) {
	if d.failure != nil {
		return
	}
	// Types with both methods get their JSON, as encoding/json has it.
	if u, ok := key.(json.Unmarshaler); ok {
		end, _ := stringEnd(d.data, d.keyAt)
		d.checkKey(unmarshalJSON(u, d.data[d.keyAt-1:end:end]))
		return
	}
	d.checkKey(unmarshalText(key, d.Key()))
}

// PutText is [Put] for a key that TextKey has read. It fails if the key cannot be hashed, which is up to its method.
func PutText[M ~map[K]V, K comparable, V any](d *Decoder, m M, key K, v *V) {
	var err error
	put := func() {
		defer catch(&err)
		m[key] = *v
	}
	put()
	d.checkKey(err)
}

// A MapKey is a map's key as JSON text, with the index of its value among those collected.
type MapKey struct {
	Text  string
	Value int
}

// StringEntries appends the keys of m to keys, in encoding/json's order, and its values to values. Both start empty.
func StringEntries[K ~string, V any](keys []MapKey, values []V, m map[K]V) ([]MapKey, []V) {
	for k, v := range m {
		keys = append(keys, MapKey{string(k), len(values)})
		values = append(values, v)
	}
	return sorted(keys), values
}

// IntEntries is [StringEntries] for integer keys.
func IntEntries[K signed, V any](keys []MapKey, values []V, m map[K]V) ([]MapKey, []V) {
	for k, v := range m {
		keys = append(keys, MapKey{strconv.FormatInt(int64(k), 10), len(values)})
		values = append(values, v)
	}
	return sorted(keys), values
}

// UintEntries is [StringEntries] for unsigned integer keys.
func UintEntries[K unsigned, V any](keys []MapKey, values []V, m map[K]V) ([]MapKey, []V) {
	for k, v := range m {
		keys = append(keys, MapKey{strconv.FormatUint(uint64(k), 10), len(values)})
		values = append(values, v)
	}
	return sorted(keys), values
}

// TextEntries is [StringEntries] for keys with a MarshalText method.
func TextEntries[K interface {
	comparable
	encoding.TextMarshaler
}, V any](e *Encoder, keys []MapKey, values []V, m map[K]V) ([]MapKey, []V) {
	for k, v := range m {
		keys = append(keys, MapKey{e.textKey(k), len(values)})
		values = append(values, v)
	}
	return sorted(keys), values
}

func (e *Encoder) textKey(k encoding.TextMarshaler) string {
	if IsNilPointer(k) {
		return ""
	}
	text, err := marshalText(k)
	if err != nil {
		e.failErr(fmt.Sprintf("MarshalText of key of type %T", k), err)
	}
	return string(text)
}

// sorted sorts keys in place. It must not be inlined: on 386 the compiler would move the caller's array of keys to the heap.
//
//go:noinline
func sorted(keys []MapKey) []MapKey {
	if len(keys) <= 8 { // handing so few to a sorting function takes longer than sorting them
		for i := range keys {
			for j := i; j > 0 && keys[j].Text < keys[j-1].Text; j-- {
				keys[j], keys[j-1] = keys[j-1], keys[j]
			}
		}
		return keys
	}
	slices.SortFunc(keys, func(a, b MapKey) int { return strings.Compare(a.Text, b.Text) })
	return keys
}
