package source

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cloudtaskgen/cloudtaskgen/gen/diag"
)

// goFlags returns the flags that GOFLAGS gives the go command, be it in the environment or in the file that go env -w writes.
func goFlags(env []string) []string {
	if env == nil {
		env = os.Environ()
	}
	text, file := "", ""
	for _, pair := range env {
		if value, ok := strings.CutPrefix(pair, "GOFLAGS="); ok {
			text = value
		}
		if value, ok := strings.CutPrefix(pair, "GOENV="); ok {
			file = value
		}
	}
	if text == "" && file != "off" {
		text = savedGoFlags(file)
	}
	return splitFlags(text)
}

// savedGoFlags returns the GOFLAGS of a file that go env -w has written; "": the user's.
func savedGoFlags(file string) string {
	if file == "" {
		dir, err := os.UserConfigDir()
		if err != nil {
			return ""
		}
		file = filepath.Join(dir, "go", "env")
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(data)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), "GOFLAGS="); ok {
			return value
		}
	}
	return ""
}

// splitFlags splits GOFLAGS as the go command does: at white space, but for what is in quotes, which begin and end a flag.
func splitFlags(text string) []string {
	var flags []string
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		if quote := text[0]; quote == '\'' || quote == '"' {
			flag, rest, closed := strings.Cut(text[1:], string(quote))
			if !closed {
				return append(flags, text) // which is for the go command to refuse
			}
			flags, text = append(flags, flag), rest
			continue
		}
		end := strings.IndexAny(text, " \t\r\n")
		if end < 0 {
			end = len(text)
		}
		flags, text = append(flags, text[:end]), text[end:]
	}
	return flags
}

// isFlag reports whether a flag has a name, with one dash or two.
func isFlag(flag, name string) bool {
	given, _, _ := strings.Cut(flag, "=")
	return given == "-"+name || given == "--"+name
}

// flagValue returns the value that the last flag of a name has; "": there is none.
func flagValue(flags []string, name string) string {
	for _, flag := range slices.Backward(flags) {
		if isFlag(flag, name) {
			_, value, _ := strings.Cut(flag, "=")
			return value
		}
	}
	return ""
}

// withoutModfile returns what go/packages is given in place of GOFLAGS with -modfile. It also runs the go command outside of
// modules, where the go command refuses that flag in GOFLAGS; on its own it comes with the other calls only.
func withoutModfile(env []string) (changed, buildFlags []string) {
	flags := goFlags(env)
	modfile := flagValue(flags, "modfile")
	if modfile == "" {
		return env, nil
	}
	if env == nil {
		env = os.Environ()
	}
	// An empty variable would be taken for none, and a saved one in its place.
	var rest strings.Builder
	rest.WriteString("-v=false")
	for _, flag := range flags {
		switch {
		case isFlag(flag, "modfile"):
		case !strings.ContainsAny(flag, " \t'\""):
			rest.WriteString(" " + flag)
		case strings.Contains(flag, "'"):
			rest.WriteString(` "` + flag + `"`)
		default:
			rest.WriteString(" '" + flag + "'")
		}
	}
	return append(slices.Clone(env), "GOFLAGS="+rest.String()), []string{"-modfile=" + modfile}
}

// An Overlay is what the flag -overlay of the go command has it see in place of files, by their absolute paths: other files, or
// none where the path is "".
type Overlay map[string]string

// ReadOverlay returns the overlay that GOFLAGS names, relative to a working directory; none when there is none.
func ReadOverlay(dir string, env []string) (Overlay, error) {
	name := flagValue(goFlags(env), "overlay")
	if name == "" {
		return nil, nil
	}
	data, err := os.ReadFile(absolute(name, dir))
	if err != nil {
		return nil, fmt.Errorf("-overlay of GOFLAGS: %w", diag.RelativeError(err, dir))
	}
	var file struct{ Replace map[string]string }
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("-overlay=%s of GOFLAGS: %w", name, err)
	}
	overlay := Overlay{}
	for from, to := range file.Replace {
		if to != "" {
			to = absolute(to, dir)
		}
		overlay[filepath.Clean(absolute(from, dir))] = to
	}
	return overlay, nil
}

// ReadFile is os.ReadFile.
func (o Overlay) ReadFile(name string) ([]byte, error) {
	to, replaced := o[name]
	switch {
	case !replaced:
		return os.ReadFile(name)
	case to == "":
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return os.ReadFile(to)
}

// goFiles returns the Go files in a folder, whatever the go command makes of them. Links to what is no file are none: an
// editor's lock of a file is a link that leads nowhere.
func (o Overlay) goFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && (!os.IsNotExist(err) || len(o) == 0) {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		name := filepath.Join(dir, e.Name())
		if _, replaced := o[name]; replaced || filepath.Ext(name) != ".go" || e.IsDir() {
			continue
		}
		if e.Type()&os.ModeSymlink != 0 {
			if info, err := os.Stat(name); err != nil || info.IsDir() {
				continue
			}
		}
		names = append(names, name)
	}
	for name, to := range o {
		if to != "" && filepath.Dir(name) == dir && filepath.Ext(name) == ".go" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}
