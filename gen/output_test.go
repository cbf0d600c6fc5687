package gen_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudtaskgen/cloudtaskgen/gen"
	"github.com/cloudtaskgen/cloudtaskgen/gen/diag"
)

// Output that is left over is of no interest once another run has removed it.
func TestOrphansOfTwoRuns(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "cloudtask_gen.go")
	res := &gen.Result{Dir: dir, Orphans: []string{name}}
	if err := os.WriteFile(name, []byte("package p\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	diff := func() (string, []diag.Diagnostic) {
		var b strings.Builder
		found, err := res.Diff(&b)
		if err != nil {
			t.Fatal(err)
		}
		return b.String(), found
	}
	if text, found := diff(); text == "" || len(found) != 1 {
		t.Errorf("there: diff %q, found %v", text, found)
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if text, found := diff(); text != "" || len(found) != 0 {
		t.Errorf("gone: diff %q, found %v", text, found)
	}
	if _, err := res.Commit(); err != nil {
		t.Error(err)
	}
}
