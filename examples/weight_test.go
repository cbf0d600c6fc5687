package examples_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRuntimeIsLight checks that programs that only run tasks, enqueue through another backend or test tasks link no gRPC, protobuf or
// Google API package.
func TestRuntimeIsLight(t *testing.T) {
	t.Parallel()
	list := func(args ...string) {
		for dep := range strings.FieldsSeq(run(t, root, "go", append([]string{"list", "-deps"}, args...)...)) {
			for _, heavy := range []string{
				"google.golang.org/", "cloud.google.com/", "github.com/googleapis/", "go.opentelemetry.io/", modulePath + "/gen", modulePath + "/templates",
			} {
				if strings.HasPrefix(dep, heavy) {
					t.Errorf("%v: depends on %s", args, dep)
				}
			}
		}
	}
	list("./runtime/cloudtask", "./runtime/localqueue", "./runtime/cloudtasktest", "./examples/services/worker")
	list("-test", "./examples/shop", "./examples/tour/tasks", "./examples/tour/documents") // test binaries
}

// TestProgramsHaveNothingForTests checks that the compiled code of a package has none of the functions that are generated for tests,
// not even for the linker to drop.
func TestProgramsHaveNothingForTests(t *testing.T) {
	t.Parallel()
	archive := run(t, root, "go", "list", "-export", "-f", "{{.Export}}", "./examples/tour/tasks")
	symbols := run(t, root, "go", "tool", "nm", strings.TrimSpace(archive))
	if !strings.Contains(symbols, "tasks.EnqueueCloseAccountAsap") || strings.Contains(symbols, "Enqueued") {
		t.Errorf("the package has Enqueued functions, or lacks those that it should have:\n%s", symbols)
	}
}

// TestHandlerIsSmall compares the size of a service that only runs tasks with that of a bare web server.
func TestHandlerIsSmall(t *testing.T) {
	t.Parallel()
	const limit = 3 << 20
	dir := t.TempDir()
	writeModule(t, dir, "example.com/weight")
	files := map[string]string{
		"bare/main.go": `package main

import (
	"log"
	"net/http"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("hello")) })
	log.Fatal(http.ListenAndServe(":8080", nil))
}
`,
		"tasks/main.go": `package main

import (
	"context"
	"log"
	"net/http"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

//cloudtask:task queue=emails timeout=5m
type SendWelcomeEmail struct {
	UserID        int64  ` + "`json:\"user_id\"`" + `
	CustomMessage string ` + "`json:\"custom_message,omitempty\"`" + `
}

func (t SendWelcomeEmail) Run(ctx context.Context) error { return nil }

func main() {
	cfg, err := cloudtask.ConfigFromEnv()
	if err != nil {
		log.Fatal(err)
	}
	handler, err := NewHandler(cfg)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe(":8080", handler))
}
`,
	}
	for name, content := range files {
		if err := writeFile(filepath.Join(dir, name), []byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	run(t, dir, "go", "tool", "cloudtaskgen", "./...")
	run(t, dir, "go", "build", "-o", "bin/", "./...")
	bare, tasks := size(t, filepath.Join(dir, "bin", "bare")), size(t, filepath.Join(dir, "bin", "tasks"))
	t.Logf("bare net/http: %.1f MB, with tasks: %.1f MB, difference %.1f MB", mb(bare), mb(tasks), mb(tasks-bare))
	if tasks-bare > limit {
		t.Errorf("a service that runs tasks is %.1f MB larger than a bare one, want at most %.1f MB", mb(tasks-bare), mb(limit))
	}
}

func mb(bytes int64) float64 { return float64(bytes) / (1 << 20) }

func size(t *testing.T, name string) int64 {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}
