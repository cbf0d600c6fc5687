package emulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// selection is the part of an answer that the parameter "fields" asks for: by name, as JSON spells it, with what is wanted
// of it; nil is all of it. The name "*" stands for every one.
type selection map[string]selection

// newSelection reads a mask such as "queues(name,state),nextPageToken", "queues/name" or "queues.name".
func newSelection(mask string) (selection, error) {
	wanted, rest, err := parseSelection(mask, 0)
	if err == nil && rest != "" {
		err = fmt.Errorf("unexpected %q", rest)
	}
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, bounded(fmt.Sprintf("Invalid field selection %s: %v", mask, err)))
	}
	return wanted, nil
}

// in returns the selection of parts of an answer, whose names may stand in either spelling; an error names those that
// the answer does not have.
func (s selection) in(answer protoreflect.MessageDescriptor) (selection, error) {
	var unknown []*errdetails.BadRequest_FieldViolation
	resolved := s.resolve(answer, "", func(path string) {
		unknown = append(unknown, &errdetails.BadRequest_FieldViolation{Field: bounded(path),
			Description: bounded("Error expanding 'fields' parameter. Cannot find matching fields for path '" + path + "'.")})
	})
	if len(unknown) == 0 {
		return resolved, nil
	}
	slices.SortFunc(unknown, func(a, b *errdetails.BadRequest_FieldViolation) int {
		return strings.Compare(a.GetField(), b.GetField())
	})
	return nil, invalidRequest("Request contains an invalid argument.", unknown)
}

// resolve returns the selection with the names of JSON, and reports paths that lead nowhere.
func (s selection) resolve(d protoreflect.MessageDescriptor, path string, report func(path string)) selection {
	out := make(selection, len(s))
	for name, inner := range s {
		path := join(path, name)
		field := fieldNamed(d, name)
		switch {
		case name == "*": // whose parts are those of several messages
			out.add(name, inner)
		case field == nil:
			report(path)
		case inner == nil, field.IsMap():
			out.add(field.JSONName(), inner)
		case field.Message() == nil:
			report(join(path, inner.any()))
		case wellKnown(field.Message()): // such as an Any, which may hold anything
			out.add(field.JSONName(), inner)
		default:
			out.add(field.JSONName(), inner.resolve(field.Message(), path, report))
		}
	}
	return out
}

// any returns one of the names.
func (s selection) any() string { return slices.Min(slices.Collect(maps.Keys(s))) }

// ofJSON returns the selected parts of an answer.
func (s selection) ofJSON(raw []byte) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, fmt.Errorf("reading an answer: %w", err)
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	part, _ := s.of(value) // an answer is an object
	if err := encoder.Encode(part); err != nil {
		return nil, fmt.Errorf("writing an answer: %w", err)
	}
	return bytes.TrimSpace(out.Bytes()), nil
}

const maxSelectionDepth = 100

// parseSelection reads a list of names and returns what follows it.
func parseSelection(mask string, depth int) (wanted selection, rest string, err error) {
	if depth > maxSelectionDepth {
		return nil, "", fmt.Errorf("more than %d levels", maxSelectionDepth)
	}
	wanted = make(selection)
	for {
		n := strings.IndexAny(mask, ",/.()")
		if n < 0 {
			n = len(mask)
		}
		name := mask[:n]
		if name == "" {
			return nil, "", fmt.Errorf("a name is missing before %q", mask)
		}
		var inner selection
		switch mask = mask[n:]; {
		case strings.HasPrefix(mask, "/"), strings.HasPrefix(mask, "."):
			inner, mask, err = parsePath(mask[1:], depth+1)
		case strings.HasPrefix(mask, "("):
			inner, mask, err = parseSelection(mask[1:], depth+1)
			if err == nil && !strings.HasPrefix(mask, ")") {
				err = fmt.Errorf("a ) is missing")
			}
			mask = strings.TrimPrefix(mask, ")")
		}
		if err != nil {
			return nil, "", err
		}
		wanted.add(name, inner)
		if !strings.HasPrefix(mask, ",") {
			return wanted, mask, nil
		}
		mask = mask[1:]
	}
}

// parsePath reads one name, with what is wanted of it: what follows a slash or a dot.
func parsePath(mask string, depth int) (selection, string, error) {
	end := len(mask)
	level := 0
	for i, c := range mask {
		switch c {
		case '(':
			level++
		case ')':
			level--
		}
		if level < 0 || level == 0 && c == ',' {
			end = i
			break
		}
	}
	wanted, rest, err := parseSelection(mask[:end], depth)
	return wanted, rest + mask[end:], err
}

func (s selection) add(name string, inner selection) {
	existing, present := s[name]
	if !present || inner == nil {
		s[name] = inner
		return
	}
	for key, value := range inner {
		if existing != nil {
			existing.add(key, value)
		}
	}
}

// of returns the selected part of a JSON value; false means that there is none, as of a number that parts are asked of.
func (s selection) of(value any) (part any, found bool) {
	switch v := value.(type) {
	case []any:
		out := make([]any, 0, len(v))
		for _, element := range v {
			if part, found := s.of(element); found {
				out = append(out, part)
			}
		}
		return out, true
	case map[string]any:
		out := make(map[string]any)
		for key, member := range v {
			inner, wanted := s[key]
			if !wanted {
				inner, wanted = s["*"]
			}
			if wanted && inner != nil {
				member, wanted = inner.of(member)
			}
			if wanted {
				out[key] = member
			}
		}
		return out, true
	}
	return nil, false
}
