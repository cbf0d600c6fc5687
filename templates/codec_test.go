package templates_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/taskjson"
	"github.com/cloudtaskgen/cloudtaskgen/testdata/codec/rows"
)

// A row is a payload of testdata/codec with its generated codec.
type row struct {
	name   string
	new    func() any // a pointer to a zero payload
	append func(dst []byte, payload any) ([]byte, error)
	decode func(data []byte, payload any) error
	known  func() map[string][]string     // JSON names of fields by their folded form
	adjust func(data []byte, payload any) // gives what encoding/json decoded the defaults that it does not know; or nil
}

func rowOf[T any](name string, appendT func([]byte, *T) ([]byte, error), decodeT func([]byte, *T) error) row {
	return row{
		name:   name,
		new:    func() any { return new(T) },
		append: func(dst []byte, payload any) ([]byte, error) { return appendT(dst, payload.(*T)) },
		decode: func(data []byte, payload any) error { return decodeT(data, payload.(*T)) },
		known: sync.OnceValue(func() map[string][]string {
			names := make(map[string][]string)
			fieldNames(reflect.TypeFor[T](), make(map[reflect.Type]bool), names)
			return names
		}),
	}
}

// codecRows are the payloads that encoding/json is compared with.
var codecRows = []row{
	rowOf("scalars", rows.AppendScalars, rows.DecodeScalars),
	rowOf("lists", rows.AppendLists, rows.DecodeLists),
	rowOf("maps", rows.AppendMaps, rows.DecodeMaps),
	rowOf("pointers", rows.AppendPointers, rows.DecodePointers),
	rowOf("structs", rows.AppendStructs, rows.DecodeStructs),
	rowOf("embeds", rows.AppendEmbeds, rows.DecodeEmbeds),
	rowOf("options", rows.AppendOptions, rows.DecodeOptions),
	rowOf("quoted", rows.AppendQuoted, rows.DecodeQuoted),
	rowOf("dynamic", rows.AppendDynamic, rows.DecodeDynamic),
	rowOf("customs", rows.AppendCustoms, rows.DecodeCustoms),
	rowOf("hiddens", rows.AppendHiddens, rows.DecodeHiddens),
	rowOf("careless", rows.AppendCareless, rows.DecodeCareless),
	rowOf("order", rows.AppendOrder, rows.DecodeOrder),
	rowOf("defaults", rows.AppendDefaults, rows.DecodeDefaults).withDefaults(),
}

func rowNamed(name string) row {
	for _, r := range codecRows {
		if r.name == name {
			return r
		}
	}
	panic("no row " + name)
}

