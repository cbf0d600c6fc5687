package gen_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/cloudtaskgen/cloudtaskgen/gen"
)

// BenchmarkGenerate is -check over 200 packages whose generated files do not exist, with code that uses them.
func BenchmarkGenerate(b *testing.B) {
	dir := b.TempDir()
	write := func(name, content string) {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o666); err != nil {
			b.Fatal(err)
		}
	}
	write("go.mod", "module example.com/many\n\ngo 1.26\n")
	for i := range 200 {
		write(fmt.Sprintf("p%d/tasks.go", i), fmt.Sprintf(`package p%[1]d

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
	for b.Loop() {
		res, err := gen.Generate(b.Context(), gen.Options{Dir: dir, Env: append(os.Environ(), "GOWORK=off"), Patterns: []string{"./..."}})
		if err != nil {
			b.Fatal(err)
		}
		if len(res.Diagnostics) > 0 || len(res.Files) != 200 {
			b.Fatalf("%d files, diagnostics %v", len(res.Files), res.Diagnostics)
		}
	}
}
