package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// The tasks of a payload: one has it as a field, an element and behind a pointer, one embeds it, and one has it as the first does, but
// decodes it as encoding/json does where fields are missing.
const (
	held = iota
	embeds
	lenient
)

var taskSources = [...]string{
	held: `
// Held%[1]d holds %[2]s.
//
//cloudtask:task
type Held%[1]d struct {
	Field   public.%[2]s            ` + "`json:\"field\"`" + `
	Slice   []public.%[2]s          ` + "`json:\"slice\"`" + `
	Map     map[string]public.%[2]s ` + "`json:\"map\"`" + `
	Pointer *public.%[2]s           ` + "`json:\"pointer\"`" + `
}
`,
	embeds: `
// Embeds%[1]d embeds %[2]s.
//
//cloudtask:task
type Embeds%[1]d struct {
	public.%[2]s
	OwnField int ` + "`json:\"own_field_of_the_task\"`" + `
}
`,
	lenient: `
// Lenient%[1]d holds %[2]s.
//
//cloudtask:task
type Lenient%[1]d struct {
	Field   public.%[2]s            ` + "`json:\"field\" cloudtask:\"lenient\"`" + `
	Slice   []public.%[2]s          ` + "`json:\"slice\" cloudtask:\"lenient\"`" + `
	Map     map[string]public.%[2]s ` + "`json:\"map\" cloudtask:\"lenient\"`" + `
	Pointer *public.%[2]s           ` + "`json:\"pointer\" cloudtask:\"lenient\"`" + `
}
`,
}

var taskNames = [...]string{held: "Held", embeds: "Embeds", lenient: "Lenient"}

// lenientEvery is the share of the payloads that have the third task, which differs from the first in decoding alone.
const lenientEvery = 3

// module writes the module of tasks. It requires what this one does.
func (c *corpus) module(packages []*taskPackage) error {
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(c.here, name))
		if err != nil {
			return err
		}
		if err := c.write(name, string(text)); err != nil {
			return err
		}
	}
	const project = "github.com/cloudtaskgen/cloudtaskgen"
	err := command(c.dir, "go", "mod", "edit", "-module", "corpus.example", "-replace", project+"="+c.root,
		"-require", project+"/testdata/corpus@v0.0.0-00010101000000-000000000000", "-replace", project+"/testdata/corpus="+c.here)
	if err != nil {
		return err
	}
	for _, p := range packages {
		if err := c.writeTasks(p); err != nil {
			return err
		}
	}
	return c.writeProgram(packages)
}

// writeTasks writes the tasks of a package that are not refused, and the table of their codecs.
func (c *corpus) writeTasks(p *taskPackage) error {
	var tasks, rows strings.Builder
	fmt.Fprintf(&tasks, "// Package %s has tasks of the types of %s.\npackage %[1]s\n", p.dir, p.path)
	fmt.Fprintf(&rows, "package %s\n\nimport \"github.com/cloudtaskgen/cloudtaskgen/testdata/corpus/compare\"\n\n// Rows are all tasks.\nvar Rows = []compare.Row{\n", p.dir)
	imported := false
	for i, t := range p.types {
		for way, source := range taskSources {
			if t.refused[way] != "" || way == lenient && i%lenientEvery != 0 {
				continue
			}
			if !imported {
				fmt.Fprintf(&tasks, "\nimport public %q\n", p.path)
				imported = true
			}
			fmt.Fprintf(&tasks, source, i, t.name)
			task := fmt.Sprintf("%s%d", taskNames[way], i)
			fmt.Fprintf(&rows, "\tcompare.RowOf(%q, %q, %t, Append%s, Decode%[4]s),\n", p.path, strings.ToLower(taskNames[way])+" "+p.name+"."+t.name, way == lenient, task)
		}
	}
	rows.WriteString("}\n")
	if err := c.write(filepath.Join(p.dir, "tasks.go"), tasks.String()); err != nil {
		return err
	}
	return c.write(filepath.Join(p.dir, "rows.go"), rows.String())
}

// writeProgram writes the program that compares all codecs with encoding/json.
func (c *corpus) writeProgram(packages []*taskPackage) error {
	var imports, rows strings.Builder
	for _, p := range packages {
		fmt.Fprintf(&imports, "\t\"corpus.example/%s\"\n", p.dir)
		fmt.Fprintf(&rows, "\t\t%s.Rows,\n", p.dir)
	}
	return c.write(filepath.Join("compare", "main.go"), fmt.Sprintf(`package main

import (
	"os"
	"slices"

	"github.com/cloudtaskgen/cloudtaskgen/testdata/corpus/compare"

%s)

func main() {
	os.Exit(compare.Main(slices.Concat(
%s	)))
}
`, imports.String(), rows.String()))
}

func (c *corpus) write(name, text string) error {
	path := filepath.Join(c.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o666)
}