// marshal is what the codecs have to equal: encoding/json with HTML escaping off, given a pointer. A panic of a type's own
// method, which encoding/json leaves to its caller, is an error.
func marshal(v any) (_ []byte, err error) {
	defer panicAsError(&err)
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err = enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// unmarshal is what the codecs have to equal where they are not stricter.
func unmarshal(data []byte, v any) (err error) {
	defer panicAsError(&err)
	return json.Unmarshal(data, v)
}

func panicAsError(err *error) {
	if v := recover(); v != nil {
		*err = fmt.Errorf("panic: %v", v)
	}
}

// compareAppend checks that the codec encodes payload as encoding/json does, and returns the JSON; nil when neither can.
func (r row) compareAppend(t *testing.T, payload any) []byte {
	t.Helper()
	want, wantErr := marshal(payload)
	const before = "before"
	got, err := r.append([]byte(before), payload)
	if !bytes.HasPrefix(got, []byte(before)) {
		t.Fatalf("dst is %q, its old content is gone", got)
	}
	got = got[len(before):]
	if (err != nil) != (wantErr != nil) {
		t.Fatalf("error is %v, that of encoding/json %v", err, wantErr)
	}
	if err != nil {
		var e *taskjson.Error
		if !errors.As(err, &e) || !strings.HasPrefix(e.Path, "payload") || len(got) > 0 {
			t.Fatalf("error is %#v and appended %q", err, got)
		}
		return nil
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Fatalf("JSON differs from encoding/json's (-want +got):\n%s", diff)
	}
	return got
}

// compareDecode checks that the codec decodes data as encoding/json does, but for what it is strict about.
func (r row) compareDecode(t *testing.T, data []byte) {
	t.Helper()
	if r.foldsToKnown(data) {
		return // encoding/json takes names in any case
	}
	want, got := r.new(), r.new()
	scramble(got)
	wantErr := unmarshal(data, want)
	input := bytes.Clone(data)
	err := r.decode(input, got)
	clear(input) // which nothing that was decoded may refer to
	if r.adjust != nil && wantErr == nil {
		r.adjust(data, want)
	}
	switch {
	case err == nil && wantErr != nil:
		t.Fatalf("decodes %s, encoding/json does not: %v", data, wantErr)
	case err != nil && wantErr == nil && !isStrict(err):
		t.Fatalf("does not decode %s, encoding/json does: %v", data, err)
	case err == nil:
		if !reflect.DeepEqual(want, got) {
			t.Fatalf("%s decodes into\n%#v, with encoding/json into\n%#v\n%s", data, got, want, mustMarshal(got))
		}
	}
	if err != nil {
		var e *taskjson.Error
		if !errors.As(err, &e) || !strings.HasPrefix(e.Path, "payload") || e.Offset < 0 || e.Offset > len(data) {
			t.Fatalf("error is %#v", err)
		}
	}
}

// compareRewritten checks that the codec is not stricter about JSON for how it is written. Only a type's own method may be, as it is
// with encoding/json.
func (r row) compareRewritten(t *testing.T, data []byte, rng *rand.Rand) {
	t.Helper()
	rewritten := rewrite(data, rng)
	err, again := r.decode(data, r.new()), r.decode(rewritten, r.new())
	if err == nil && again != nil && unmarshal(rewritten, r.new()) == nil {
		t.Fatalf("decodes %s, but not %s: %v", data, rewritten, again)
	}
	r.compareDecode(t, rewritten)
	r.compareDecode(t, mutate(rewritten, rng))
}

func mustMarshal(v any) string {
	b, err := marshal(v)
	return string(b) + errorText(err)
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// isStrict reports whether an error is one that only the codecs make.
func isStrict(err error) bool {
	var e *taskjson.Error
	if !errors.As(err, &e) {
		return false
	}
	for _, text := range []string{
		"required field is missing",
		"field is given twice",
		// encoding/json takes whatever follows a digit for a json.Number in quotes, and \' in a string in quotes.
		"expected a number in a string",
		"expected a string in quotes in a string",
	} {
		if strings.Contains(e.Msg, text) {
			return true
		}
	}
	return e.Path == "payload" && strings.HasPrefix(e.Msg, "expected an object")
}

// scramble leaves something in a payload that decoding has to overwrite.
func scramble(payload any) {
	fill(reflect.ValueOf(payload).Elem(), newRand(1), 0)
}

// foldsToKnown reports whether a name in data is that of a field of the payload but for its case.
func (r row) foldsToKnown(data []byte) bool {
	folds := false
	eachName(json.NewDecoder(bytes.NewReader(data)), func(name string) {
		for _, spelled := range r.known()[folded(name)] {
			folds = folds || name != spelled
		}
	})
	return folds
}

func folded(name string) string { return strings.ToLower(strings.ToUpper(name)) }

// fieldNames adds the JSON names of all fields in t to names, by their folded form.
func fieldNames(t reflect.Type, seen map[reflect.Type]bool, names map[string][]string) {
	if seen[t] {
		return
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		fieldNames(t.Elem(), seen, names)
	case reflect.Struct:
		for f := range t.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name == "" {
				name = f.Name
			}
			names[folded(name)] = append(names[folded(name)], name)
			fieldNames(f.Type, seen, names)
		}
	}
}

// eachName calls visit with every name of an object in what dec reads, up to the first error.
func eachName(dec *json.Decoder, visit func(name string)) {
	type level struct{ object, inValue bool }
	levels := []level{{}}
	for {
		token, err := dec.Token()
		if err != nil {
			return
		}
		top := &levels[len(levels)-1]
		if name, ok := token.(string); ok && top.object && !top.inValue {
			visit(name)
			top.inValue = true
			continue
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			levels = append(levels, level{object: token == json.Delim('{')})
			continue
		case json.Delim('}'), json.Delim(']'):
			levels = levels[:len(levels)-1]
		}
		levels[len(levels)-1].inValue = false
	}
}

// TestAppend encodes many values of every row, in which every kind of field has every kind of content.
func TestAppend(t *testing.T) {
	t.Parallel()
	for _, r := range codecRows {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			r.compareAppend(t, r.new())
			encoded := 0
			for seed := range uint64(500) {
				payload := r.new()
				fill(reflect.ValueOf(payload).Elem(), newRand(seed), 0)
				if data := r.compareAppend(t, payload); data != nil {
					encoded++
					r.compareDecode(t, data)
				}
			}
			if encoded < 50 {
				t.Errorf("only %d of the values could be encoded", encoded)
			}
		})
	}
}

// TestDecode decodes what encoding/json makes of such values: written in another way, and after pieces of it have been moved, doubled,
// dropped and replaced.
func TestDecode(t *testing.T) {
	t.Parallel()
	for _, r := range codecRows {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(1500) {
				rng := newRand(seed)
				payload := r.new()
				fill(reflect.ValueOf(payload).Elem(), rng, 0)
				data, err := marshal(payload)
				if err != nil {
					continue
				}
				r.compareDecode(t, mutate(data, rng))
				r.compareRewritten(t, data, rng)
			}
		})
	}
}
