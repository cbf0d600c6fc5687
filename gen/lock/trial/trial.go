// Package trial tries a program's generated codecs: it makes payloads with them and reads payloads of earlier versions.
//
// Its one file of code is compiled into a test of the program's own packages, beside a call of [Report]. So it imports
// the standard library only.
package trial

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"reflect"
	"time"
)

// Marker begins the line with which [Report] writes what came out.
const Marker = "cloudtaskgen lock: "

// Outcome is what came out of trying one task's codec.
type Outcome struct {
	ID        int            // as given to Try
	Samples   []string       `json:",omitempty"` // payloads that the codec writes: everything in it, as little as can be
	Failures  []Failure      `json:",omitempty"` // of the earlier payloads that it does not read
	Rewritten map[int]string `json:",omitempty"` // by index, what it writes for an earlier payload, where that is something else
	Notes     []string       `json:",omitempty"` // why there are not two samples
}

// Failure is a payload that does not decode.
type Failure struct {
	Index int    // of the payload
	Path  string `json:",omitempty"` // the value that is wrong, such as payload.items[0].sku; "" when the error does not say
	Error string
}

// Report writes outcomes as one line, whatever the program may have written before.
func Report(w io.Writer, outcomes ...Outcome) {
	text, err := json.Marshal(outcomes)
	if err != nil {
		panic(err) // of plain data
	}
	fmt.Fprintf(w, "\n%s%s\n", Marker, text)
}

// Constants has a constant of types that write their own JSON, by the type's name, such as shop.Color: often they take no other values.
type Constants map[string]any

// Try tries the codec of the task type T.
func Try[T any](
	id int, constants Constants, encode func(dst []byte, task *T) ([]byte, error), decode func(data []byte, task *T) error, earlier ...string,
) Outcome {
	out := Outcome{ID: id, Rewritten: map[int]string{}}
	for i, payload := range earlier {
		var task T
		if err := guard(func() error { return decode([]byte(payload), &task) }); err != nil {
			out.Failures = append(out.Failures, Failure{Index: i, Path: pathOf(err), Error: err.Error()})
			continue
		}
		_ = guard(func() error {
			text, err := encode(nil, &task)
			if err == nil && string(text) != payload {
				out.Rewritten[i] = string(text)
			}
			return err // is today's problem, and not the payload's
		})
	}
	f := &filler{constants: constants}
	for _, kind := range []struct {
		name string
		fill func(v reflect.Value)
	}{{"full", func(v reflect.Value) { f.fill(v) }}, {"minimal", func(reflect.Value) {}}} {
		text, err := sample(encode, decode, kind.fill)
		if err != nil && kind.name == "minimal" {
			text, err = sample(encode, decode, f.fillCustom) // the zero value of some type is none that it reads
		}
		switch {
		case err != nil:
			out.Notes = append(out.Notes, fmt.Sprintf("no %s payload of it can be made: %v", kind.name, err))
		case len(text) > MaxSample:
			out.Notes = append(out.Notes, fmt.Sprintf("its %s payload is left out: it has %d bytes, and the lock keeps those of %d at "+
				"most", kind.name, len(text), MaxSample))
		case len(out.Samples) == 0 || out.Samples[0] != text:
			out.Samples = append(out.Samples, text)
		}
	}
	return out
}

// MaxSample is the length in bytes of the longest payload that is worth keeping.
const MaxSample = 8 << 10

// sample returns the payload of a filled task. It is one that today's code reads, and writes the same each time.
func sample[T any](encode func([]byte, *T) ([]byte, error), decode func([]byte, *T) error, fill func(reflect.Value)) (string, error) {
	var text []byte
	err := guard(func() error {
		var task T
		fill(reflect.ValueOf(&task).Elem())
		var err error
		if text, err = encode(nil, &task); err != nil {
			return err
		}
		if err := decode(text, new(T)); err != nil {
			return fmt.Errorf("it does not read what it writes: %w", err)
		}
		again, err := encode(nil, &task)
		if err == nil && !bytes.Equal(text, again) {
			err = fmt.Errorf("it writes something else each time")
		}
		return err
	})
	return string(text), err
}

// guard turns a panic of a program's own methods into an error.
func guard(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	return f()
}

// pathOf returns the path that an error of the codec has.
func pathOf(err error) string {
	if v := reflect.Indirect(reflect.ValueOf(err)); v.Kind() == reflect.Struct {
		if path := v.FieldByName("Path"); path.Kind() == reflect.String {
			return path.String()
		}
	}
	return ""
}

// The values of a full payload. Numbers are those that the fewest other types can hold, texts are no number, no time and
// no base64, so that a reader of another type notices.
const (
	text   = "a text"
	number = json.Number("-12345678901234567890.5")
	raw    = `{"key":[-1.5,"a text",true,null]}`
)

var moment = time.Date(2006, time.January, 2, 15, 4, 5, 999999999, time.UTC)

// A filler sets everything in a value. Types inside of themselves are filled twice.
type filler struct {
	constants Constants
	open      map[reflect.Type]int // structs that are being filled
}

