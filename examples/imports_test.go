package examples_test

import (
	"slices"
	"strings"
	"testing"
)

// mayImport lists which packages of this module each package may import. CONTRIBUTING.md has a diagram of them.
var mayImport = map[string]string{
	"gen/model":     "",
	"gen/diag":      "gen/model",
	"gen/directive": "gen/diag",
	"gen/source":    "gen/diag gen/directive gen/model",
	"gen":           "gen/diag gen/directive gen/model gen/source templates",
	"gen/memory":    "gen gen/directive gen/source",
	"gen/lock":      "gen gen/diag gen/lock/trial gen/model gen/source",
	"templates":     "gen/model",

	"runtime/internal/ended":        "",
	"runtime/internal/failedanswer": "",
	"runtime/internal/guard":        "",
	"runtime/internal/inproc":       "runtime/internal/rules",
	"runtime/internal/rules":        "",
	"runtime/predeclared":           "",
	"runtime/taskjson":              "",
	"runtime/issuer":                "",

	"runtime/cloudtask": "runtime/internal/ended runtime/internal/failedanswer runtime/internal/inproc runtime/internal/rules runtime/taskjson",
	"runtime/gcp":       "runtime/cloudtask runtime/internal/ended runtime/internal/rules",

	"runtime/resource": "runtime/cloudtask runtime/internal/rules",

	"runtime/localqueue/internal/wal": "",
	"runtime/localqueue": "runtime/cloudtask runtime/internal/failedanswer runtime/internal/inproc runtime/internal/rules " +
		"runtime/localqueue/internal/wal runtime/resource",
	"runtime/emulator":      "runtime/cloudtask runtime/internal/guard runtime/internal/rules runtime/issuer runtime/localqueue runtime/resource",
	"runtime/console":       "runtime/cloudtask runtime/internal/guard runtime/internal/rules runtime/localqueue runtime/resource",
	"runtime/cloudtasktest": "runtime/cloudtask runtime/internal/rules runtime/issuer runtime/localqueue runtime/resource",
	"runtime/queueyaml":     "runtime/internal/rules runtime/resource",

	"cmd/internal/cli": "",
	"cmd/cloudtaskgen": "cmd/internal/cli gen gen/diag gen/directive gen/lock gen/memory templates",
	"cmd/cloudtask": "cmd/internal/cli runtime/cloudtask runtime/console runtime/emulator runtime/gcp runtime/issuer runtime/localqueue " +
		"runtime/queueyaml runtime/resource",

	"gen/lock/trial": "", // runs within tests of users' packages
}

// TestImports checks the imports between packages. Tests may import anything.
func TestImports(t *testing.T) {
	t.Parallel()
	const format = `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`
	seen := map[string]bool{}
	for line := range strings.Lines(run(t, root, "go", "list", "-f", format, "./gen/...", "./templates/...", "./runtime/...", "./cmd/...")) {
		var own []string
		for path := range strings.FieldsSeq(line) {
			if path, ok := strings.CutPrefix(path, modulePath+"/"); ok {
				own = append(own, path)
			}
		}
		pkg := own[0]
		allowed, known := mayImport[pkg]
		if !known {
			t.Errorf("%s is missing from mayImport: list what it may import, and add it to CONTRIBUTING.md", pkg)
		}
		seen[pkg] = true
		for _, path := range own[1:] {
			if !slices.Contains(strings.Fields(allowed), path) {
				t.Errorf("%s imports %s, which mayImport does not allow", pkg, path)
			}
		}
	}
	for pkg := range mayImport {
		if !seen[pkg] {
			t.Errorf("mayImport has %s, which does not exist", pkg)
		}
	}
}
