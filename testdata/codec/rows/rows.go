// Package rows declares one payload for each family of field types that the codecs support.
package rows

import (
	"context"
	"encoding/json"
	"math/big"
	"net/netip"
	"sync"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/testdata/codec/ext"
)

// Scalars has every predeclared type, and named ones.
//
//cloudtask:task
type Scalars struct {
	Bool    bool    `json:"bool"`
	Int     int     `json:"int"`
	Int8    int8    `json:"int8"`
	Int16   int16   `json:"int16"`
	Int32   int32   `json:"int32"`
	Int64   int64   `json:"int64"`
	Uint    uint    `json:"uint"`
	Uint8   uint8   `json:"uint8"`
	Uint16  uint16  `json:"uint16"`
	Uint32  uint32  `json:"uint32"`
	Uint64  uint64  `json:"uint64"`
	Uintptr uintptr `json:"uintptr"`
	Float32 float32 `json:"float32"`
	Float64 float64 `json:"float64"`
	String  string  `json:"string"`
	Rune    rune
	Byte    byte
	Flag    Flag          `json:"flag"`
	Count   Count         `json:"count"`
	Ratio   Ratio         `json:"ratio"`
	Name    Name          `json:"name"`
	Wait    time.Duration `json:"wait"`
	Ключ    string        `json:"ключ"`
	Odd     string        `json:"a b/c$%-"`
}

// Named scalars.
type (
	Flag  bool
	Count uint16
	Ratio float32
	Name  string
)

// Lists has slices, arrays and bytes.
//
//cloudtask:task
type Lists struct {
	Strings  []string      `json:"strings"`
	Ints     []int         `json:"ints"`
	Grid     [][]float64   `json:"grid"`
	Fixed    [3]int        `json:"fixed"`
	Empty    [0]int        `json:"empty"`
	Hash     [4]byte       `json:"hash"`
	Matrix   [2][2]Name    `json:"matrix"`
	Bytes    []byte        `json:"bytes"`
	Blob     Blob          `json:"blob"`
	Octets   []Octet       `json:"octets"`
	Letters  []Letter      `json:"letters"`
	Tags     Tags          `json:"tags"`
	Tree     Tree          `json:"tree"`
	Pointers []*int        `json:"pointers"`
	Points   []Point       `json:"points"`
	Anys     []any         `json:"anys"`
	Moments  [2]time.Time  `json:"moments"`
	Parts    Parts         `json:"parts"`
	Levels   []ext.Level   `json:"levels"`
	Monies   []ext.Money   `json:"monies"`
	Purse    [2]ext.Money  `json:"purse"`
	Purses   []*[1][]uint8 `json:"purses"`
}

// Named lists and bytes.
type (
	Blob   []byte
	Octet  byte
	Letter byte
	Tags   []string
	Tree   []Tree
	Parts  [2]Point
)

// MarshalText makes a slice of letters an array of strings, and not base64.
func (l Letter) MarshalText() ([]byte, error) { return []byte{byte(l)}, nil }

// UnmarshalText sets the letter.
func (l *Letter) UnmarshalText(text []byte) error {
	if len(text) > 0 {
		*l = Letter(text[0])
	}
	return nil
}

// Point is a struct inside of others.
type Point struct {
	X int `json:"x"`
	Y int `json:"y,omitempty"`
}

// Maps has maps with every kind of key.
//
//cloudtask:task
type Maps struct {
	Strings map[string]string        `json:"strings"`
	Named   map[Name]int             `json:"named"`
	Ints    map[int]string           `json:"ints"`
	Small   map[int8]bool            `json:"small"`
	Uints   map[uint64]Point         `json:"uints"`
	Counts  map[Count]*Point         `json:"counts"`
	Levels  map[ext.Level]int        `json:"levels"`
	Times   map[time.Time]int        `json:"times"`
	Addrs   map[netip.Addr]string    `json:"addrs"`
	Nested  map[string]map[int][]int `json:"nested"`
	Attrs   Attrs                    `json:"attrs"`
	Dir     Dir                      `json:"dir"`
	Monies  map[string]ext.Money     `json:"monies"`
	Wallets map[string]Wallet        `json:"wallets"`
	Anys    map[string]any           `json:"anys"`
	Bytes   map[string][]byte        `json:"bytes"`
}

// Named maps.
type (
	Attrs map[string]Name
	Dir   map[string]Dir
)

// Wallet is encoded in two ways: encoding/json finds Money's methods only where it can take the address.
type Wallet struct {
	Money ext.Money    `json:"money"`
	Both  [2]ext.Money `json:"both"`
	Ref   *ext.Money   `json:"ref"`
}

