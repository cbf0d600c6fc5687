package cloudtask

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
)

// redactJSON replaces the values of the fields, as [FailureFiles].RedactFields describes it, and returns the paths of
// those that it found. The text stays as it is where it found none.
func redactJSON(text []byte, fields []string) (out []byte, paths []string, err error) {
	if !json.Valid(text) { // which bounds the depth, too
		return nil, nil, errors.New("not JSON")
	}
	r := redaction{in: json.NewDecoder(bytes.NewReader(text)), fields: fields}
	r.in.UseNumber()
	if err := r.value("", false); err != nil {
		return nil, nil, err
	}
	if len(r.paths) == 0 {
		return text, nil, nil
	}
	return bytes.TrimRight(r.out.Bytes(), "\n"), r.paths, nil
}

// redaction copies JSON token by token, so that what it leaves alone keeps its order and its numbers their digits.
type redaction struct {
	in     *json.Decoder
	out    bytes.Buffer
	fields []string
	paths  []string // found so far
}

// value copies the next value, which is at path. Below a field that is hidden everything is.
func (r *redaction) value(path string, hide bool) error {
	token, err := r.in.Token()
	if err != nil {
		return err
	}
	switch t := token.(type) {
	case json.Delim:
		return r.composite(t, path, hide)
	case string:
		if hide {
			t = "REDACTED"
		}
		return r.write(t)
	case json.Number:
		if hide {
			t = "0"
		}
		return r.write(t)
	case bool:
		return r.write(t && !hide)
	}
	return r.write(token) // null
}

// composite copies the rest of an object or a list.
func (r *redaction) composite(open json.Delim, path string, hide bool) error {
	r.out.WriteRune(rune(open))
	for first := true; r.in.More(); first = false {
		if !first {
			r.out.WriteByte(',')
		}
		at, hidden := path, hide
		if open == '{' {
			key, err := r.in.Token()
			if err != nil {
				return err
			}
			name := key.(string) // a valid text has nothing else there
			if err := r.write(name); err != nil {
				return err
			}
			r.out.WriteByte(':')
			at = strings.TrimPrefix(path+"."+name, ".")
			if !hide && r.isHidden(name, at) {
				hidden = true
				if !slices.Contains(r.paths, at) { // once for all elements of a list
					r.paths = append(r.paths, at)
				}
			}
		}
		if err := r.value(at, hidden); err != nil {
			return err
		}
	}
	end, err := r.in.Token()
	if err != nil {
		return err
	}
	r.out.WriteRune(rune(end.(json.Delim)))
	return nil
}

func (r *redaction) isHidden(name, path string) bool {
	return slices.ContainsFunc(r.fields, func(f string) bool { return strings.EqualFold(f, name) || strings.EqualFold(f, path) })
}

func (r *redaction) write(v any) error {
	encoder := json.NewEncoder(&r.out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return err
	}
	r.out.Truncate(r.out.Len() - 1) // the line break
	return nil
}
