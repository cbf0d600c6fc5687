package lock_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/gen/lock"
)

// The manual lists the rules, and shows what they find. With UPDATE_DOCS set, the list is written.
func TestRulesPage(t *testing.T) {
	name := filepath.Join("..", "..", "docs", "compatibility.md")
	page, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	table.WriteString("| rule | tasks in flight | rolling deploy | what has changed |\n|---|---|---|---|\n")
	mark := map[bool]string{true: "breaks", false: ""}
	for _, r := range lock.Rules() {
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s |\n", r.ID, mark[r.InFlight], mark[r.Rolling], r.Purpose)
	}
	section := regexp.MustCompile(`(?s)(<!-- rules: [^\n]*-->\n\n)(.*)(\n<!-- end of rules -->\n)`)
	found := section.FindSubmatch(page)
	if found == nil {
		t.Fatalf("%s has no section of rules", name)
	}
	if os.Getenv("UPDATE_DOCS") != "" {
		page = section.ReplaceAll(page, []byte("${1}"+table.String()+"${3}"))
		if err := os.WriteFile(name, page, 0o666); err != nil {
			t.Fatal(err)
		}
	} else if diff := cmp.Diff(table.String(), string(found[2])); diff != "" {
		t.Errorf("%s (-rules +page); UPDATE_DOCS=1 go test ./gen/lock -run TestRulesPage mends it:\n%s", name, diff)
	}
	goldens, err := filepath.Glob(filepath.Join(cases, "*", "want.golden"))
	if err != nil {
		t.Fatal(err)
	}
	var wanted strings.Builder
	for _, golden := range goldens {
		text, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		wanted.Write(text)
	}
	shown := regexp.MustCompile(`(?m)^tasks\.go:.*$`).FindAllString(string(page), -1)
	if len(shown) == 0 {
		t.Errorf("%s shows no break", name)
	}
	for _, line := range shown {
		if !strings.Contains(wanted.String(), line+"\n") {
			t.Errorf("%s shows what no case finds: %s", name, line)
		}
	}
	// The task that it shows is in the examples' lock.
	locked, err := os.ReadFile(filepath.Join("..", "..", "examples", lock.FileName))
	if err != nil {
		t.Fatal(err)
	}
	task := regexp.MustCompile("(?s)```json\n(.*?)```").FindSubmatch(page)
	if task == nil || !strings.Contains(string(locked), string(task[1])) {
		t.Errorf("%s shows a task that the examples' lock does not have so", name)
	}
}
