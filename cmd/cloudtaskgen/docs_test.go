package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/cloudtaskgen/cloudtaskgen/cmd/internal/cli"
)

// Every call of the command in the manual is one that it understands. It is not made: -h, which comes after its flags,
// has the command say what it would understand.
func TestDocumentedCommands(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob(filepath.Join("..", "..", "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	// In code, after a prompt, in a list of arguments.
	call := regexp.MustCompile(`(?:go tool cloudtaskgen|tool, cloudtaskgen,) ([^\n` + "`" + `\]]*)`)
	word := regexp.MustCompile(`'[^']*'|[^\s']+`)
	found := 0
	for _, page := range append(pages, filepath.Join("..", "..", "README.md")) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range call.FindAllStringSubmatch(string(text), -1) {
			args, _, _ := strings.Cut(m[1], "#")
			words := word.FindAllString(strings.ReplaceAll(args, ",", ""), -1)
			// The patterns come last.
			if i := slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(w, ".") }); i >= 0 {
				words = words[:i]
			}
			found++
			var stdout, stderr bytes.Buffer
			if code := program().Run(t.Context(), append(words, "-h"), cli.Streams{Out: &stdout, Err: &stderr}); code != cli.ExitOK {
				t.Errorf("%s: %s: exit %d, %s", page, m[0], code, &stderr)
			}
		}
	}
	if found < 5 {
		t.Errorf("%d calls of the command in the manual, want more", found)
	}
}

// The recipes are YAML that a CI could read.
func TestDocumentedRecipes(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "ci.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(blocks) < 3 {
		t.Fatalf("%d recipes, want more", len(blocks))
	}
	for _, block := range blocks {
		var recipe struct {
			Jobs map[string]struct {
				Steps []struct{ Uses, Run string }
			}
			Steps []struct {
				ID, Name, Entrypoint string
				Args                 []string
			}
		}
		if err := yaml.Unmarshal([]byte(block[1]), &recipe); err != nil {
			t.Errorf("%v in\n%s", err, block[1])
		}
		for _, step := range recipe.Steps {
			if step.Name == "" || step.Entrypoint == "" || len(step.Args) == 0 {
				t.Errorf("a step of Cloud Build without a part: %+v", step)
			}
		}
		for _, job := range recipe.Jobs {
			for _, step := range job.Steps {
				if (step.Uses == "") == (step.Run == "") {
					t.Errorf("a step of GitHub Actions uses or runs something: %+v", step)
				}
			}
		}
		if len(recipe.Jobs)+len(recipe.Steps) == 0 {
			t.Errorf("nothing is done in\n%s", block[1])
		}
	}
}
