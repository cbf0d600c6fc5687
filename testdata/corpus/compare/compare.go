package compare

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/taskjson"
)

// A Tally counts what a row, or many, came to.
type Tally struct {
	Rows, Values, Unencodable, Texts, Decoded, Refused int
	Strict                                             map[string]int // by what the codec objects to and encoding/json does not
	Unstable                                           int            // values that encoding/json itself does not encode twice alike
}

// Add adds the counts of u.
func (t *Tally) Add(u Tally) {
	t.Rows += u.Rows
	t.Values += u.Values
	t.Unencodable += u.Unencodable
	t.Texts += u.Texts
	t.Decoded += u.Decoded
	t.Refused += u.Refused
	t.Unstable += u.Unstable
	for reason, n := range u.Strict {
		t.object(reason, n)
	}
}

func (t *Tally) object(reason string, n int) {
	if t.Strict == nil {
		t.Strict = make(map[string]int)
	}
	t.Strict[reason] += n
}

// Run compares the codec of a row with encoding/json on random values, and on the JSON of each after damages have been
// done to it. The error tells of the first difference.
func (r Row) Run(seed uint64, values, damages int) (Tally, error) {
	tally := Tally{Rows: 1}
	if _, err := r.append1(r.new(), &tally); err != nil {
		return tally, fmt.Errorf("zero value: %w", err)
	}
	for n := range uint64(values) {
		rng := newRand(seed + n)
		task := r.new()
		(&filler{rng: rng, budget: 400}).fill(reflect.ValueOf(task).Elem(), 0)
		tally.Values++
		data, err := r.append1(task, &tally)
		if err != nil {
			return tally, fmt.Errorf("value of seed %d: %w", seed+n, err)
		}
		if data == nil {
			tally.Unencodable++
			continue
		}
		if err := r.decode1(data, &tally); err != nil {
			return tally, fmt.Errorf("value of seed %d: %w", seed+n, err)
		}
		for range damages {
			if err := r.decode1(mutate(data, rng), &tally); err != nil {
				return tally, fmt.Errorf("damaged value of seed %d: %w", seed+n, err)
			}
		}
	}
	return tally, nil
}

// append1 compares what is written for a task, and returns it; nil where neither writes it.
func (r Row) append1(task any, tally *Tally) ([]byte, error) {
	want, wantErr := marshal(task)
	const before = "before"
	var got []byte
	err := safely(func() (err error) { got, err = r.append([]byte(before), task); return err })
	var p panicked
	switch {
	case errors.As(err, &p):
		return nil, fmt.Errorf("append panics: %w\n%s", err, p.stack)
	case !bytes.HasPrefix(got, []byte(before)):
		return nil, fmt.Errorf("the destination's own bytes are gone: %q", got)
	case err != nil && wantErr != nil:
		return nil, codecError(err, -1)
	case err != nil || wantErr != nil:
		return nil, fmt.Errorf("append: error is %v, that of encoding/json %v", err, wantErr)
	}
	got = got[len(before):]
	if bytes.Equal(got, want) {
		return got, nil
	}
	for range 5 {
		if again, _ := marshal(task); !bytes.Equal(again, want) {
			tally.Unstable++
			return nil, nil
		}
	}
	return nil, fmt.Errorf("append writes\n%s\nencoding/json\n%s", got, want)
}

// decode1 compares what data is read as, but for what the codec is strict about.
func (r Row) decode1(data []byte, tally *Tally) error {
	tally.Texts++
	if r.foldsToKnown(data) {
		tally.object("a name in another case", 1)
		return nil
	}
	want, got := r.new(), r.new()
	(&filler{rng: newRand(1), budget: 100}).fill(reflect.ValueOf(got).Elem(), 0) // which decoding has to overwrite
	wantErr := safely(func() error { return json.Unmarshal(data, want) })
	input := bytes.Clone(data)
	err := safely(func() error { return r.decode(input, got) })
	clear(input) // which nothing that was decoded may refer to
	var p panicked
	switch {
	case errors.As(err, &p):
		return fmt.Errorf("decoding %s panics: %w\n%s", data, err, p.stack)
	case err == nil && wantErr != nil:
		return fmt.Errorf("decodes %s, encoding/json does not: %w", data, wantErr)
	case err == nil:
		tally.Decoded++
		if !reflect.DeepEqual(want, got) {
			return fmt.Errorf("reads %s as\n%s\nencoding/json as\n%s", data, show(got), show(want))
		}
		return nil
	case wantErr == nil:
		reason, ok := r.strictness(err)
		if !ok {
			return fmt.Errorf("does not decode %s, encoding/json does: %w", data, err)
		}
		tally.object(reason, 1)
	default:
		tally.Refused++
	}
	return codecError(err, len(data))
}

// strictness returns what a codec objects to that encoding/json lets pass, as docs/json.md lists it.
func (r Row) strictness(err error) (reason string, ok bool) {
	const missing = "required field is missing"
	var e *taskjson.Error
	if !errors.As(err, &e) || r.lenient && strings.Contains(e.Msg, missing) && strings.Count(e.Path, ".") > 1 {
		return "", false
	}
	for _, text := range []string{
		missing,
		"field is given twice",
		"expected a number in a string",
		"expected a string in quotes in a string",
	} {
		if strings.Contains(e.Msg, text) {
			return text, true
		}
	}
	return "the payload is no object", e.Path == "payload" && strings.HasPrefix(e.Msg, "expected an object")
}

// marshal is what the codecs have to equal: encoding/json with HTML escaping off, given a pointer.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := safely(func() error { return enc.Encode(v) })
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

func show(v any) string {
	b, err := marshal(v)
	if err != nil {
		return fmt.Sprintf("%#v", v)
	}
	return fmt.Sprintf("%s (%.2000v)", b, v)
}

// foldsToKnown reports whether a name in data is that of a field of the task but for its case.
func (r Row) foldsToKnown(data []byte) bool {
	folds := false
	eachName(json.NewDecoder(bytes.NewReader(data)), func(name string) {
		for _, spelled := range r.known()[folded(name)] {
			folds = folds || name != spelled
		}
	})
	return folds
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