// Pointers has pointers to everything.
//
//cloudtask:task
type Pointers struct {
	Bool    *bool            `json:"bool"`
	Int     *int             `json:"int"`
	Deep    ***int8          `json:"deep"`
	String  *string          `json:"string,omitempty"`
	Name    *Name            `json:"name"`
	Point   *Point           `json:"point,omitempty"`
	Points  *[]*Point        `json:"points"`
	Map     *map[string]*int `json:"map"`
	Bytes   *[]byte          `json:"bytes"`
	Time    *time.Time       `json:"time"`
	Any     *any             `json:"any"`
	Raw     *json.RawMessage `json:"raw"`
	Number  *json.Number     `json:"number"`
	Money   *ext.Money       `json:"money"`
	Level   **ext.Level      `json:"level"`
	Ref     Ref              `json:"ref"`
	Self    *Pointers        `json:"self,omitempty"`
	Array   *[2]int          `json:"array"`
	Address *netip.Addr      `json:"address"`
}

// Ref is a named pointer type.
type Ref *Point

// Structs has structs of this package, of others, recursive and generic ones.
//
//cloudtask:task
type Structs struct {
	Point    Point              `json:"point"`
	Customer ext.Customer       `json:"customer"`
	Anon     struct{ A, B int } `json:"anon"`
	Tagged   struct {
		Deep struct {
			X *int `json:"x"`
		} `json:"deep"`
		List []struct {
			Y string `json:"y,omitempty"`
		} `json:"list"`
	} `json:"tagged"`
	Node   Node                       `json:"node"`
	Page   ext.Page[Point]            `json:"page"`
	Pair   Pair[string, []Name]       `json:"pair"`
	Pairs  map[string]Pair[int, *int] `json:"pairs"`
	None   struct{}                   `json:"none"`
	Opaque Opaque                     `json:"opaque"`
	Alias  Alias                      `json:"alias"`
	Locked *Locked                    `json:"locked,omitempty"`
	Locks  map[string]Locked          `json:"locks,omitempty"`
	Arrays map[int][2]Locked          `json:"arrays,omitempty"`
	Lists  []Locked                   `json:"lists,omitempty"`
}

// Node is recursive through a pointer, a slice and a map.
type Node struct {
	Value int              `json:"value"`
	Next  *Node            `json:"next,omitempty"`
	Kids  []Node           `json:"kids,omitempty"`
	Named map[string]*Node `json:"named,omitempty"`
}

// Pair is generic.
type Pair[A comparable, B any] struct {
	A A `json:"first"`
	B B `json:"second"`
}

// Locked must not be copied, as go vet sees it; but what a map has can only be.
type Locked struct {
	mu    sync.Mutex
	Count int `json:"count"`
}

// Opaque has nothing that is encoded.
type Opaque struct {
	secret int    `json:"-"`
	Func   func() `json:"-"`
}

// Alias is a point.
type Alias = Point

// Embeds has embedded structs of every sort.
//
//cloudtask:task
type Embeds struct {
	Base
	*Extra
	private
	Tagged `json:"tagged"`
	ext.Customer
	Name2
	Any
	A
	B
	Own string `json:"own"`
	ID  string `json:"id"` // wins over Base.ID
}

// Base is embedded by value.
type Base struct {
	ID    int    `json:"id"`
	Kind  string `json:"kind"`
	Inner        // two levels down
}

// Inner is embedded in an embedded struct.
type Inner struct {
	Depth int    `json:"depth"`
	Kind  string `json:"kind"` // Base.Kind wins
}

// Extra is embedded by pointer.
type Extra struct {
	Note string `json:"note"`
	*More
	Last int `json:"last"`
}

// More is embedded by pointer in what is embedded by pointer.
type More struct {
	Much []int `json:"much"`
}

type private struct {
	Public string `json:"public"`
	hidden string
}

// Tagged has a name, and so is no embedded struct for JSON.
type Tagged struct {
	T bool `json:"t"`
}

// Name2 is embedded and no struct.
type Name2 string

// Any is an embedded interface.
type Any any

// A has a field that B has, too, but A's has its name from a tag.
type A struct {
	Same int `json:"Same"`
}

// B loses against A.
type B struct {
	Same string
}

