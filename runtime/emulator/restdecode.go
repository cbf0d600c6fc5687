package emulator

import (
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

// bodyTarget returns the message that a request's body is, and its path in the request.
func bodyTarget(req proto.Message, body string) (target proto.Message, path string) {
	if body == "*" {
		return req, ""
	}
	m := req.ProtoReflect()
	return m.Mutable(m.Descriptor().Fields().ByName(protoreflect.Name(body))).Message().Interface(), body
}

// decodeJSON reads the request's body, which is the field body of req.
func decodeJSON(raw []byte, req proto.Message, body string) error {
	target, path := bodyTarget(req, body)
	err := protojson.Unmarshal(raw, target)
	if err == nil {
		return nil
	}
	if violations := diagnose(raw, target.ProtoReflect().Descriptor(), path); len(violations) > 0 {
		return badRequest(violations...)
	}
	text := strings.TrimPrefix(strings.ReplaceAll(err.Error(), "\u00a0", " "), "proto: ") // its spaces vary on purpose
	return badRequest(&errdetails.BadRequest_FieldViolation{Description: "Invalid JSON payload received. " + bounded(text)})
}

func decodeProto(raw []byte, req proto.Message, body string) error {
	target, _ := bodyTarget(req, body)
	if err := (proto.UnmarshalOptions{Merge: true}).Unmarshal(raw, target); err != nil {
		return status.Error(codes.InvalidArgument, "Invalid protocol buffer received.")
	}
	return nil
}

// badRequest refuses a request for what is wrong with its fields, in Google's form.
func badRequest(violations ...*errdetails.BadRequest_FieldViolation) error {
	lines := make([]string, len(violations))
	for i, v := range violations {
		lines[i] = v.GetDescription()
	}
	return invalidRequest(strings.Join(lines, "\n"), violations)
}

func invalidRequest(message string, violations []*errdetails.BadRequest_FieldViolation) error {
	st := status.New(codes.InvalidArgument, bounded(message))
	if detailed, err := st.WithDetails(&errdetails.BadRequest{FieldViolations: violations}); err == nil {
		st = detailed
	}
	return st.Err()
}

// requestParams returns the query parameters that are fields of a request: all but Google's system parameters.
func requestParams(query url.Values) url.Values {
	params := make(url.Values, len(query))
	for key, values := range query {
		if strings.HasPrefix(key, "$") {
			continue
		}
		switch key {
		case "access_token", "alt", "bearer_token", "callback", "fields", "key", "oauth_token", "pp", "prettyPrint", "quotaUser",
			"uploadType", "upload_protocol", "userIp":
			continue
		}
		params[key] = values
	}
	return params
}

// decodeQuery sets fields of req from query parameters. A request whose body is all of it has none.
func decodeQuery(params url.Values, req proto.Message, body string) error {
	var violations []*errdetails.BadRequest_FieldViolation
	keys := make([]string, 0, len(params))
	for key := range params {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		first, _, _ := strings.Cut(key, ".")
		var err error
		if body == "*" || first == body {
			err = errNoField
		} else {
			err = setField(req, key, params[key])
		}
		switch {
		case errors.Is(err, errNoField):
			violations = append(violations, &errdetails.BadRequest_FieldViolation{Description: bounded(
				"Invalid JSON payload received. Unknown name " + quote(key) + ": Cannot bind query parameter. Field '" + key +
					"' could not be found in request message.")})
		case err != nil:
			violations = append(violations, &errdetails.BadRequest_FieldViolation{Field: key, Description: bounded(err.Error())})
		}
	}
	if len(violations) > 0 {
		return badRequest(violations...)
	}
	return nil
}

var errNoField = errors.New("no such field")

// setField sets the field of m that path names ("queue.name"), in either spelling of its parts.
func setField(m proto.Message, path string, values []string) error {
	target := m.ProtoReflect()
	var names []string // as the definition spells them
	parts := strings.Split(path, ".")
	for i, part := range parts {
		field := fieldNamed(target.Descriptor(), part)
		if field == nil {
			return errNoField
		}
		names = append(names, string(field.Name()))
		if i < len(parts)-1 {
			if field.Message() == nil || field.IsList() || field.IsMap() {
				return errNoField
			}
			target = target.Mutable(field).Message()
			continue
		}
		return setText(target, field, strings.Join(names, "."), values)
	}
	return errNoField
}

func fieldNamed(d protoreflect.MessageDescriptor, name string) protoreflect.FieldDescriptor {
	if field := d.Fields().ByJSONName(name); field != nil {
		return field
	}
	return d.Fields().ByName(protoreflect.Name(name))
}

// setText sets a field from the text of a path or a query.
func setText(target protoreflect.Message, field protoreflect.FieldDescriptor, path string, values []string) error {
	if isMask(field) && len(values) == 1 && values[0] == "*" { // which protojson does not read
		target.Set(field, protoreflect.ValueOfMessage((&fieldmaskpb.FieldMask{Paths: []string{"*"}}).ProtoReflect()))
		return nil
	}
	texts := make([]json.RawMessage, len(values))
	for i, value := range values {
		texts[i] = jsonOf(field, value)
	}
	raw, _ := json.Marshal(texts) // of strings and literals that jsonOf has made
	if !field.IsList() {
		raw = texts[len(texts)-1]
	}
	object, _ := json.Marshal(map[string]json.RawMessage{field.JSONName(): raw})
	parsed := target.New()
	if field.IsMap() || protojson.Unmarshal(object, parsed.Interface()) != nil {
		return errors.New(invalidValue(field, path, quote(strings.Join(values, ","))))
	}
	target.Set(field, parsed.Get(field))
	return nil
}

// jsonOf returns a parameter's value as JSON that protojson reads.
func jsonOf(field protoreflect.FieldDescriptor, value string) json.RawMessage {
	switch {
	case field.Kind() == protoreflect.BoolKind:
		if b, err := strconv.ParseBool(value); err == nil {
			return strconv.AppendBool(nil, b)
		}
	case field.Kind() == protoreflect.EnumKind:
		if n, err := strconv.ParseInt(value, 10, 32); err == nil {
			return strconv.AppendInt(nil, n, 10)
		}
	case isMask(field):
		value = camelCase(value)
	}
	return []byte(quote(value))
}

func isMask(field protoreflect.FieldDescriptor) bool {
	return field.Message() != nil && field.Message().FullName() == "google.protobuf.FieldMask"
}

// camelCase spells the names of a field mask as JSON does, which is the only spelling that protojson reads.
func camelCase(mask string) string {
	var out strings.Builder
	upper := false
	for _, c := range mask {
		switch {
		case c == '_':
			upper = true
			continue
		case upper:
			c = unicode.ToUpper(c)
		}
		upper = false
		out.WriteRune(c)
	}
	return out.String()
}

// quote returns s as a JSON string.
func quote(s string) string {
	raw, _ := json.Marshal(s) // no string fails: invalid UTF-8 is replaced
	return string(raw)
}
