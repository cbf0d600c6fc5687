package directive

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
)

// like matches comments that are directives or that their author may have meant as one: other spellings of the
// tool's name, in any case, with spaces where none belong, and without the colon.
var like = regexp.MustCompile(`^(//|/\*)([ \t]*\+?)((?i:cloud[-_]?tasks?(?:gen)?))[ \t]*(:?)([ \t]*)([^\s:*]*)`)

// MayHave reports whether a file is worth parsing, from its bytes. It is wider than what like accepts.
func MayHave(src []byte) bool {
	for _, mark := range []string{"//", "/*"} {
		for rest := src; ; {
			i := bytes.Index(rest, []byte(mark))
			if i < 0 {
				break
			}
			rest = rest[i+len(mark):]
			if word := bytes.TrimLeft(rest, " \t+"); len(word) >= 5 && bytes.EqualFold(word[:5], []byte("cloud")) {
				return true
			}
		}
	}
	return false
}

// IsLike reports whether a comment's text is, or was meant to be, a directive.
func IsLike(text string) bool {
	m := like.FindStringSubmatch(text)
	if m == nil {
		return false
	}
	mark, before, tool, colon, after, name := m[1], m[2], m[3], m[4], m[5], m[6]
	known := slices.ContainsFunc(table(), func(d spec) bool { return strings.EqualFold(d.name, name) })
	switch {
	case mark == "/*", !strings.EqualFold(tool, Tool):
		return colon != "" && after == "" && known
	case colon == "":
		// Code that was commented out may begin with the package's name.
		return before == "" && (after != "" && known || strings.TrimSpace(text) == mark+tool)
	}
	// "// cloudtask: some words" is prose, unless the word is a directive's name.
	return before == "" && tool != "Cloudtask" || after == "" && name != "" || known
}