// Options has every option of the json tag.
//
//cloudtask:task
type Options struct {
	Bool    bool             `json:"bool,omitempty"`
	Int     int              `json:"int,omitempty"`
	Float   float64          `json:"float,omitempty"`
	Float32 Ratio            `json:"float32,omitempty"`
	String  Name             `json:"string,omitempty"`
	Slice   []int            `json:"slice,omitempty"`
	Map     map[string]int   `json:"map,omitempty"`
	Array0  [0]int           `json:"array0,omitempty"`
	Array1  [1]int           `json:"array1,omitempty"`
	Ptr     *int             `json:"ptr,omitempty"`
	Any     any              `json:"any,omitempty"`
	Struct  Point            `json:"struct,omitempty"`
	Raw     json.RawMessage  `json:"raw,omitempty"`
	Time    time.Time        `json:"time,omitempty"`
	ZInt    int              `json:"zint,omitzero"`
	ZFloat  float32          `json:"zfloat,omitzero"`
	ZSlice  []int            `json:"zslice,omitzero"`
	ZMap    map[string]int   `json:"zmap,omitzero"`
	ZPtr    *int             `json:"zptr,omitzero"`
	ZAny    any              `json:"zany,omitzero"`
	ZStruct Point            `json:"zstruct,omitzero"`
	ZPair   Pair[int, []int] `json:"zpair,omitzero"`
	ZArray  [2]float64       `json:"zarray,omitzero"`
	ZArrays [2][]int         `json:"zarrays,omitzero"`
	ZTime   time.Time        `json:"ztime,omitzero"`
	ZTimeP  *time.Time       `json:"ztimep,omitzero"`
	ZWin    ext.Window       `json:"zwin,omitzero"`
	ZWinP   *ext.Window      `json:"zwinp,omitzero"`
	Both    []int            `json:"both,omitempty,omitzero"`
	BothT   time.Time        `json:"botht,omitempty,omitzero"`
	Dash    int              `json:"-,"`
	Skipped chan int         `json:"-"`
	Comma   int              `json:",omitempty"`
	unseen  int              `json:"-"`
}

// Quoted has the string option on everything that takes it.
//
//cloudtask:task
type Quoted struct {
	Bool    bool        `json:"bool,string"`
	Int     int         `json:"int,string"`
	Int8    int8        `json:"int8,string"`
	Uint    uint64      `json:"uint,string"`
	Float   float64     `json:"float,string"`
	Float32 float32     `json:"float32,string"`
	String  string      `json:"string,string"`
	Name    Name        `json:"name,string"`
	Flag    Flag        `json:"flag,string"`
	Number  json.Number `json:"number,string"`
	IntP    *int        `json:"intp,string"`
	StringP *string     `json:"stringp,string,omitempty"`
	Zero    int         `json:"zero,string,omitempty"`
}

// Dynamic has what takes any JSON.
//
//cloudtask:task
type Dynamic struct {
	Any    any             `json:"any"`
	Thing  Any             `json:"thing"`
	Raw    json.RawMessage `json:"raw"`
	Number json.Number     `json:"number"`
}

// Customs has types with methods for their JSON.
//
//cloudtask:task
type Customs struct {
	Time    time.Time  `json:"time"`
	Level   ext.Level  `json:"level"`
	Money   ext.Money  `json:"money"`
	Big     *big.Int   `json:"big"`
	Value   big.Int    `json:"value"`
	Addr    netip.Addr `json:"addr"`
	Stamp   Stamp      `json:"stamp"`
	OneWay  OneWay     `json:"oneway"`
	Back    Back       `json:"back"`
	Mixed   Mixed      `json:"mixed"`
	List    TextList   `json:"list"`
	Foreign Shape      `json:"shape"`
}

// Careless has types whose methods panic at some values.
//
//cloudtask:task
type Careless struct {
	Plugin  ext.Plugin           `json:"plugin"`
	Plugins []ext.Plugin         `json:"plugins"`
	Any     any                  `json:"any"`
	Grade   ext.Grade            `json:"grade"`
	Grades  map[ext.Grade]int    `json:"grades"`
	Labels  map[ext.Label]string `json:"labels"`
	Span    ext.Span             `json:"span,omitzero"`
	SpanP   *ext.Span            `json:"spanp,omitzero"`
	Nested  map[string]*Careless `json:"nested,omitempty"`
}

// Greedy has types whose methods append to what they are given, which with encoding/json is followed by the rest of the payload.
//
//cloudtask:task
type Greedy struct {
	Tail  ext.Tail             `json:"tail"`
	Tip   ext.Tip              `json:"tip"`
	Tips  map[ext.Tip]ext.Tail `json:"tips"`
	After string               `json:"after"`
}

// Declared has declared pointer types, which have no methods themselves. encoding/json calls those of what they point to when it
// encodes, and not when it decodes.
//
//cloudtask:task
type Declared struct {
	Moment Moment `json:"moment"`
	Purse  Purse  `json:"purse"`
	Level  Level  `json:"level"`
}

// Declared pointers to types with methods.
type (
	Moment *time.Time
	Purse  *ext.Money
	Level  *ext.Level
)

// Stamp embeds a time, and so has its methods.
type Stamp struct {
	time.Time
	Ignored int `json:"-"`
}

// OneWay only has a method to encode.
type OneWay struct {
	A int `json:"a"`
}

