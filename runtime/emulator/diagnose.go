package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// maxViolations bounds how many faults of one request are reported.
const maxViolations = 100

// diagnosis finds out what is wrong with JSON that protojson does not read, in the words of Google's servers.
type diagnosis struct {
	violations []*errdetails.BadRequest_FieldViolation
}

// diagnose returns what is wrong with raw as the JSON of a message, which is at path in a request. Nothing means that
// it has found nothing.
func diagnose(raw []byte, d protoreflect.MessageDescriptor, path string) []*errdetails.BadRequest_FieldViolation {
	var diag diagnosis
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value any
	err := decoder.Decode(&value)
	if err == nil && len(bytes.TrimSpace(raw[decoder.InputOffset():])) > 0 {
		diag.report("", "Invalid JSON payload received. Expected end of input."+pointAt(raw, decoder.InputOffset()))
		return diag.violations
	}
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		diag.report("", "Invalid JSON payload received. Unexpected end of string."+pointAt(raw, int64(len(raw))))
	case errors.As(err, &syntax):
		diag.report("", "Invalid JSON payload received. Unexpected token."+pointAt(raw, syntax.Offset-1))
	case err == nil:
		if _, isObject := value.(map[string]any); !isObject {
			diag.report("", `Invalid JSON payload received. Unknown name "": Root element must be a message.`)
			break
		}
		diag.message(value, d, path)
	}
	return diag.violations
}

// pointAt shows the place in raw, on lines of their own.
func pointAt(raw []byte, offset int64) string {
	const around = 20
	offset = min(max(offset, 0), int64(len(raw)))
	from, to := max(offset-around, 0), min(offset+around, int64(len(raw)))
	shown := strings.Map(func(c rune) rune {
		if c < ' ' {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(string(raw[from:to]), "?"))
	return fmt.Sprintf("\n%s\n%s^", shown, strings.Repeat(" ", int(offset-from)))
}

func (diag *diagnosis) report(field, description string) {
	if len(diag.violations) < maxViolations {
		diag.violations = append(diag.violations, &errdetails.BadRequest_FieldViolation{Field: bounded(field), Description: bounded(description)})
	}
}

// message checks the members of an object.
func (diag *diagnosis) message(value any, d protoreflect.MessageDescriptor, path string) {
	object := value.(map[string]any)
	keys := make([]string, 0, len(object))
	for key := range object {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	chosen := make(map[protoreflect.FullName]bool) // members of oneofs
	for _, key := range keys {
		field := fieldNamed(d, key)
		if field == nil {
			diag.report(path, "Invalid JSON payload received. Unknown name "+quote(key)+at(path)+": Cannot find field.")
			continue
		}
		if object[key] == nil {
			continue // null is unset
		}
		if oneof := field.ContainingOneof(); oneof != nil && !oneof.IsSynthetic() {
			if chosen[oneof.FullName()] {
				diag.report(path, fmt.Sprintf("Invalid value%s (oneof), oneof field '%s' is already set. Cannot set '%s'", at(path), oneof.Name(), field.JSONName()))
			}
			chosen[oneof.FullName()] = true
		}
		diag.field(object[key], field, join(path, string(field.Name())))
	}
}

// field checks the value of a field.
func (diag *diagnosis) field(value any, field protoreflect.FieldDescriptor, path string) {
	array, isArray := value.([]any)
	object, isObject := value.(map[string]any)
	switch {
	case field.IsMap() && isObject:
		i := 0
		for _, key := range sortedKeys(object) {
			element := fmt.Sprintf("%s[%d].value", path, i)
			i++
			if member, ok := object[key].(map[string]any); ok && field.MapValue().Message() != nil {
				diag.message(member, field.MapValue().Message(), element)
			} else {
				diag.leaf(map[string]any{key: object[key]}, object[key], field, element)
			}
		}
	case field.IsList() && isArray:
		for i, element := range array {
			elementPath := fmt.Sprintf("%s[%d]", path, i)
			if member, ok := element.(map[string]any); ok && field.Message() != nil && !wellKnown(field.Message()) {
				diag.message(member, field.Message(), elementPath)
			} else {
				diag.leaf([]any{element}, element, field, elementPath)
			}
		}
	case isArray && !field.IsList():
		parent := strings.TrimSuffix(strings.TrimSuffix(path, string(field.Name())), ".")
		diag.report(parent, "Invalid JSON payload received. Unknown name "+quote(field.JSONName())+at(parent)+": Proto field is not repeating, cannot start list.")
	case isObject && field.Message() != nil && !field.IsList() && !field.IsMap() && !wellKnown(field.Message()):
		diag.message(object, field.Message(), path)
	default:
		diag.leaf(value, value, field, path)
	}
}

// leaf checks the value of a field that is as small as it can be checked; shown is the part of it to report.
func (diag *diagnosis) leaf(value, shown any, field protoreflect.FieldDescriptor, path string) {
	raw, err := json.Marshal(map[string]any{field.JSONName(): value})
	if err != nil || protojson.Unmarshal(raw, dynamicpb.NewMessage(field.ContainingMessage())) == nil {
		return
	}
	text, err := json.Marshal(shown)
	if err != nil {
		return
	}
	diag.report(path, invalidValue(field, path, string(text)))
}

// invalidValue says that a field cannot have a value, which is shown as JSON.
func invalidValue(field protoreflect.FieldDescriptor, path, value string) string {
	kind := field
	if field.IsMap() {
		kind = field.MapValue()
	}
	name := "TYPE_" + strings.ToUpper(kind.Kind().String())
	switch {
	case kind.Message() != nil:
		name = "type.googleapis.com/" + string(kind.Message().FullName())
	case kind.Enum() != nil:
		name = "type.googleapis.com/" + string(kind.Enum().FullName())
	}
	const maxValue = 200 // bytes of it that are worth showing
	if len(value) > maxValue {
		value = strings.ToValidUTF8(value[:maxValue], "") + "…"
	}
	text := fmt.Sprintf("Invalid value at '%s' (%s), %s", path, name, value)
	if kind.Kind() == protoreflect.BytesKind {
		text = fmt.Sprintf("Invalid value at '%s' (%s), Base64 decoding failed for %s", path, name, value)
	}
	return text
}

// wellKnown reports whether JSON spells the message in a way of its own.
func wellKnown(d protoreflect.MessageDescriptor) bool {
	return d.ParentFile().Package() == "google.protobuf"
}

func sortedKeys(object map[string]any) []string {
	keys := make([]string, 0, len(object))
	for key := range object {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func at(path string) string {
	if path == "" {
		return ""
	}
	return " at '" + path + "'"
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
