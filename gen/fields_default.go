package gen

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/types"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
)

// defaultOf returns what the tag default:"text" of field x says, or nil after reporting that it cannot be a value of
// the field. Strings and times are written as they are, everything else as JSON.
func (b *typeBuilder) defaultOf(text string, x *model.Field) *model.Default {
	scalar := x.Type
	for scalar.Kind == model.Pointer {
		scalar = scalar.Elem
	}
	d := &model.Default{Text: text, JSON: text}
	if scalar.Kind == model.String || scalar.Kind == model.Time {
		quoted, _ := json.Marshal(text)
		d.JSON = string(quoted)
	}
	value, err := decodeDefault(d.JSON)
	duration, notDuration := time.ParseDuration(text)
	switch {
	case err != nil && scalar.Kind == model.Int && notDuration == nil:
		err = fmt.Errorf("a duration is a number of nanoseconds in JSON: write %d", duration.Nanoseconds())
	case err == nil:
		err = checkValue(x.Type, value)
	}
	if err != nil {
		b.problem("default %q: %v", text, err)
		return nil
	}
	return d
}

// checkZero remarks on a default that reads as if it stood in for Go's zero value too, which it does only where the zero
// value is left out of the payload.
func (b *typeBuilder) checkZero(x *model.Field, v *types.Var) {
	if x.Default == nil || len(x.Omit) > 0 || !b.own(v.Pkg()) {
		return
	}
	if value, err := decodeDefault(x.Default.JSON); err != nil || isZero(x.Type, value) {
		return
	}
	option := "omitzero"
	if _, ok := omitEmpty(v.Type()); ok {
		option = "omitempty"
	}
	b.note("default %q only applies to payloads that lack the field, and Go's zero value is sent like any other: add %s if it should become the default, too",
		x.Default.Text, option)
}

// isZero reports whether value, as encoding/json decodes it, stands for the zero value of t, or for an empty list or map,
// which programs seldom tell from nil.
func isZero(t *model.Type, value any) bool {
	switch t.Kind {
	case model.Pointer, model.Any, model.RawMessage:
		return false // nil is null, which cannot be a default
	case model.Time:
		return value == "0001-01-01T00:00:00Z"
	}
	switch value := value.(type) {
	case bool:
		return !value
	case json.Number:
		f, err := value.Float64()
		return err == nil && f == 0
	case string:
		return value == ""
	case []any:
		notZero := func(elem any) bool { return !isZero(t.Elem, elem) }
		return len(value) == 0 || t.Kind == model.Array && !slices.ContainsFunc(value, notZero)
	case map[string]any:
		return len(value) == 0
	}
	return value == nil
}

// decodeDefault returns the value that a default is as JSON.
func decodeDefault(text string) (value any, err error) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	switch err := dec.Decode(&value); {
	case err != nil, !json.Valid([]byte(text)):
		return nil, errors.New("it is not JSON, which it has to be for all but strings and times")
	case value == nil:
		return nil, errors.New("null is what a missing field is without a default")
	}
	return value, nil
}

// checkValue says why value, as encoding/json decodes it, would not decode into t.
func checkValue(t *model.Type, value any) error {
	if t.Decode != model.Structure {
		return errors.New("the type decodes itself, so its default cannot be checked: set it in Run")
	}
	if value == nil && (t.Kind == model.Pointer || t.Kind == model.Slice || t.Kind == model.Map || t.Kind == model.Bytes) {
		return nil
	}
	switch t.Kind {
	case model.Any, model.RawMessage:
		return nil
	case model.Pointer:
		return checkValue(t.Elem, value)
	case model.Slice, model.Array, model.Bytes:
		return checkArray(t, value)
	case model.Map:
		return checkMap(t, value)
	case model.StructKind:
		return checkStruct(t.Struct, value)
	}
	return checkScalar(t, value)
}

func checkScalar(t *model.Type, value any) error {
	switch v := value.(type) {
	case bool:
		if t.Kind == model.Bool {
			return nil
		}
	case json.Number:
		return checkNumber(t, v)
	case string:
		switch t.Kind {
		case model.String:
			return nil
		case model.Time:
			return new(time.Time).UnmarshalText([]byte(v))
		}
	}
	return mismatch(t, value)
}

