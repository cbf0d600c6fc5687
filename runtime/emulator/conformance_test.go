package emulator_test

import (
	"flag"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var devCommand = flag.String("dev", "", "run the conformance suite against `COMMAND` dev -strict, a built cloudtask, in place of this process")

// cases are named after what is known of Cloud Tasks: section and subject.
type cases map[string]func(*testing.T)

// conformance is the behaviour of Cloud Tasks that clients can see, a case for each line of what is known of it. Each case
// has a strict service of its own and sees it from without: through the official client, plain HTTP, the control API
// for the time, and as the worker that tasks go to.
func conformance() cases {
	all := make(cases)
	for _, some := range []cases{
		methodCases(), adminCases(), queueCases(), refusalCases(), storedCases(), lifeCases(), batchCases(), restCases(),
		headerCases(), outcomeCases(), retryCases(), limitCases(), runCases(), targetCases(), appEngineCases(),
	} {
		for name, run := range some {
			if all[name] != nil {
				panic("two cases are named " + name)
			}
			all[name] = run
		}
	}
	return all
}

func TestConformance(t *testing.T) {
	t.Parallel()
	all := conformance()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all[name](t)
		})
	}
}

// The command conforms as the service in this process does: every case again, against a process of its own.
func TestConformanceOfTheCommand(t *testing.T) {
	t.Parallel()
	if *devCommand != "" {
		return // this is the other process: it has run them
	}
	command := filepath.Join(t.TempDir(), "cloudtask")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", command, "github.com/cloudtaskgen/cloudtaskgen/cmd/cloudtask").CombinedOutput(); err != nil {
		t.Fatalf("building the command: %v\n%s", err, out)
	}
	began := time.Now()
	out, err := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestConformance$", "-test.v", "-dev="+command).CombinedOutput()
	ran := strings.Count(string(out), "--- PASS: TestConformance/")
	if err != nil {
		t.Fatalf("%v\n%s", err, failures(string(out)))
	}
	if want := len(conformance()); ran < want {
		t.Errorf("%d cases ran, want %d", ran, want)
	}
	t.Logf("%d cases in %v", ran, time.Since(began))
}

// failures leaves out what passed.
func failures(output string) string {
	return strings.Join(slices.DeleteFunc(strings.SplitAfter(output, "\n"), func(line string) bool {
		return strings.HasPrefix(strings.TrimSpace(line), "--- PASS") || strings.HasPrefix(line, "=== ")
	}), "")
}
