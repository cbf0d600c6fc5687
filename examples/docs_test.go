package examples_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/examples/services/images"
	"github.com/cloudtaskgen/cloudtaskgen/examples/tour/tasks"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

// root is the path of the checkout from this package.
const root = ".."

// TestDocumentedCode checks that all Go code in README.md and docs/ is part of an example, here or in the package that it is about,
// which is compiled and run. A line "…" marks an omission. Spacing is ignored.
func TestDocumentedCode(t *testing.T) {
	var sources [][]string
	files := slices.Concat(
		find(t, filepath.Join(root, "examples"), ".go"),
		find(t, filepath.Join(root, "runtime"), "example_test.go"),
		find(t, filepath.Join(root, "testdata", "routers"), ".go"),
	)
	for _, name := range files {
		sources = append(sources, codeLines(read(t, name)))
	}
	for _, page := range pages(t) {
		for _, block := range blocks(read(t, page), "go") {
			for chunk := range strings.SplitSeq(block.text, "…\n") {
				want := codeLines(chunk)
				if !slices.ContainsFunc(sources, func(source []string) bool { return contains(source, want) }) {
					t.Errorf("%s:%d: this code is not part of any example:\n%s", page, block.line, chunk)
				}
			}
		}
	}
}

// TestDocumentedContainers checks that docs/docker.md shows the files of examples/services.
func TestDocumentedContainers(t *testing.T) {
	page := read(t, filepath.Join(root, "docs", "docker.md"))
	for language, name := range map[string]string{"dockerfile": "Dockerfile", "yaml": "compose.yaml"} {
		source := codeLines(read(t, filepath.Join(root, "examples", "services", name)))
		shown := blocks(page, language)
		if len(shown) == 0 {
			t.Errorf("docs/docker.md shows no %s", language)
		}
		for _, block := range shown {
			if !contains(source, codeLines(block.text)) {
				t.Errorf("docs/docker.md:%d: this is not in examples/services/%s:\n%s", block.line, name, block.text)
			}
		}
	}
}

// TestDocumentedLinks checks the targets of links between pages.
func TestDocumentedLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for _, page := range pages(t) {
		for _, match := range link.FindAllStringSubmatch(read(t, page), -1) {
			target, fragment, _ := strings.Cut(match[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			file := page
			if target != "" {
				file = filepath.Join(filepath.Dir(page), target)
			}
			info, err := os.Stat(file)
			if err != nil {
				t.Errorf("%s links to %s: %v", page, match[1], err)
				continue
			}
			if fragment != "" && !info.IsDir() && !slices.Contains(anchors(read(t, file)), fragment) {
				t.Errorf("%s links to %s: no such heading", page, match[1])
			}
		}
	}
}

// TestDocumentedConfig checks that the manual mentions every field of Config and Metadata.
func TestDocumentedConfig(t *testing.T) {
	for page, fields := range map[string][]reflect.StructField{
		"configuration.md":   reflect.VisibleFields(reflect.TypeFor[cloudtask.Config]()),
		"on-demand-tasks.md": reflect.VisibleFields(reflect.TypeFor[cloudtask.Metadata]()),
	} {
		text := read(t, filepath.Join(root, "docs", page))
		for _, field := range fields {
			if field.IsExported() && !strings.Contains(text, "`"+field.Name+"`") {
				t.Errorf("docs/%s does not mention %s", page, field.Name)
			}
		}
	}
}

// TestDocumentedEnvironment checks that docs/configuration.md names exactly the variables that are read.
func TestDocumentedEnvironment(t *testing.T) {
	names := func(pattern, text string) []string {
		var names []string
		for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
			names = append(names, match[1])
		}
		slices.Sort(names)
		return slices.Compact(names)
	}
	documented := names("`((?:CLOUDTASK|CLOUD_TASKS)_[A-Z_]+)`", read(t, filepath.Join(root, "docs", "configuration.md")))
	source := read(t, filepath.Join(root, "runtime", "cloudtask", "env.go")) + read(t, filepath.Join(root, "runtime", "internal", "rules", "emulator.go"))
	actual := names(`"((?:CLOUDTASK|CLOUD_TASKS)_[A-Z_]+)"`, source)
	if diff := cmp.Diff(actual, documented); diff != "" || len(actual) == 0 {
		t.Errorf("docs/configuration.md (-read +documented):\n%s", diff)
	}
}

