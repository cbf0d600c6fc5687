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

// Run compares the codec of a row with encoding/json on random values, on the JSON of each value, and on that JSON with
// damages. The error describes the first difference that is not documented.
func (r Row) Run(seed uint64, values, damages int) (Tally, error) {
	tally := Tally{Rows: 1}
	if _, err := r.checkAppend(r.zero(), &tally); err != nil {
		return tally, fmt.Errorf("zero value: %w", err)
	}
	for n := range uint64(values) {
		rng := newRand(seed + n)
		task := r.zero()
		(&filler{rng: rng, budget: 400}).fill(reflect.ValueOf(task).Elem(), 0)
		tally.Values++
		data, err := r.checkAppend(task, &tally)
		if err != nil {
			return tally, fmt.Errorf("value of seed %d: %w", seed+n, err)
		}
		if data == nil {
			continue
		}
		if err := r.checkDecode(data, &tally); err != nil {
			return tally, fmt.Errorf("value of seed %d: %w", seed+n, err)
		}
		members := membersOf(data)
		for range damages {
			if err := r.checkDecode(damage(data, members, rng), &tally); err != nil {
				return tally, fmt.Errorf("damaged value of seed %d: %w", seed+n, err)
			}
		}
	}
	return tally, nil
}

// checkAppend compares what is written for a task and returns it. It returns nil where there is nothing to decode: neither
// writes the task, or encoding/json does not write it twice alike.
func (r Row) checkAppend(task any, tally *Tally) ([]byte, error) {
	want, wantErr := marshal(task)
	const before = "before"
	var got []byte
	err := safely(func() (err error) { got, err = r.append([]byte(before), task); return err })
	var p panicked
	switch {
	case errors.As(err, &p):
		return nil, fmt.Errorf("append panics: %w\n%s", err, p.stack)
	case !bytes.HasPrefix(got, []byte(before)):
		return nil, fmt.Errorf("append overwrites the destination: %q", got)
	case err != nil && wantErr != nil:
		tally.Unencodable++
		return nil, checkError(err, -1)
	case err != nil || wantErr != nil:
		return nil, fmt.Errorf("append: the error is %v, that of encoding/json %v", err, wantErr)
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

// checkDecode compares what data is read as.
func (r Row) checkDecode(data []byte, tally *Tally) error {
	tally.Texts++
	want, got := r.zero(), r.zero()
	// Decoding has to overwrite what is there, and to keep nothing of its input.
	(&filler{rng: newRand(1), budget: 100}).fill(reflect.ValueOf(got).Elem(), 0)
	input := bytes.Clone(data)
	wantErr := safely(func() error { return json.Unmarshal(data, want) })
	err := safely(func() error { return r.decode(input, got) })
	clear(input)
	var p panicked
	if errors.As(err, &p) {
		return fmt.Errorf("decoding %s panics: %w\n%s", data, err, p.stack)
	}
	if err != nil {
		if err := checkError(err, len(data)); err != nil {
			return err
		}
	}
	switch {
	case err == nil && wantErr == nil && reflect.DeepEqual(want, got):
		tally.Decoded++
		return nil
	case err != nil && wantErr != nil:
		tally.Refused++
		return nil
	}
	if reason := r.documented(data, err); reason != "" {
		tally.allow(reason, 1)
		return nil
	}
	switch {
	case err != nil:
		return fmt.Errorf("does not decode %s, encoding/json does: %w", data, err)
	case wantErr != nil:
		return fmt.Errorf("decodes %s, encoding/json does not: %w", data, wantErr)
	}
	return fmt.Errorf("reads %s as\n%s\nencoding/json as\n%s", data, show(got), show(want))
}

// documented returns why a codec and encoding/json read data differently, if docs/json.md gives a reason. The error is that
// of the codec, nil if it has none.
func (r Row) documented(data []byte, err error) string {
	var e *taskjson.Error
	if errors.As(err, &e) {
		for _, reason := range []string{
			"required field is missing",
			"field is given twice",
			"expected a number in a string",
			"expected a string in quotes in a string",
		} {
			if strings.Contains(e.Msg, reason) && !(r.Lenient && reason == "required field is missing") {
				return reason
			}
		}
		if e.Path == "payload" && strings.HasPrefix(e.Msg, "expected an object") {
			return "the payload is not an object"
		}
	}
	if p, ok := errors.AsType[*taskjson.PanicError](err); ok && strings.Contains(fmt.Sprint(p.Value), "out of range") {
		return "a method slices beyond the end of what it is given"
	}
	if r.hasNameInOtherCase(data) {
		return "a name in another case"
	}
	return ""
}

// checkError checks that the error of a codec has a path, and an offset within an input of that size; -1 if there is none.
func checkError(err error, size int) error {
	var e *taskjson.Error
	if !errors.As(err, &e) || !strings.HasPrefix(e.Path, "payload") || e.Offset > size {
		return fmt.Errorf("not an error with a path and an offset: %#v", err)
	}
	return nil
}

// marshal is what append has to equal: encoding/json with HTML escaping off, given a pointer.
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
