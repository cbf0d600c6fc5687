package gen

import (
	"go/token"
	"go/types"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/cloudtaskgen/cloudtaskgen/gen/diag"
	"github.com/cloudtaskgen/cloudtaskgen/gen/directive"
	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
	"github.com/cloudtaskgen/cloudtaskgen/gen/source"
)

// Package-level names that every package with tasks gets.
const (
	nameRoutes     = "Routes"
	nameNewHandler = "NewHandler"
	nameRunner     = "Runner" // only where a task has no Run
)

// names allocates the package-level identifiers of one package's generated code, so that nothing generated collides with
// what the package declares, with what Go predeclares or with another generated name.
type names struct {
	*diag.Reporter
	scope    map[string]token.Pos // what the package declares
	imported map[string]token.Pos // what its files call imports, and what they import without a qualifier
	likely   map[string]bool      // what imports may be called besides
	taken    map[string]bool      // what generated code declares
	clashed  map[string]bool      // owners whose names were reported
}

// avoided reports whether generated code uses a name for an import, a parameter or a variable. A package-level name like it would be
// legal, but confusing to read.
func avoided(name string) bool {
	switch name {
	case "app", "cloudtask", "context", "http", "json", "taskjson", "time":
		return true
	}
	return slices.Contains(model.Locals, name)
}

// ident returns a package-level name that nothing else has, want or like it, and takes it.
func (n *names) ident(want string) string {
	name := model.Unique(want, n.free)
	n.taken[name] = true
	return name
}

func (n *names) free(name string) bool {
	_, declared := n.scope[name]
	_, imported := n.imported[name]
	return !declared && !imported && !n.likely[name] && !n.taken[name] && !avoided(name) && !token.IsKeyword(name) && types.Universe.Lookup(name) == nil
}

// generated returns the names that were taken, sorted.
func (n *names) generated() []string { return slices.Sorted(maps.Keys(n.taken)) }

// fixed takes a name that the contract spells, for owner, and reports when it is not to be had.
func (n *names) fixed(name, owner string, ownerPos token.Pos) string {
	pos, declared := n.scope[name]
	importPos, imported := n.imported[name]
	switch {
	case declared:
		n.Errorf(pos, "%s is declared here, but cloudtaskgen generates it for %s (%s): rename one of them", name, owner, n.At(ownerPos))
	case imported:
		n.Errorf(importPos, "%s is the name of an import in this file, but cloudtaskgen generates it for %s (%s): import the package under another "+
			"name", name, owner, n.At(ownerPos))
	case n.taken[name] && !n.clashed[owner]:
		n.clashed[owner] = true // once, not for each of its names
		n.Errorf(ownerPos, "%s would be generated for %s and for another task of this package: rename one", name, owner)
	}
	n.taken[name] = true
	return name
}

// task names what is generated for one task. The variables' names come later: they give way to every fixed name.
func (n *names) task(d *directive.Declaration) model.TaskNames {
	typeName := d.Spec.Name.Name
	x := model.UpperFirst(typeName)
	fixed := func(name string) string { return n.fixed(name, "task "+typeName, d.Spec.Name.Pos()) }
	return model.TaskNames{
		Asap:     fixed("Enqueue" + x + "Asap"),
		Later:    fixed("Enqueue" + x + "Later"),
		Until:    fixed("Enqueue" + x + "Until"),
		Push:     fixed("Enqueue" + x + "Push"),
		Batch:    fixed("Enqueue" + x + "Batch"),
		Sync:     fixed("Sync" + x),
		Debug:    fixed("Debug" + x),
		Discard:  fixed("Discard" + x),
		Enqueued: fixed("Enqueued" + x),
		Append:   fixed("Append" + x),
		Decode:   fixed("Decode" + x),
		Runner:   "Run" + x,
	}
}

// lowerFirst returns name with its first word in lower case: sendMail of SendMail, urlFetch of URLFetch, id of ID.
func lowerFirst(name string) string {
	runes := []rune(name)
	n := 0
	for n < len(runes) && unicode.IsUpper(runes[n]) {
		n++
	}
	if n > 1 && n < len(runes) && unicode.IsLower(runes[n]) {
		n-- // the last capital begins the next word
	}
	return strings.ToLower(string(runes[:n])) + string(runes[n:])
}

// definition takes the name of the variable that defines a task.
func (n *names) definition(typeName string) string {
	if name := lowerFirst(typeName); n.free(name) {
		return n.ident(name)
	}
	return n.ident(lowerFirst(typeName) + "Task")
}

// importNames returns the names that the imports of a package have in its files, with where they are imported: no name at
// package level may be like them. The other names are those that imports without a name may have, going by their paths
// alone: what is generated must not depend on which of them this run has loaded.
func importNames(sp *source.Package, checked *source.Types) (names map[string]token.Pos, likely map[string]bool) {
	names, likely = map[string]token.Pos{}, map[string]bool{}
	for _, spec := range sp.Imports {
		target := source.ImportPath(spec)
		switch {
		case spec.Name == nil:
			for _, word := range strings.FieldsFunc(target, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
				likely[word] = true
			}
		case spec.Name.Name == ".":
			for _, name := range checked.ExportedNames(target) {
				names[name] = spec.Pos()
			}
		default:
			names[spec.Name.Name] = spec.Pos()
		}
	}
	return names, likely
}

// importedAs returns the names that the package's files give to what they import, by import path: the first where they differ, ""
// where none gives one.
func importedAs(sp *source.Package) map[string]string {
	names := map[string]string{}
	for _, spec := range sp.Imports {
		path := source.ImportPath(spec)
		if names[path] != "" {
			continue
		}
		names[path] = ""
		if spec.Name != nil && spec.Name.Name != "." && spec.Name.Name != "_" {
			names[path] = spec.Name.Name
		}
	}
	return names
}