// MarshalJSON returns the struct in its usual form.
func (o OneWay) MarshalJSON() ([]byte, error) {
	type plain OneWay
	return json.Marshal(plain(o))
}

// Back only has a method to decode.
type Back struct {
	A int `json:"a"`
}

// UnmarshalJSON reads the struct in its usual form.
func (b *Back) UnmarshalJSON(data []byte) error {
	type plain Back
	return json.Unmarshal(data, (*plain)(b))
}

// Mixed is text when it is encoded by value, JSON by its address.
type Mixed int

// MarshalText returns a letter.
func (m Mixed) MarshalText() ([]byte, error) { return []byte("m"), nil }

// MarshalJSON returns a number.
func (m *Mixed) MarshalJSON() ([]byte, error) { return json.Marshal(int(*m)) }

// TextList is a slice with text methods.
type TextList []string

// MarshalText joins the list.
func (l TextList) MarshalText() ([]byte, error) {
	text := ""
	for _, s := range l {
		text += s + ";"
	}
	return []byte(text), nil
}

// UnmarshalText makes a list of one.
func (l *TextList) UnmarshalText(text []byte) error {
	*l = TextList{string(text)}
	return nil
}

// Shape has methods with the right names and the wrong signatures.
type Shape struct {
	Sides int `json:"sides"`
}

// MarshalText is not what encoding/json looks for.
func (s Shape) MarshalText() string { return "shape" }

// IsZero is not what encoding/json looks for.
func (s Shape) IsZero(int) bool { return true }

// Defaults has a default on everything that takes one.
//
//cloudtask:task
type Defaults struct {
	String string         `json:"string" default:"a \"b\" <c>"`
	Empty  string         `json:"empty" default:""`
	Name   Name           `json:"name" default:"anon"`
	Bool   bool           `json:"bool" default:"true"`
	Int    int            `json:"int" default:"-7"`
	Count  Count          `json:"count" default:"12"`
	Float  float64        `json:"float" default:"1.5e3"`
	Wait   time.Duration  `json:"wait" default:"30000000000"`
	IntP   *int64         `json:"intp" default:"5"`
	NameP  **Name         `json:"namep" default:"deep"`
	Time   time.Time      `json:"time" default:"2024-05-06T07:08:09Z"`
	TimeP  *time.Time     `json:"timep" default:"2024-05-06T07:08:09+02:00"`
	List   []int          `json:"list" default:"[1, 2]"`
	Map    map[string]int `json:"map" default:"{\"a\": 1}"`
	Point  Point          `json:"point" default:"{\"x\": 3}"`
	PointP *Point         `json:"pointp,omitempty" default:"{\"x\": 4}"`
	Any    any            `json:"any" default:"{\"k\": [1]}"`
	Bytes  []byte         `json:"bytes" default:"\"aGk=\""`
	Quoted int            `json:"quoted,string" default:"9"`
	Number json.Number    `json:"number" default:"1.50"`
	Array  [2]int         `json:"array" default:"[8]"`
	Level  Name           `json:"level,omitempty" default:"low"`
	*Extra2
}

// Extra2 has a default behind an embedded pointer.
type Extra2 struct {
	Behind int `json:"behind" default:"1"`
}

// Order is the payload whose errors the tests look at.
//
//cloudtask:task
type Order struct {
	ID      int64             `json:"id"`
	Items   []Item            `json:"items"`
	Attrs   map[string]string `json:"attrs,omitempty"`
	Stock   map[string]Item   `json:"stock,omitempty"`
	Meta    any               `json:"meta,omitempty"`
	Parent  *Order            `json:"parent,omitempty"`
	Prices  [2]float64        `json:"prices,omitempty"`
	Paid    time.Time         `json:"paid,omitzero"`
	Raw     json.RawMessage   `json:"raw,omitempty"`
	Level   ext.Level         `json:"level,omitempty"`
	Numbers map[int]float64   `json:"numbers,omitempty"`
	Odd     *Item             `json:"odd name,omitempty"`
}

// Item is part of an order.
type Item struct {
	SKU      string `json:"sku"`
	Quantity int8   `json:"quantity"`
}

// Hiddens has types that this package cannot name, and types that only aliases can.
//
//cloudtask:task
//cloudtask:unique Leaf,Boxes
type Hiddens struct {
	ext.Hidden
	More   []*ext.Hidden                `json:"more,omitempty"`
	Execs  map[string][]ext.Exec        `json:"execs"`
	Exec   *ext.Exec                    `json:"exec"`
	Boxed  ext.Box[ext.Exec]            `json:"boxed"`
	Nested ext.Box[map[string]ext.Exec] `json:"nested"`
}

// Run returns what cannot be named either.
func (Hiddens) Run(context.Context) (map[string]ext.Hidden, error) { return nil, nil }
