package gen_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudtaskgen/cloudtaskgen/gen"
)

// BenchmarkGenerate is -check over 200 packages whose generated files do not exist, with code that uses them.
func BenchmarkGenerate(b *testing.B) {
	m := benchModule{b.TempDir()}
	for i := range 200 {
		m.write(b, fmt.Sprintf("p%d/tasks.go", i), fmt.Sprintf(`package p%[1]d

import (
	"context"
	"time"
)

type App struct{}

//cloudtask:task queue=emails timeout=5m
type Task%[1]d struct {
	UserID int64     `+"`json:\"user_id\"`"+`
	At     time.Time `+"`json:\"at\"`"+`
	Items  []Item    `+"`json:\"items,omitempty\"`"+`
}

type Item struct {
	SKU   string            `+"`json:\"sku\"`"+`
	Props map[string]string `+"`json:\"props,omitempty\"`"+`
	Parts []*Item           `+"`json:\"parts,omitempty\"`"+`
}

func (t Task%[1]d) Run(ctx context.Context, app *App) error {
	_, err := EnqueueTask%[1]dAsap(ctx, nil, t)
	return err
}
`, i))
	}
	m.generate(b, 200)
}

// BenchmarkConstants is a task with 2,000 declared string types of one package, each with constants and methods for its text.
func BenchmarkConstants(b *testing.B) {
	m := benchModule{b.TempDir()}
	var words, fields strings.Builder
	words.WriteString("package words\n")
	fields.WriteString("package tasks\n\nimport \"example.com/many/words\"\n\n//cloudtask:task\ntype Task struct {\n")
	for i := range 2000 {
		fmt.Fprintf(&words, `
type W%[1]d string

const (
	W%[1]dA W%[1]d = "a"
	W%[1]dB W%[1]d = "b"
	W%[1]dC W%[1]d = "c"
)

func (w W%[1]d) MarshalText() ([]byte, error) { return []byte(w), nil }
func (w *W%[1]d) UnmarshalText(text []byte) error {
	*w = W%[1]d(text)
	return nil
}
`, i)
		fmt.Fprintf(&fields, "\tF%[1]d words.W%[1]d\n", i)
	}
	fields.WriteString("}\n")
	m.write(b, "words/words.go", words.String())
	m.write(b, "tasks/tasks.go", fields.String())
	m.generate(b, 1)
}

// A benchModule is a module that is generated for again and again.
type benchModule struct{ dir string }

func (m benchModule) write(b *testing.B, name, content string) {
	b.Helper()
	name = filepath.Join(m.dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o666); err != nil {
		b.Fatal(err)
	}
}

// generate measures generating for the whole module, which has so many packages with tasks.
func (m benchModule) generate(b *testing.B, packages int) {
	b.Helper()
	m.write(b, "go.mod", "module example.com/many\n\ngo 1.26\n")
	for b.Loop() {
		res, err := gen.Generate(b.Context(), gen.Options{Dir: m.dir, Env: append(os.Environ(), "GOWORK=off"), Patterns: []string{"./..."}})
		if err != nil {
			b.Fatal(err)
		}
		if len(res.Diagnostics) > 0 || len(res.Files) != packages {
			b.Fatalf("%d files, diagnostics %v", len(res.Files), res.Diagnostics)
		}
	}
}
