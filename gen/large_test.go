package gen_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudtaskgen/cloudtaskgen/gen"
)

// TestLarge generates code for a struct of 5,000 fields and for embedded pointers 300 deep, compiles it, and compares with
// encoding/json.
func TestLarge(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	goCommand := func(args ...string) {
		t.Helper()
		cmd := exec.Command("go", args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		content, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		write(name, string(content))
	}
	const module = "github.com/cloudtaskgen/cloudtaskgen"
	goCommand("mod", "edit", "-module", "example.com/large", "-require", module+"@v0.0.0-00010101000000-000000000000", "-replace", module+"="+root, "-droptool", module+"/cmd/cloudtaskgen")
	write("large.go", largeSource(5000, 300))
	write("main.go", largeProgram)
	res, err := gen.Generate(t.Context(), gen.Options{Dir: dir, Env: append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod"), Patterns: []string{"."}})
	if err != nil || len(res.Diagnostics) > 0 || len(res.Files) != 1 {
		t.Fatalf("%v, diagnostics %v", err, res.Diagnostics)
	}
	write("cloudtask_gen.go", string(res.Files[0].Content))
	goCommand("run", ".")
}

func largeSource(width, depth int) string {
	var b strings.Builder
	b.WriteString("package main\n\n//cloudtask:task\ntype Wide struct {\n")
	for i := range width {
		options := ""
		if i%3 == 0 {
			options = ",omitempty"
		}
		fmt.Fprintf(&b, "\tF%d %s `json:\"f%d%s\"`\n", i, []string{"int", "string", "*bool", "[]string"}[i%4], i, options)
	}
	b.WriteString("}\n\n//cloudtask:task\ntype Deep struct {\n\tF0 int `json:\"f0,omitempty\"`\n\t*E1\n}\n")
	for i := 1; i <= depth; i++ {
		fmt.Fprintf(&b, "\ntype E%d struct {\n\tF%d int `json:\"f%d\"`\n", i, i, i)
		if i < depth {
			fmt.Fprintf(&b, "\t*E%d\n", i+1)
		}
		b.WriteString("}\n")
	}
	return b.String()
}

const largeProgram = `package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
)

func check(ok bool, format string, args ...any) {
	if !ok {
		fmt.Printf(format+"\n", args...)
		os.Exit(1)
	}
}

// same decodes data both ways, and appends what came of it both ways.
func same[T any](data []byte, appendT func([]byte, *T) ([]byte, error), decodeT func([]byte, *T) error) {
	var want, got T
	check(json.Unmarshal(data, &want) == nil, "encoding/json refuses %.100s", data)
	err := decodeT(data, &got)
	check(err == nil && reflect.DeepEqual(want, got), "%.100s is decoded otherwise, error %v", data, err)
	wantJSON, _ := json.Marshal(&want)
	gotJSON, err := appendT(nil, &got)
	check(err == nil && string(wantJSON) == string(gotJSON), "%.100s is appended otherwise, error %v", data, err)
}

func main() {
	members := map[string]string{}
	for i := range 5000 {
		members[fmt.Sprintf("f%d", i)] = []string{fmt.Sprint(i), fmt.Sprintf("\"s%d\"", i), "true", "[\"a\"]"}[i%4]
	}
	names := slices.Collect(maps.Keys(members)) // in any order
	object := func(names []string) []byte {
		var list []string
		for _, name := range names {
			list = append(list, fmt.Sprintf("%q:%s", name, members[name]))
		}
		return []byte("{" + strings.Join(list, ",") + "}")
	}
	same(object(names), AppendWide, DecodeWide)
	var all Wide
	check(json.Unmarshal(object(names), &all) == nil, "no object")
	data, _ := json.Marshal(&all)
	same(data, AppendWide, DecodeWide)
	members["unknown"] = "{\"f1\":[1]}"
	same(object(append(names[:2500:2500], append([]string{"unknown"}, names[2500:]...)...)), AppendWide, DecodeWide)

	for _, missing := range []int{1, 64, 127, 128, 4097, 4999} {
		name := fmt.Sprintf("f%d", missing)
		err := DecodeWide(object(slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == name })), new(Wide))
		required := missing%3 != 0 && missing%4 != 2
		check((err != nil) == required && (err == nil || strings.HasPrefix(err.Error(), "payload."+name+": required")), "without %s: %v", name, err)
		err = DecodeWide(object(append(slices.Clone(names), name)), new(Wide))
		check(err != nil && strings.Contains(err.Error(), "payload."+name+": field is given twice"), "%s twice: %v", name, err)
	}

	same([]byte("{}"), AppendDeep, DecodeDeep)
	for _, depth := range []int{1, 7, 150, 300} {
		same(fmt.Appendf(nil, "{\"f%d\":%d}", depth, depth), AppendDeep, DecodeDeep)
		same(fmt.Appendf(nil, "{\"f%d\":1,\"f0\":2,\"f1\":3}", depth/2+2), AppendDeep, DecodeDeep)
		same(fmt.Appendf(nil, "{\"x\":0,\"f%d\":null}", depth), AppendDeep, DecodeDeep)
	}
}
`
