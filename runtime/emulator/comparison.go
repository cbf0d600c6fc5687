package emulator

import (
	"cmp"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// newComparison is a comparison of a message's field, named by its path in either spelling, with a value.
func newComparison(message protoreflect.MessageDescriptor, name, operator string, value filterToken) (predicate, error) {
	var fields []protoreflect.FieldDescriptor
	for part := range strings.SplitSeq(name, ".") {
		if message == nil || len(fields) > 0 && fields[len(fields)-1].IsList() {
			return nil, fmt.Errorf("%s is not a field of a queue", name)
		}
		field := fieldNamed(message, part)
		if field == nil {
			return nil, fmt.Errorf("%s is not a field of a queue", name)
		}
		fields = append(fields, field)
		message = field.Message()
	}
	last := fields[len(fields)-1]
	if operator == "!" {
		return nil, fmt.Errorf("unexpected %q", operator)
	}
	test := func(protoreflect.Value) bool { return true } // field:* asks for presence
	if operator != ":" || value.text != "*" || value.quoted {
		var err error
		if test, err = newTest(last, operator, value); err != nil {
			return nil, fmt.Errorf("%s %s %s: %w", name, operator, value.text, err)
		}
	}
	return func(m protoreflect.Message) bool {
		for _, field := range fields[:len(fields)-1] {
			if !m.Has(field) {
				return operator == "!="
			}
			m = m.Get(field).Message()
		}
		if !m.Has(last) && (last.HasPresence() || last.IsList() || value.text == "*") {
			return operator == "!="
		}
		return test(m.Get(last))
	}, nil
}

// newTest compares values of a field.
func newTest(field protoreflect.FieldDescriptor, operator string, value filterToken) (func(protoreflect.Value) bool, error) {
	text := value.text
	switch {
	case field.IsList() || field.IsMap():
		return nil, fmt.Errorf("only presence can be asked for, as %s:*", field.Name())
	case field.Enum() != nil:
		want := field.Enum().Values().ByName(protoreflect.Name(strings.ToUpper(text)))
		if want == nil {
			return nil, fmt.Errorf("it is no value of %s", field.Enum().Name())
		}
		if strings.ContainsAny(operator, "<>") {
			return nil, fmt.Errorf("values of %s have no order", field.Enum().Name())
		}
		return func(v protoreflect.Value) bool { return (v.Enum() == want.Number()) != (operator == "!=") }, nil
	case field.Message() != nil:
		return newTimeTest(field.Message().FullName(), operator, text)
	}
	switch field.Kind() {
	case protoreflect.StringKind:
		return newStringTest(operator, value)
	case protoreflect.DoubleKind:
		want, err := strconv.ParseFloat(text, 64)
		return func(v protoreflect.Value) bool { return holds(operator, cmp.Compare(v.Float(), want)) }, err
	case protoreflect.Int32Kind, protoreflect.Int64Kind:
		want, err := strconv.ParseFloat(text, 64)
		return func(v protoreflect.Value) bool { return holds(operator, cmp.Compare(float64(v.Int()), want)) }, err
	}
	return nil, fmt.Errorf("fields of kind %s cannot be compared", field.Kind())
}

func newTimeTest(kind protoreflect.FullName, operator, text string) (func(protoreflect.Value) bool, error) {
	switch kind {
	case "google.protobuf.Duration":
		want, err := time.ParseDuration(text)
		return func(v protoreflect.Value) bool {
			return holds(operator, cmp.Compare(v.Message().Interface().(*durationpb.Duration).AsDuration(), want))
		}, err
	case "google.protobuf.Timestamp":
		want, err := time.Parse(time.RFC3339, text)
		return func(v protoreflect.Value) bool {
			return holds(operator, v.Message().Interface().(*timestamppb.Timestamp).AsTime().Compare(want))
		}, err
	}
	return nil, fmt.Errorf("a field of it must be named, or its presence asked for with :*")
}

// newStringTest compares strings: ":" asks whether the value is a part, and an unquoted "*" stands for anything.
func newStringTest(operator string, value filterToken) (func(protoreflect.Value) bool, error) {
	text := value.text
	switch {
	case operator == ":":
		return func(v protoreflect.Value) bool { return strings.Contains(v.String(), strings.Trim(text, "*")) }, nil
	case strings.Contains(text, "*") && (operator == "=" || operator == "!="):
		// A slash is a character as any other here, and only the star means more than itself.
		pattern := strings.NewReplacer("/", "\x00", `\`, `\\`, "?", `\?`, "[", `\[`).Replace(text)
		if _, err := path.Match(pattern, ""); err != nil {
			return nil, err
		}
		return func(v protoreflect.Value) bool {
			ok, _ := path.Match(pattern, strings.ReplaceAll(v.String(), "/", "\x00")) // the pattern is good
			return ok != (operator == "!=")
		}, nil
	}
	return func(v protoreflect.Value) bool { return holds(operator, cmp.Compare(v.String(), text)) }, nil
}

// holds reports whether an operator holds between two values that compare as order says.
func holds(operator string, order int) bool {
	switch operator {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	case ">=":
		return order >= 0
	case "!=":
		return order != 0
	}
	return order == 0 // "=" and ":"
}
