package trial_test

import (
	"encoding/json"
	"errors"
	"math/big"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/gen/lock/trial"
)

// everything is a payload with every kind of field. The codec here is encoding/json's.
type everything struct {
	Bool    bool
	I8      int8
	I       int
	U16     uint16
	U       uint64
	F32     float32
	F       float64
	Text    string
	Bytes   []byte
	Octets  []octet
	Time    time.Time
	Number  json.Number
	Raw     json.RawMessage
	Any     any
	Pointer **int8
	List    []string
	Array   [2]int8
	Map     map[int8]bool
	Byte    map[string]*node
	Node    node
	Addr    netip.Addr
	Big     *big.Int
	Color   color
	Left    map[string]hopeless `json:",omitempty"`
	Skipped chan int            `json:"-"`
	promoted
}

type octet uint8

type promoted struct{ Promoted int8 }

type node struct {
	Value int8
	Next  *node  `json:",omitempty"`
	Nodes []node `json:",omitempty"`
}

// color takes one of its constants only, and no zero value.
type color string

func (c color) MarshalText() ([]byte, error) { return []byte(c), nil }

func (c *color) UnmarshalText(text []byte) error {
	if string(text) != "red" {
		return errors.New("no color")
	}
	*c = color(text)
	return nil
}

// hopeless takes nothing.
type hopeless struct{}

func (*hopeless) UnmarshalJSON([]byte) error { return errors.New("never") }

func encode[T any](dst []byte, v *T) ([]byte, error) {
	text, err := json.Marshal(v)
	return append(dst, text...), err
}

func decode[T any](data []byte, v *T) error { return json.Unmarshal(data, v) }

// What payloads are made of is part of the lock's format.
func TestSamples(t *testing.T) {
	constants := trial.Constants{"trial_test.color": "red"}
	out := trial.Try(7, constants, encode[everything], decode[everything])
	const full = `{"Bool":true,"I8":-128,"I":-9223372036854775808,"U16":65535,"U":18446744073709551615,"F32":-3.4028235e+38,` +
		`"F":-1.7976931348623157e+308,"Text":"a text","Bytes":"++//","Octets":"++//","Time":"2006-01-02T15:04:05.999999999Z",` +
		`"Number":-12345678901234567890.5,"Raw":{"key":[-1.5,"a text",true,null]},"Any":{"key":[-1.5,"a text",true,null]},` +
		`"Pointer":-128,"List":["a text"],"Array":[-128,-128],"Map":{"-128":true},` +
		`"Byte":{"a text":{"Value":-128,"Next":{"Value":-128},"Nodes":[{"Value":-128}]}},` +
		`"Node":{"Value":-128,"Next":{"Value":-128},"Nodes":[{"Value":-128}]},"Addr":"","Big":0,"Color":"red","Promoted":-128}`
	const minimal = `{"Bool":false,"I8":0,"I":0,"U16":0,"U":0,"F32":0,"F":0,"Text":"","Bytes":null,"Octets":null,"Time":"0001-01-01T00:00:00Z",` +
		`"Number":0,"Raw":null,"Any":null,"Pointer":null,"List":null,"Array":[0,0],"Map":null,"Byte":null,"Node":{"Value":0},"Addr":"","Big":null,` +
		`"Color":"red","Promoted":0}`
	if diff := cmp.Diff(trial.Outcome{ID: 7, Samples: []string{full, minimal}, Rewritten: map[int]string{}}, out); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestEarlier(t *testing.T) {
	type task struct {
		Value int8
		Color color
	}
	payloads := []string{`{"Value":1,"Color":"red"}`, `{"Value":200,"Color":"red"}`, `{"Color":"red","Value":1}`, `{"Value":1,"Color":"green"}`}
	out := trial.Try(0, nil, encode[task], decode[task], payloads...)
	want := trial.Outcome{
		Rewritten: map[int]string{2: payloads[0]},
		Failures: []trial.Failure{
			{Index: 1, Error: "json: cannot unmarshal number 200 into Go struct field task.Value of type int8"},
			{Index: 3, Error: "no color"},
		},
		Notes: []string{
			"no full payload of it can be made: it does not read what it writes: no color",
			"no minimal payload of it can be made: it does not read what it writes: no color",
		},
	}
	if diff := cmp.Diff(want, out); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestReport(t *testing.T) {
	var b strings.Builder
	b.WriteString("the program's own output")
	trial.Report(&b, trial.Outcome{ID: 3, Samples: []string{"{}"}})
	if want := "the program's own output\n" + trial.Marker + `[{"ID":3,"Samples":["{}"]}]` + "\n"; b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
}