// TestDocumentedPayloads decodes the payloads in docs/json.md.
func TestDocumentedPayloads(t *testing.T) {
	row := regexp.MustCompile("(?m)^\\| `([{\\[].*)` \\| (none|`.*`) \\|$")
	rows := row.FindAllStringSubmatch(read(t, filepath.Join(root, "docs", "json.md")), -1)
	if len(rows) < 5 {
		t.Fatalf("docs/json.md has only %d payloads", len(rows))
	}
	for _, row := range rows {
		got := "none"
		if err := tasks.DecodeSendWelcomeEmail([]byte(row[1]), new(tasks.SendWelcomeEmail)); err != nil {
			got = "`" + err.Error() + "`"
		}
		if got != row[2] {
			t.Errorf("docs/json.md has %s: %s\ngot: %s", row[1], row[2], got)
		}
	}
}

// TestDocumentedStrippedPrefix checks the documented response behind a stripped prefix.
func TestDocumentedStrippedPrefix(t *testing.T) {
	handler, err := images.NewHandler(cloudtask.Config{InsecureNoAuth: true, Logger: slog.New(slog.DiscardHandler)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer := httptest.NewRecorder()
	http.StripPrefix("/tasks", handler).ServeHTTP(answer, httptest.NewRequest("POST", "/tasks/Resize", nil))
	if !strings.Contains(read(t, filepath.Join(root, "docs", "serving.md")), answer.Body.String()) {
		t.Errorf("docs/serving.md does not have the response %s", answer.Body)
	}
}

// TestDocumentedTargets checks that the make targets named in pages exist.
func TestDocumentedTargets(t *testing.T) {
	makefile := read(t, filepath.Join(root, "Makefile"))
	target := regexp.MustCompile("(?m)(?:^|`)make ([a-z]+)")
	for _, page := range pages(t) {
		for _, match := range target.FindAllStringSubmatch(read(t, page), -1) {
			if !strings.Contains(makefile, "\n"+match[1]+":") {
				t.Errorf("%s names make %s: no such target", page, match[1])
			}
		}
	}
}

type block struct {
	line int
	text string
}

// blocks returns the fenced code blocks of a language in a Markdown page.
func blocks(page, language string) []block {
	var found []block
	inside := false
	for i, line := range strings.Split(page, "\n") {
		fence := strings.TrimSpace(line)
		switch {
		case fence == "```"+language:
			inside = true
			found = append(found, block{line: i + 1})
		case strings.HasPrefix(fence, "```"):
			inside = false
		case inside:
			found[len(found)-1].text += line + "\n"
		}
	}
	return found
}

// codeLines returns the lines that are not blank, with white space collapsed.
func codeLines(code string) []string {
	var lines []string
	for line := range strings.SplitSeq(code, "\n") {
		if line = strings.Join(strings.Fields(line), " "); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

func contains(source, want []string) bool {
	for i := 0; i+len(want) <= len(source); i++ {
		if slices.Equal(source[i:i+len(want)], want) {
			return true
		}
	}
	return false
}

// anchors returns the fragments of a page's headings, as GitHub generates them.
func anchors(page string) []string {
	var all []string
	drop := regexp.MustCompile(`[^a-z0-9 _-]`)
	for line := range strings.SplitSeq(page, "\n") {
		if heading := strings.TrimLeft(line, "#"); heading != line {
			all = append(all, strings.ReplaceAll(drop.ReplaceAllString(strings.ToLower(strings.TrimSpace(heading)), ""), " ", "-"))
		}
	}
	return all
}

func pages(t *testing.T) []string {
	t.Helper()
	return append(find(t, filepath.Join(root, "docs"), ".md"), append(find(t, filepath.Join(root, "examples"), ".md"), filepath.Join(root, "README.md"))...)
}

// find returns the files under dir whose names end in suffix, except in testdata.
func find(t *testing.T, dir, suffix string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(name string, entry os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && entry.Name() == "testdata":
			return filepath.SkipDir
		case !entry.IsDir() && strings.HasSuffix(name, suffix):
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func read(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(content), "\r\n", "\n")
}
