package taskjson_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/taskjson"
)

var texts = []string{
	`null`, ` true `, `[1,-0.5e+3,"a\u00e9\ud83d\ude00\n"]`, `{"a":{"b":[]},"a":{}}`, `"\ud800"`, "\"\xff\xc3\"", `[1,]`, `{"a"}`, `01`, `1.`,
	`{"a":1 }`, `{"a":1 ,"b":2}`, `{"a":1, "b":2}`, `{"a" :1}`, `{"a": 1}`, "{\n\"a\":1}", `{ }`, `[1 ]`, `[1 ,2]`, `[1, 2]`, `[ 1]`, `[ ]`,
	"{\"a\":\t1}", "{\"a\":1\v}", "{\"a\":\v1}", "{\v\"a\":1}", "[1,\v2]", `{"a":1}}`, `{"a":1,}`, `{,"a":1}`, `{"a":1"b":2}`,
	`"`, `"\`, `"\u12`, `[[[[[[`, `}`, "\x00", `{"a":1`, ``, "\ufeff1", `-`, `1e`, "\"\x1f\"", `tru`, `nulll`, `[1 2]`, "[\v1]",
}

func FuzzSkip(f *testing.F) {
	for _, text := range texts {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkReaders(t, data) })
}

func TestReaders(t *testing.T) {
	t.Parallel()
	for _, text := range texts {
		checkReaders(t, []byte(text))
	}
}

// checkReaders reads data in every way that takes all of JSON, and compares with encoding/json.
func checkReaders(t *testing.T, data []byte) {
	t.Helper()
	valid := json.Valid(data)
	d := newDecoder(data)
	d.Skip()
	checkError(t, "Skip", data, d.Finish(), valid)

	d = newDecoder(data)
	raw := json.RawMessage("old")
	d.RawMessage(&raw)
	err := d.Finish()
	checkError(t, "RawMessage", data, err, valid)
	if err == nil && string(raw) != strings.Trim(string(data), " \t\r\n") {
		t.Errorf("%q is read as %q", data, raw)
	}

	var want, got any
	wantErr := json.Unmarshal(data, &want)
	d = newDecoder(data)
	d.Any(&got)
	err = d.Finish()
	checkError(t, "Any", data, err, wantErr == nil)
	if err == nil && !reflect.DeepEqual(want, got) {
		t.Errorf("%q is read as %#v, want %#v", data, got, want)
	}

	var compact bytes.Buffer
	compactErr := json.Compact(&compact, data)
	e := taskjson.NewEncoder(nil)
	e.RawMessage((*json.RawMessage)(&data))
	b, err := e.Finish("payload")
	if data == nil {
		compact.WriteString("null")
	} else if (err != nil) != (compactErr != nil) {
		t.Errorf("appending %q as it stands: error is %v, want %v", data, err, compactErr)
	}
	if err == nil && compact.String() != string(b) {
		t.Errorf("%q is appended as %s, want %s", data, b, compact.Bytes())
	}
}

// newDecoder returns a decoder of any value. Generated code reads an object first, which is why only that expects white
// space before it.
func newDecoder(data []byte) *taskjson.Decoder {
	return taskjson.NewDecoder(bytes.TrimLeft(data, " \t\r\n"))
}

func checkError(t *testing.T, method string, data []byte, err error, valid bool) {
	t.Helper()
	if (err == nil) != valid {
		t.Errorf("%s of %q: error is %v, well-formed %v", method, data, err, valid)
	}
	var e *taskjson.Error
	if errors.As(err, &e) && (e.Offset < 0 || e.Offset > len(data) || !strings.HasPrefix(e.Path, "payload")) {
		t.Errorf("%s of %q: error is %#v", method, data, e)
	}
}
