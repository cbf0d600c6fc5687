package gen_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/cloudtaskgen/cloudtaskgen/gen"
)

// TestCodecGolden generates the packages of testdata/codec, whose codecs the tests of package templates run.
// "go run ./cmd/cloudtaskgen ./testdata/codec/..." writes them anew.
func TestCodecGolden(t *testing.T) {
	t.Parallel()
	result, err := gen.Generate(t.Context(), gen.Options{Dir: "..", Patterns: []string{"./testdata/codec/..."}})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range result.Diagnostics {
		t.Error(d.Format(result.Dir))
	}
	var diff bytes.Buffer
	if stale, err := result.Diff(&diff); err != nil || len(stale) > 0 {
		t.Errorf("error %v, stale:\n%s", err, &diff)
	}
	if len(result.Files) != 5 {
		t.Errorf("generated %d files, want 5", len(result.Files))
	}
}

// TestCodecDiagnostics compares what is reported of testdata/codec/bad.txtar with the comments in it.
func TestCodecDiagnostics(t *testing.T) {
	t.Parallel()
	archive, err := txtar.ParseFile("../testdata/codec/bad.txtar")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	want := make(map[string]string) // by file:line
	comment := regexp.MustCompile(`// want (".*")`)
	for _, file := range archive.Files {
		path := filepath.Join(dir, filepath.FromSlash(file.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, file.Data, 0o666); err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(file.Data), "\n") {
			if match := comment.FindStringSubmatch(line); match != nil {
				text, err := strconv.Unquote(match[1])
				if err != nil {
					t.Fatalf("%s: %v", line, err)
				}
				want[fmt.Sprintf("%s:%d", file.Name, i+1)] = text
			}
		}
	}
	result, err := gen.Generate(t.Context(), gen.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range result.Diagnostics {
		name, err := filepath.Rel(result.Dir, d.Pos.File)
		if err != nil {
			t.Fatal(err)
		}
		at := fmt.Sprintf("%s:%d", filepath.ToSlash(name), d.Pos.Line)
		text, ok := want[at]
		if !ok || !strings.HasPrefix(d.Message, text) {
			t.Errorf("%s\n\twant %q", d.Format(result.Dir), text)
		}
		delete(want, at)
	}
	for at, text := range want {
		t.Errorf("%s: nothing is reported, want %s", at, text)
	}
}
