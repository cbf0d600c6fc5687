package templates_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/taskjson"
	"github.com/cloudtaskgen/cloudtaskgen/testdata/codec/rows"
)

// TestJSONTestSuite reads every file of JSONTestSuite: y_ has to be accepted, n_ refused, and i_, which RFC 8259 leaves
// open, judged as encoding/json judges it.
//
// A payload is an object, and most files are not. So each file is read as it stands, in every way that takes any JSON, and
// as the value of every kind of place in a payload that does. There it is the last thing before the closing brackets, so
// that what follows the value in a file still follows it. Where only an object may stand, other files are refused for that.
func TestJSONTestSuite(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../testdata/JSONTestSuite/test_parsing/*.json")
	if err != nil || len(files) < 300 {
		t.Fatalf("found %d files, error %v", len(files), err)
	}
	objects := func(text []byte) bool { return text[0] == '{' }
	places := []suitePlace{
		{name: "any", row: "dynamic", member: "any", field: func(p any) any { return p.(*rows.Dynamic).Any }},
		{name: "named any", row: "dynamic", member: "thing", field: func(p any) any { return p.(*rows.Dynamic).Thing }},
		{name: "raw JSON", row: "dynamic", member: "raw", field: func(p any) any { return decoded(p.(*rows.Dynamic).Raw) }},
		{name: "an unknown field", row: "dynamic", member: "unknown"},
		{name: "an element", row: "lists", member: "anys", before: "[1,", after: "]", field: func(p any) any { return p.(*rows.Lists).Anys[1] }},
		{name: "an entry", row: "maps", member: "anys", before: `{"k":`, after: "}", field: func(p any) any { return p.(*rows.Maps).Anys["k"] }},
		{name: "an unknown field of a nested struct", row: "structs", member: "none", before: `{"k":`, after: "}"},
		{name: "behind a pointer", row: "pointers", member: "raw", field: func(p any) any { return decodedPointer(p.(*rows.Pointers).Raw) }},
		{name: "a nested struct", row: "structs", member: "none", takes: objects},
		{name: "the payload", row: "defaults", takes: objects},
	}
	for i := range places {
		places[i].prepare(t)
	}
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			valid := json.Valid(text)
			if name[0] != 'i' && valid != (name[0] == 'y') {
				t.Fatalf("encoding/json does not keep to the suite")
			}
			checkReaders(t, text)
			for _, place := range places {
				place.check(t, text, valid)
			}
		})
	}
}

// checkReaders reads text as it stands in every way that takes all of JSON.
func checkReaders(t *testing.T, text []byte) {
	t.Helper()
	valid := json.Valid(text)
	newDecoder := func() *taskjson.Decoder {
		return taskjson.NewDecoder(bytes.TrimLeft(text, " \t\r\n")) // which only objects expect before them
	}
	d := newDecoder()
	var bare any
	d.Any(&bare)
	if err := d.Finish(); (err == nil) != valid && !isTooLarge(err) {
		t.Errorf("as it stands: error is %v", err)
	} else if err == nil && !reflect.DeepEqual(bare, decoded(text)) {
		t.Errorf("as it stands: got %v", bare)
	}
	d = newDecoder()
	d.Skip()
	if err := d.Finish(); (err == nil) != valid {
		t.Errorf("skipped: error is %v", err)
	}
}

// A suitePlace is a place in a payload at which a file of the suite is read.
type suitePlace struct {
	name, row     string
	member        string // of the payload; "" for the payload itself
	before, after string // inside of the member
	takes         func(text []byte) bool
	field         func(payload any) any // what the file was decoded into

	prefix string // of the payload, with every other member
}

// prepare sets the prefix.
func (p *suitePlace) prepare(t *testing.T) {
	t.Helper()
	if p.member == "" {
		return
	}
	r := rowNamed(p.row)
	data, err := r.append(nil, r.new())
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		t.Fatal(err)
	}
	if members[p.member] == nil && p.member != "unknown" {
		t.Fatalf("%s has no %s", p.row, p.member)
	}
	delete(members, p.member)
	data, err = json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	p.prefix = fmt.Sprintf("%s,%q:", data[:len(data)-1], p.member)
	p.after += "}"
	payload := r.new()
	if err := r.decode([]byte(p.prefix+p.before+"{}"+p.after), payload); err != nil {
		t.Fatalf("as %s: %v", p.name, err)
	}
}

func (p *suitePlace) check(t *testing.T, text []byte, valid bool) {
	t.Helper()
	r := rowNamed(p.row)
	payload := r.new()
	err := r.decode([]byte(p.prefix+p.before+string(text)+p.after), payload)
	want := valid && (p.takes == nil || p.takes(bytes.TrimLeft(text, " \t\r\n")))
	if (err == nil) != want && !isTooLarge(err) {
		t.Errorf("as %s: error is %.200v", p.name, err)
	} else if err == nil && p.field != nil && !reflect.DeepEqual(p.field(payload), decoded(text)) {
		t.Errorf("as %s: got %v", p.name, p.field(payload))
	}
}

func decodedPointer(raw *json.RawMessage) any {
	if raw == nil {
		return nil
	}
	return decoded(*raw)
}

// decoded is what encoding/json decodes from text.
func decoded(text []byte) any {
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return nil
	}
	return v
}

// isTooLarge reports whether a well-formed number was refused for what it would be as a float64. encoding/json refuses
// it, too, only that json.Valid does not look.
func isTooLarge(err error) bool {
	return err != nil && strings.Contains(err.Error(), "is out of range of float64")
}
