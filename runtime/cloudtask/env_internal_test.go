package cloudtask

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The table of variables, the manual's and the fields' comments are one list.
func TestVariablesAreDocumented(t *testing.T) {
	t.Parallel()
	manual := readLines(t, "../../docs/configuration.md")
	comments := strings.Join(append(readLines(t, "config.go"), readLines(t, "failurefiles.go")...), "\n")
	variableName := regexp.MustCompile(`\b(CLOUD_TASKS|CLOUDTASK)_[A-Z_]*[A-Z]\b|\bAPP_NAME\b|\bGOOGLE_CLOUD_PROJECT\b`)
	known := make(map[string][]string) // by field of Config
	for _, v := range new(Config).variables() {
		field, _, _ := strings.Cut(v.field, ".")
		known[field] = append(known[field], v.names...)
		for _, name := range v.names {
			short := name[strings.LastIndexByte(name, '_'):]
			if !strings.Contains(comments, name) && !strings.Contains(comments, short) {
				t.Errorf("no comment of a field mentions %s", name)
			}
		}
	}
	for field := range reflect.TypeFor[Config]().Fields() {
		i := slices.IndexFunc(manual, func(line string) bool { return strings.HasPrefix(line, "| `"+field.Name+"` | ") })
		if i < 0 {
			t.Errorf("docs/configuration.md has no row for %s", field.Name)
			continue
		}
		column := strings.Split(manual[i], " |")[1]
		documented := variableName.FindAllString(column, -1)
		if want := known[field.Name]; !slices.Equal(documented, want) {
			t.Errorf("docs/configuration.md says that %s is set by %q, it is by %q", field.Name, documented, want)
		}
	}
}

func readLines(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(text), "\n")
}
