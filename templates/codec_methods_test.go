package templates_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/taskjson"
	"github.com/cloudtaskgen/cloudtaskgen/testdata/codec/ext"
	"github.com/cloudtaskgen/cloudtaskgen/testdata/codec/rows"
)

// careless is a payload whose methods do not panic, with the member given in front.
func careless(member string) string {
	return `{` + member + `,"plugin":"t/1","plugins":[],"grade":"A","grades":null,"labels":null,"any":null}`
}

// TestDecodePanics checks that a panic in a method of a type is an error of the value that it was called for. In data, ^ stands
// where the offset has to be.
func TestDecodePanics(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, data, want, method string }{
		{"UnmarshalJSON", `{"plugin":^"t"}`, `payload.plugin: UnmarshalJSON: panic: runtime error: index out of range [1] with length 1`, "(*Plugin).UnmarshalJSON"},
		{"UnmarshalJSON of null", `{"plugin": ^null}`, `payload.plugin: UnmarshalJSON: panic: runtime error: index out of range [1] with length 1`, "(*Plugin).UnmarshalJSON"},
		{"UnmarshalJSON in a list", `{"plugins":["t/1",^"t"]}`, `payload.plugins[1]: UnmarshalJSON: panic: runtime error: index out of range [1] with length 1`, "(*Plugin).UnmarshalJSON"},
		{"UnmarshalText", careless(`"nested":{"a":{"grade":^"X"}}`), `payload.nested["a"].grade: UnmarshalText: panic: no grade`, "(*Grade).UnmarshalText"},
		{"UnmarshalText of a key", `{"grades":{"A":1,"X":^2}}`, `payload.grades["X"]: key: panic: no grade`, "(*Grade).UnmarshalText"},
		{"key that cannot be hashed", `{"labels":{"a":"","list":""^}}`, `payload.labels: key: panic: runtime error: hash of unhashable type []string`, "PutText"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			before, after, _ := strings.Cut(test.data, "^")
			err := rows.DecodeCareless([]byte(before+after), new(rows.Careless))
			if want := fmt.Sprintf("%s, offset %d", test.want, len(before)); err == nil || err.Error() != want {
				t.Errorf("error is\n%v, want\n%s", err, want)
			}
			checkStack(t, err, test.method)
		})
	}
}

func TestAppendPanics(t *testing.T) {
	t.Parallel()
	good := ext.Plugin{Version: "1"}
	tests := []struct {
		name         string
		payload      rows.Careless
		want, method string
	}{
		{"MarshalJSON", rows.Careless{}, `payload.plugin: MarshalJSON of *ext.Plugin: panic: runtime error: slice bounds out of range [:1] with length 0`, "Plugin.MarshalJSON"},
		{"MarshalJSON in any", rows.Careless{Plugin: good, Any: []any{1.0, ext.Plugin{}}}, `payload.any[1]: ext.Plugin: panic: runtime error: slice bounds out of range [:1] with length 0`, "Plugin.MarshalJSON"},
		{"MarshalText", rows.Careless{Plugin: good, Nested: map[string]*rows.Careless{"a": {Plugin: good, Grade: 6}}}, `payload.nested["a"].grade: MarshalText of *ext.Grade: panic: runtime error: index out of range [6] with length 6`, "Grade.MarshalText"},
		{"MarshalText of a key", rows.Careless{Plugin: good, Grades: map[ext.Grade]int{6: 1}}, `payload.grades: MarshalText of key of type ext.Grade: panic: runtime error: index out of range [6] with length 6`, "Grade.MarshalText"},
		{"IsZero", rows.Careless{Plugin: good, Span: ext.Span{From: 1}}, `payload.span: IsZero of *ext.Span: panic: span is not in order`, "(*Span).IsZero"},
		{"IsZero behind a pointer", rows.Careless{Plugin: good, SpanP: &ext.Span{From: 1}}, `payload.spanp: IsZero of *ext.Span: panic: span is not in order`, "(*Span).IsZero"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dst, err := rows.AppendCareless([]byte("old"), &test.payload)
			if string(dst) != "old" || err == nil || err.Error() != test.want {
				t.Errorf("dst is %q, error\n%v, want\n%s", dst, err, test.want)
			}
			checkStack(t, err, test.method)
		})
	}
}

// checkStack checks that an error has the stack of the panic that method was in.
func checkStack(t *testing.T, err error, method string) {
	t.Helper()
	var p *taskjson.PanicError
	if !errors.As(err, &p) || !strings.Contains(string(p.Stack), method) {
		t.Errorf("%#v has no stack with %s", err, method)
	}
}

// An exit ends the goroutine that calls its methods.
type exit struct{}

func (exit) MarshalJSON() ([]byte, error) { runtime.Goexit(); return nil, nil }
func (exit) UnmarshalJSON([]byte) error   { runtime.Goexit(); return nil }

// TestGoexit checks that a method which ends its goroutine still does.
func TestGoexit(t *testing.T) {
	t.Parallel()
	for name, codec := range map[string]func(){
		"decode": func() { taskjson.NewDecoder([]byte("1")).Unmarshaler(exit{}) },
		"append": func() { taskjson.NewEncoder(nil).Marshaler(exit{}) },
	} {
		returned, done := false, make(chan struct{})
		go func() {
			defer close(done)
			codec()
			returned = true
		}()
		if <-done; returned {
			t.Errorf("%s returned", name)
		}
	}
}

