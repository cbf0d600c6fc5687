package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A way is how a task uses a struct.
type way struct {
	name   string // of the task, before that of the struct
	source string // of the task, with the struct's name as %s
}

// lenient is the index of the last of the ways. Its fields are optional, so that no field at all is required.
const lenient = 2

var ways = [...]way{
	{"Holds", `
// Holds%[1]s has fields of %[1]s.
//
//cloudtask:task
type Holds%[1]s struct {
	Field   public.%[1]s            ` + "`json:\"field\"`" + `
	Slice   []public.%[1]s          ` + "`json:\"slice\"`" + `
	Map     map[string]public.%[1]s ` + "`json:\"map\"`" + `
	Pointer *public.%[1]s           ` + "`json:\"pointer\"`" + `
}
`},
	{"Embeds", `
// Embeds%[1]s embeds %[1]s.
//
//cloudtask:task
type Embeds%[1]s struct {
	public.%[1]s
	OwnField int ` + "`json:\"own_field_of_the_task\"`" + `
}
`},
	lenient: {"Lenient", `
// Lenient%[1]s has lenient fields of %[1]s.
//
//cloudtask:task
type Lenient%[1]s struct {
	Field   public.%[1]s            ` + "`json:\"field,omitempty\" cloudtask:\"lenient\"`" + `
	Slice   []public.%[1]s          ` + "`json:\"slice,omitempty\" cloudtask:\"lenient\"`" + `
	Map     map[string]public.%[1]s ` + "`json:\"map,omitempty\" cloudtask:\"lenient\"`" + `
	Pointer *public.%[1]s           ` + "`json:\"pointer\" cloudtask:\"lenient\"`" + `
}
`},
}

// writeModule writes the module of tasks, which requires what this module requires.
func (c *corpus) writeModule(packages []*taskPackage) error {
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
	for _, t := range p.payloads {
		for i, w := range ways {
			if t.refused[i] != "" {
				continue
			}
			fmt.Fprintf(&tasks, w.source, t.name)
			fmt.Fprintf(&rows, "\tcompare.RowOf(%q, %q, %t, Append%s, Decode%[4]s),\n", p.path, w.name+" "+p.name+"."+t.name, i == lenient, w.name+t.name)
		}
	}
	source := fmt.Sprintf("// Package %s has tasks of the types of %s.\npackage %[1]s\n", p.dir, p.path)
	if tasks.Len() > 0 {
		source += fmt.Sprintf("\nimport public %q\n%s", p.path, tasks.String())
	}
	if err := c.write(filepath.Join(p.dir, "tasks.go"), source); err != nil {
		return err
	}
	return c.write(filepath.Join(p.dir, "rows.go"), fmt.Sprintf(`package %s

import "github.com/cloudtaskgen/cloudtaskgen/testdata/corpus/compare"

// Rows has the codecs of all tasks.
var Rows = []compare.Row{
%s}
`, p.dir, rows.String()))
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