func checkNumber(t *model.Type, n json.Number) error {
	bits := 64
	if i := strings.IndexAny(t.Basic, "0123456789"); i >= 0 {
		bits, _ = strconv.Atoi(t.Basic[i:])
	}
	var err error
	switch t.Kind {
	case model.Number:
	case model.Int:
		_, err = strconv.ParseInt(n.String(), 10, bits)
	case model.Uint:
		_, err = strconv.ParseUint(n.String(), 10, bits)
	case model.Float:
		var f float64
		f, err = strconv.ParseFloat(n.String(), bits)
		if err == nil && f == 0 && math.Signbit(f) {
			err = errors.New("-0 cannot be a default")
		}
	default:
		return mismatch(t, n)
	}
	if errors.Is(err, strconv.ErrRange) {
		return fmt.Errorf("it is out of range of %s", t.Basic)
	} else if errors.Is(err, strconv.ErrSyntax) {
		return fmt.Errorf("it is no %s", t.Basic)
	}
	return err
}

func checkArray(t *model.Type, value any) error {
	if s, ok := value.(string); ok && (t.Kind == model.Bytes || t.Base64) {
		encoded, _ := json.Marshal(s)
		return json.Unmarshal(encoded, new([]byte))
	}
	elems, ok := value.([]any)
	if !ok {
		return mismatch(t, value)
	}
	for i, elem := range elems {
		if t.Kind == model.Array && int64(i) >= t.Len {
			return fmt.Errorf("it has %d elements, and the array %d", len(elems), t.Len)
		}
		if err := checkElem(t.Elem, elem); err != nil {
			return fmt.Errorf("element %d: %w", i, err)
		}
	}
	return nil
}

func checkMap(t *model.Type, value any) error {
	object, ok := value.(map[string]any)
	if !ok {
		return mismatch(t, value)
	}
	if t.Key.Kind != model.String || t.Key.Decode != model.Structure {
		return errors.New("only maps with string keys can have a default")
	}
	for key, elem := range object {
		if err := checkElem(t.Elem, elem); err != nil {
			return fmt.Errorf("key %q: %w", key, err)
		}
	}
	return nil
}

// checkElem is checkValue for what may be null.
func checkElem(t *model.Type, value any) error {
	if value == nil && t.Decode != model.JSONMethod {
		return nil
	}
	return checkValue(t, value)
}

func checkStruct(s *model.Struct, value any) error {
	object, ok := value.(map[string]any)
	if !ok {
		return mismatch(s.Type, value)
	}
	if !s.Complete {
		return errors.New("the struct contains itself here, so the default would never end")
	}
	for name := range object {
		if !slices.ContainsFunc(s.Fields, func(f *model.Field) bool { return f.Name == name }) {
			return fmt.Errorf("there is no field %q", name)
		}
	}
	for _, f := range s.Fields {
		member, ok := object[f.Name]
		missing := !ok || member == nil && !f.NullOK
		switch {
		case missing && f.Required:
			return fmt.Errorf("required field %q is missing", f.Name)
		case missing || member == nil:
		case f.Quoted:
			return fmt.Errorf("field %q has the string option: it cannot be part of a default", f.Name)
		default:
			if err := checkValue(f.Type, member); err != nil {
				return fmt.Errorf("field %q: %w", f.Name, err)
			}
		}
	}
	return nil
}

func mismatch(t *model.Type, value any) error {
	found := map[bool]string{true: "null"}[value == nil]
	switch value.(type) {
	case bool:
		found = "a boolean"
	case json.Number:
		found = "a number"
	case string:
		found = "a string"
	case []any:
		found = "an array"
	case map[string]any:
		found = "an object"
	}
	return fmt.Errorf("it is %s, which a field of kind %s does not take", found, kindNames[t.Kind])
}

var kindNames = map[model.Kind]string{
	model.Bool: "boolean", model.Int: "integer", model.Uint: "unsigned integer", model.Float: "number",
	model.String: "string", model.Number: "number", model.Time: "time", model.Bytes: "bytes",
	model.Slice: "slice", model.Array: "array", model.Map: "map", model.StructKind: "struct",
}