// A rude error panics when it is asked what it says.
type rude struct{ text *string }

func (r rude) UnmarshalJSON([]byte) error { return r }
func (r rude) Error() string              { return *r.text }

func TestErrorThatPanics(t *testing.T) {
	t.Parallel()
	d := taskjson.NewDecoder([]byte("1"))
	d.Unmarshaler(rude{})
	if got, want := d.Finish().Error(), "payload: UnmarshalJSON: %!v(PANIC=Error method: runtime error: invalid memory address or nil pointer dereference), offset 0"; got != want {
		t.Errorf("error is\n%s, want\n%s", got, want)
	}
}

// TestGreedy decodes with methods that append to what they are given, which must not reach what follows it.
func TestGreedy(t *testing.T) {
	t.Parallel()
	var got rows.Greedy
	if err := rows.DecodeGreedy([]byte(`{"tail":"a","tip":"b","tips":{"c":"d","e":"f"},"after":"g"}`), &got); err != nil {
		t.Fatal(err)
	}
	want := rows.Greedy{Tail: `a"#####`, Tip: "b#####", Tips: map[ext.Tip]ext.Tail{"c#####": `d"#####`, "e#####": `f"#####`}, After: "g"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestDeclaredPointers checks that declared pointers to types with methods are read as they are written. encoding/json reads
// none of what it writes for them.
func TestDeclaredPointers(t *testing.T) {
	t.Parallel()
	at, level := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC), ext.Level(3)
	want := rows.Declared{Moment: &at, Purse: &ext.Money{Cents: 5}, Level: &level}
	data := rowOf("declared", rows.AppendDeclared, rows.DecodeDeclared).compareAppend(t, &want)
	var got rows.Declared
	if err := rows.DecodeDeclared(data, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := json.Unmarshal(data, new(rows.Declared)); err == nil {
		t.Error("encoding/json decodes it, too: docs/json.md says that it does not")
	}
}

// TestQuotedNull checks that a null in quotes counts as one: missing where a field is required, and no value beside a default.
func TestQuotedNull(t *testing.T) {
	t.Parallel()
	for _, null := range []string{"null", `"null"`, `"n\u0075ll"`} {
		for _, field := range []string{"bool", "int", "int8", "uint", "float", "float32", "string", "name", "flag", "number"} {
			err := rows.DecodeQuoted(fmt.Appendf(nil, `{%q:%s}`, field, null), new(rows.Quoted))
			if want := fmt.Sprintf("payload.%s: required field is missing: it is null, offset %d", field, len(field)+4); err == nil || err.Error() != want {
				t.Errorf("error is %v, want %s", err, want)
			}
		}
		var defaults rows.Defaults
		if err := rows.DecodeDefaults([]byte(`{"quoted":`+null+`}`), &defaults); err != nil || defaults.Quoted != 9 {
			t.Errorf("%s became %d, error %v, want the default 9", null, defaults.Quoted, err)
		}
	}
}

// A unit has methods that take no time and no memory.
type unit struct{}

var unitJSON = []byte(`{"unit":true}`)

func (*unit) MarshalJSON() ([]byte, error) { return unitJSON, nil }
func (*unit) UnmarshalJSON([]byte) error   { return nil }
func (*unit) MarshalText() ([]byte, error) { return unitJSON, nil }
func (*unit) UnmarshalText([]byte) error   { return nil }
func (*unit) IsZero() bool                 { return true }

// methodCalls call each kind of method once, through a codec.
func methodCalls() map[string]func() error {
	var u unit
	object, text := []byte(`{"unit":true}`), []byte(`"text"`)
	buf := make([]byte, 0, 64)
	encode := func(call func(e *taskjson.Encoder)) func() error {
		return func() error {
			e := taskjson.NewEncoder(buf)
			call(e)
			_, err := e.Finish("payload")
			return err
		}
	}
	decode := func(data []byte, call func(d *taskjson.Decoder)) func() error {
		return func() error {
			d := taskjson.NewDecoder(data)
			call(d)
			return d.Finish()
		}
	}
	return map[string]func() error{
		"MarshalJSON":   encode(func(e *taskjson.Encoder) { e.Marshaler(&u) }),
		"MarshalText":   encode(func(e *taskjson.Encoder) { e.TextMarshaler(&u) }),
		"IsZero":        encode(func(e *taskjson.Encoder) { e.NotZero(`"unit":`, &u); e.Int(new(int)) }),
		"UnmarshalJSON": decode(object, func(d *taskjson.Decoder) { d.Unmarshaler(&u) }),
		"UnmarshalText": decode(text, func(d *taskjson.Decoder) { d.TextUnmarshaler(&u) }),
	}
}

// TestMethodAllocations checks that nothing is allocated for errors that do not happen.
func TestMethodAllocations(t *testing.T) {
	for name, call := range methodCalls() {
		if n := testing.AllocsPerRun(100, func() {
			if err := call(); err != nil {
				t.Fatal(err)
			}
		}); n > 1 { // the encoder or decoder
			t.Errorf("%s: allocates %v times", name, n)
		}
	}
}

func BenchmarkMethods(b *testing.B) {
	for name, call := range methodCalls() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := call(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
