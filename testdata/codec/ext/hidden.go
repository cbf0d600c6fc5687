package ext

import (
	"errors"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/testdata/codec/ext/internal/deep"
)

// Exec is the name of a type that only this package can import.
type Exec = deep.Exec

// Box is generic.
type Box[T any] struct {
	Item T
	More []T `json:",omitempty"`
}

// Hidden has fields of types that no other package can name.
type Hidden struct {
	Leaf     leaf
	Leaves   []leaf
	Fixed    [2]leaf
	None     [0]leaf
	ByName   map[string]leaf
	ByWord   map[word]*leaf
	ByNumber map[number]map[count][]leaf
	ByKey    map[key]leaf
	Pointer  **leaf
	Tree     tree `json:"tree"`
	Literal  struct {
		X      int `json:"x"`
		secret int
		Sub    *struct{ Leaf leaf }
	}
	Word     word
	Number   number `json:",string"`
	Words    words
	Octets   octets
	Bits     []bit
	Stamp    stamp
	Stamps   map[string]stamp
	Boxed    box[leaf]
	Boxes    Box[*leaf]
	Limit    deep.Limit
	Omitted  leaf  `json:",omitzero"`
	Optional *leaf `json:",omitempty"`
	Any      any
	*Extra
	leaf
}

// Extra has a type that cannot be named behind an embedded pointer.
type Extra struct {
	Other  leaf
	Others map[string][]leaf
}

type leaf struct {
	Name string    `json:"name"`
	At   time.Time `json:"at"`
	note string
}

type tree struct {
	Leaf  *leaf           `json:"leaf,omitempty"`
	Left  *tree           `json:"left,omitempty"`
	More  []tree          `json:"more,omitempty"`
	Named map[string]tree `json:"named,omitempty"`
	Back  *Hidden         `json:"back,omitempty"`
}

type (
	word       string
	number     int16
	count      uint8
	words      []word
	octets     []bit
	bit        byte
	box[T any] struct {
		Item T
		Next *box[T]
	}
)

// key is a map key with a text of its own.
type key struct{ a, b byte }

func (k key) MarshalText() ([]byte, error) { return []byte{'a' + k.a%26, 'a' + k.b%26}, nil }

func (k *key) UnmarshalText(text []byte) error {
	if len(text) != 2 {
		return errors.New("no key")
	}
	k.a, k.b = text[0]-'a', text[1]-'a'
	return nil
}

// stamp has its JSON through pointer receivers only.
type stamp struct{ Seconds int64 }

func (s *stamp) MarshalJSON() ([]byte, error) { return time.Unix(s.Seconds%1e9, 0).UTC().MarshalJSON() }

func (s *stamp) UnmarshalJSON(data []byte) error {
	var t time.Time
	err := t.UnmarshalJSON(data)
	s.Seconds = t.Unix()
	return err
}

// NewHidden returns one with something that other packages cannot set.
func NewHidden(note string) Hidden { return Hidden{leaf: leaf{note: note}} }

// Note returns what no codec gets to see.
func (h *Hidden) Note() (note string, secret int) { return h.note, h.Literal.secret }
