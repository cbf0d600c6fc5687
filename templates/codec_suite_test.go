package templates_test

import (
	"bytes"
	"encoding/json"
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
// A payload is an object, and most files are not. So each file is read as a value of every place in a payload that takes
// any JSON. It is the last thing before the closing brace, so that what follows the value in a file still follows it. That
// alone would not do: a file such as 1,"x":2 would be well-formed there. So each file is read as it stands, too.
func TestJSONTestSuite(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../testdata/JSONTestSuite/test_parsing/*.json")
	if err != nil || len(files) < 300 {
		t.Fatalf("found %d files, error %v", len(files), err)
	}
	decoders := []struct {
		name   string
		before string // in the payload
		field  func(d *rows.Dynamic) any
	}{
		{"any", `{"thing":null,"raw":null,"number":1,"any":`, func(d *rows.Dynamic) any { return d.Any }},
		{"named any", `{"any":null,"raw":null,"number":1,"thing":`, func(d *rows.Dynamic) any { return d.Thing }},
		{"raw", `{"any":null,"thing":null,"number":1,"raw":`, func(d *rows.Dynamic) any { return decoded(d.Raw) }},
		{"unknown", `{"any":null,"thing":null,"number":1,"raw":null,"unknown":`, nil},
	}
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			want := json.Valid(text)
			if name[0] != 'i' && want != (name[0] == 'y') {
				t.Fatalf("encoding/json does not keep to the suite")
			}
			d := taskjson.NewDecoder(bytes.TrimLeft(text, " \t\r\n")) // which only objects expect before them
			var bare any
			d.Any(&bare)
			if err := d.Finish(); (err == nil) != want && !isTooLarge(err) {
				t.Errorf("as it stands: error is %v", err)
			} else if err == nil && !reflect.DeepEqual(bare, decoded(text)) {
				t.Errorf("as it stands: got %v", bare)
			}
			for _, decoder := range decoders {
				var payload rows.Dynamic
				err := rows.DecodeDynamic([]byte(decoder.before+string(text)+"}"), &payload)
				if (err == nil) != want && !isTooLarge(err) {
					t.Errorf("as %s: error is %.200v", decoder.name, err)
				} else if err == nil && decoder.field != nil && !reflect.DeepEqual(decoder.field(&payload), decoded(text)) {
					t.Errorf("as %s: got %v", decoder.name, decoder.field(&payload))
				}
			}
		})
	}
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
