package emulator

import (
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"
)

// pathTemplate is the path of a google.api.HttpRule: "/v2/{name=projects/*/locations/*/queues/*}:pause".
type pathTemplate struct {
	segments  []string // literals, "*" and, at the end only, "**"
	variables []pathVariable
	verb      string // after the colon; "" if there is none
}

// pathVariable is a field of the request that segments of the path make up.
type pathVariable struct {
	field    string // such as "queue.name"
	from, to int    // segments
}

// parsePathTemplate reads a template of the syntax that Cloud Tasks' rules use: every variable ends where a segment does.
func parsePathTemplate(text string) (pathTemplate, error) {
	var t pathTemplate
	rest, ok := strings.CutPrefix(text, "/")
	if i := strings.LastIndexByte(rest, ':'); i > strings.LastIndexAny(rest, "/}") {
		rest, t.verb = rest[:i], rest[i+1:]
	}
	for ok && rest != "" {
		if rest[0] != '{' {
			var literal string
			literal, rest, _ = strings.Cut(rest, "/")
			t.segments = append(t.segments, literal)
			continue
		}
		var variable string
		variable, rest, ok = strings.Cut(rest[1:], "}")
		field, pattern, given := strings.Cut(variable, "=")
		if !given {
			pattern = "*"
		}
		from := len(t.segments)
		t.segments = append(t.segments, strings.Split(pattern, "/")...)
		t.variables = append(t.variables, pathVariable{field, from, len(t.segments)})
		rest = strings.TrimPrefix(rest, "/")
	}
	if !ok || len(t.segments) == 0 {
		return t, fmt.Errorf("path template %q is malformed", text)
	}
	return t, nil
}

// match returns the values of the template's variables, in their order, if it matches a path that was split at its
// slashes and is still percent-encoded.
func (t pathTemplate) match(path []string, verb string) (values []string, ok bool) {
	if verb != t.verb || len(path) < len(t.segments) {
		return nil, false
	}
	for i, want := range t.segments {
		switch {
		case want == "**":
		case path[i] == "", want != "*" && want != path[i]:
			return nil, false
		}
	}
	last := len(t.segments) - 1
	if len(path) > len(t.segments) && t.segments[last] != "**" {
		return nil, false
	}
	for _, v := range t.variables {
		to := v.to
		if t.segments[to-1] == "**" {
			to = len(path)
		}
		value, err := decodeSegments(path[v.from:to])
		if err != nil {
			return nil, false
		}
		values = append(values, value)
	}
	return values, true
}

// decodeSegments undoes percent-encoding. In a value of several segments an encoded slash stays encoded, as Google's
// servers leave it: it would become a separator.
func decodeSegments(segments []string) (string, error) {
	joined := strings.Join(segments, "/")
	if len(segments) > 1 {
		joined = strings.NewReplacer("%2F", "%252F", "%2f", "%252f").Replace(joined)
	}
	value, err := url.PathUnescape(joined)
	if err == nil && !utf8.ValidString(value) {
		err = fmt.Errorf("path segment %q is not UTF-8", value)
	}
	return value, err
}