// fill reports false when the value's type writes its own JSON, and nothing is known that it takes.
func (f *filler) fill(v reflect.Value) bool {
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(moment))
		return true
	case json.RawMessage:
		v.SetBytes([]byte(raw))
		return true
	case json.Number:
		v.SetString(string(number))
		return true
	}
	if isCustom(v.Type()) {
		return f.choose(v, gentle, f.constant, zero)
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(math.MinInt64 >> (64 - v.Type().Bits()))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		v.SetUint(math.MaxUint64 >> (64 - v.Type().Bits()))
	case reflect.Float32:
		v.SetFloat(-math.MaxFloat32)
	case reflect.Float64:
		v.SetFloat(-math.MaxFloat64)
	case reflect.String:
		v.SetString(text)
	case reflect.Interface:
		if v.NumMethod() == 0 {
			v.Set(reflect.ValueOf(map[string]any{"key": []any{-1.5, text, true, nil}}))
		}
	case reflect.Struct:
		f.fillStruct(v)
	default:
		f.fillComposite(v)
	}
	return true
}

func (f *filler) fillStruct(v reflect.Value) {
	if f.open[v.Type()] == 2 {
		return
	}
	if f.open == nil {
		f.open = map[reflect.Type]int{}
	}
	f.open[v.Type()]++
	defer func() { f.open[v.Type()]-- }()
	eachField(v, func(v reflect.Value) { f.fill(v) })
}

// eachField visits the fields that are encoded.
func eachField(v reflect.Value, visit func(reflect.Value)) {
	for i := range v.NumField() {
		if field := v.Type().Field(i); field.Tag.Get("json") != "-" && (field.IsExported() || field.Anonymous) {
			if at := v.Field(i); at.CanSet() {
				visit(at)
			} else if at.Kind() == reflect.Struct {
				eachField(at, visit) // unexported and embedded: what it promotes can be set
			}
		}
	}
}

// fillComposite leaves nil what would hold a value that cannot be filled.
func (f *filler) fillComposite(v reflect.Value) {
	if f.ends(v.Type()) {
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if to := reflect.New(v.Type().Elem()); f.fill(to.Elem()) {
			v.Set(to)
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 && !isCustom(v.Type().Elem()) {
			v.Set(reflect.MakeSlice(v.Type(), 3, 3))
			for i, b := range []uint64{0xfb, 0xef, 0xff} { // ++// in base64
				v.Index(i).SetUint(b)
			}
			return
		}
		if one := reflect.MakeSlice(v.Type(), 1, 1); f.fill(one.Index(0)) {
			v.Set(one)
		}
	case reflect.Array:
		for i := range v.Len() {
			f.fill(v.Index(i))
		}
	case reflect.Map:
		key, elem := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		if f.fill(key) && f.fill(elem) {
			v.Set(reflect.MakeMap(v.Type()))
			v.SetMapIndex(key, elem)
		}
	}
}

// ends reports whether a type leads to a struct that has been filled often enough, so that nil stands for it.
func (f *filler) ends(t reflect.Type) bool {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Array || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	return f.open[t] == 2
}

// fillCustom sets what a zero value has of types with methods for their JSON to something that they read.
func (f *filler) fillCustom(v reflect.Value) {
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
	case isCustom(v.Type()):
		f.choose(v, zero, gentle, f.constant)
	case v.Kind() == reflect.Struct:
		eachField(v, f.fillCustom)
	case v.Kind() == reflect.Array:
		for i := range v.Len() {
			f.fillCustom(v.Index(i))
		}
	}
}

// isCustom reports whether values of a type write or read their JSON themselves.
func isCustom(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer || t.Kind() == reflect.Interface {
		return false
	}
	for _, has := range []reflect.Type{
		reflect.TypeFor[json.Marshaler](), reflect.TypeFor[encoding.TextMarshaler](),
		reflect.TypeFor[json.Unmarshaler](), reflect.TypeFor[encoding.TextUnmarshaler](),
	} {
		if reflect.PointerTo(t).Implements(has) {
			return true
		}
	}
	return false
}

// choose sets a value of a custom type to the first of these that it writes and reads again, the same each time. Which
// values such a type takes is not known. It reports false when it takes none of these.
func (f *filler) choose(v reflect.Value, candidates ...func(reflect.Value)) bool {
	for _, set := range candidates {
		err := guard(func() error {
			set(v)
			text, err := json.Marshal(v.Addr().Interface())
			if err != nil {
				return err
			}
			again := reflect.New(v.Type())
			if err := json.Unmarshal(text, again.Interface()); err != nil {
				return err
			}
			second, err := json.Marshal(again.Interface())
			if err == nil && !bytes.Equal(text, second) {
				err = fmt.Errorf("not the same")
			}
			return err
		})
		if err == nil {
			return true
		}
	}
	v.SetZero()
	return false
}

// constant sets a value to a constant of its type.
func (f *filler) constant(v reflect.Value) {
	if c, ok := f.constants[v.Type().String()]; ok {
		v.Set(reflect.ValueOf(c).Convert(v.Type()))
	}
}

func zero(v reflect.Value) { v.SetZero() }

// gentle sets a value of a custom type to something small: ones, and times that exist.
func gentle(v reflect.Value) { setOnes(v, 3) }

func setOnes(v reflect.Value, depth int) {
	if !v.CanSet() || depth == 0 {
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(1)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		v.SetUint(1)
	case reflect.Float32, reflect.Float64:
		v.SetFloat(1.5)
	case reflect.String:
		v.SetString(text)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(moment))
			return
		}
		for _, field := range v.Fields() {
			setOnes(field, depth-1)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		setOnes(v.Elem(), depth-1)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		setOnes(v.Index(0), depth-1)
	case reflect.Array:
		for i := range v.Len() {
			setOnes(v.Index(i), depth-1)
		}
	}
}
