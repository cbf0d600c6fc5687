package emulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// selection is the part of an answer that the parameter "fields" asks for: by name, with what is wanted of it; nil is
// all of it. The name "*" stands for every one.
type selection map[string]selection

// newSelection reads a mask such as "queues(name,state),nextPageToken" or "queues/name".
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
	if err := encoder.Encode(s.of(value)); err != nil {
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
		n := strings.IndexAny(mask, ",/()")
		if n < 0 {
			n = len(mask)
		}
		name := mask[:n]
		if name == "" {
			return nil, "", fmt.Errorf("a name is missing before %q", mask)
		}
		var inner selection
		switch mask = mask[n:]; {
		case strings.HasPrefix(mask, "/"):
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

// parsePath reads one name, with what is wanted of it: what follows a slash.
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

// of returns the selected part of a JSON value.
func (s selection) of(value any) any {
	switch v := value.(type) {
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = s.of(v[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any)
		for key, member := range v {
			inner, wanted := s[key]
			if !wanted {
				inner, wanted = s["*"]
			}
			switch {
			case !wanted:
			case inner == nil:
				out[key] = member
			default:
				out[key] = inner.of(member)
			}
		}
		return out
	}
	return value
}
