// Package source reads the packages that are generated for: it finds them, parses them, follows what their tasks consist of, and has it
// type-checked. Nothing but that needs to compile.
package source

import (
	"bytes"
	"cmp"
	"path/filepath"
	"regexp"

	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
)

// DefaultOutput is the name of the generated file in each package.
const DefaultOutput = "cloudtask_gen.go"

// Config says what to read.
type Config struct {
	Dir      string   // working directory, absolute
	Env      []string // of the go command; nil: the process's
	Tags     string   // build tags, comma-separated
	Output   string   // file name of the output in each package; "": DefaultOutput
	Patterns []string // packages as the go command takes them
	Overlay  Overlay  // that sources are read through
}

// OutputName returns the file name of the output.
func (c *Config) OutputName() string { return cmp.Or(c.Output, DefaultOutput) }

// IsOwn reports whether the generator wrote a file. What people and tools put in front since does not matter: a byte order mark, a
// licence, the marks of a merge. A file without content may be what is left of the output, where it has its name.
func (c *Config) IsOwn(name string, src []byte) bool {
	if c.isOutput(name) && len(bytes.TrimSpace(bytes.TrimPrefix(src, []byte("\ufeff")))) == 0 {
		return true
	}
	const far = 4096 // for a long licence
	i := bytes.Index(src[:min(len(src), far)], []byte(model.Header))
	if i < 0 {
		return false
	}
	before, after := src[:i], src[i+len(model.Header):]
	wholeLine := (i == 0 || before[i-1] == '\n' || bytes.Equal(before, []byte("\ufeff"))) &&
		(len(after) == 0 || after[0] == '\n' || after[0] == '\r')
	return wholeLine && !packageClause.Match(before)
}

// isOutput reports whether a file has the output's name, or the name that it has by default.
func (c *Config) isOutput(name string) bool {
	base := filepath.Base(name)
	return base == c.OutputName() || base == DefaultOutput
}

// packageClause finds where the code of a file begins.
var packageClause = regexp.MustCompile(`(?m)^package\b`)
