package main

import (
	"fmt"
	"go/parser"
	"go/token"
	"go/types"
	"log"
	"strconv"
	"strings"

	"golang.org/x/tools/go/packages"
)

// Every package gives at most this many structs, evenly chosen from its scope. A sample is chosen from those in turn, so that
// refused.txt covers it.
const (
	structsOfPackage = 60
	structsOfSample  = 12
)

// A taskPackage holds the tasks for the structs of one public package.
type taskPackage struct {
	path, name string // of the public package
	dir        string // of the tasks, relative to their module
	payloads   []*payload
}

// A payload is an exported struct of a public package.
type payload struct {
	name    string
	refused [len(ways)]string // why the generator refuses the task that uses the struct in each way; empty where it does not
}

// find returns the packages of sources.go with the structs to try.
func (c *corpus) find() ([]*taskPackage, error) {
	paths, err := c.sources()
	if err != nil {
		return nil, err
	}
	loaded, err := packages.Load(&packages.Config{Mode: packages.NeedName | packages.NeedTypes, Dir: c.here}, paths...)
	if err != nil {
		return nil, err
	}
	var found []*taskPackage
	sum := 0
	for i, p := range loaded {
		if len(p.Errors) > 0 {
			return nil, fmt.Errorf("%s: %w", p.PkgPath, p.Errors[0])
		}
		tp := &taskPackage{path: p.PkgPath, name: p.Types.Name(), dir: fmt.Sprintf("p%02d", i)}
		structs := exportedStructs(p.Types.Scope())
		chosen := spread(structs, structsOfPackage)
		if c.sample {
			chosen = spread(chosen, structsOfSample)
		}
		for _, name := range chosen {
			tp.payloads = append(tp.payloads, &payload{name: name})
		}
		log.Printf("%4d of %4d structs: %s", len(chosen), len(structs), tp.path)
		sum += len(chosen)
		found = append(found, tp)
	}
	log.Printf("%4d structs of %d packages", sum, len(found))
	return found, nil
}

// sources returns the import paths of sources.go that this run is about.
func (c *corpus) sources() ([]string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), "sources.go", nil, parser.ParseComments|parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, spec := range file.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		inSample := spec.Comment != nil && strings.TrimSpace(spec.Comment.Text()) == "sample"
		if (inSample || !c.sample) && strings.Contains(path, c.only) {
			paths = append(paths, path)
		}
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("no package of sources.go contains %q", c.only)
	}
	return paths, nil
}

// exportedStructs returns the names of the exported structs without type parameters in a scope, sorted.
func exportedStructs(scope *types.Scope) []string {
	var structs []string
	for _, name := range scope.Names() {
		t, ok := scope.Lookup(name).(*types.TypeName)
		if !ok || !t.Exported() || t.IsAlias() {
			continue
		}
		named := t.Type().(*types.Named)
		if _, ok := named.Underlying().(*types.Struct); ok && named.TypeParams().Len() == 0 {
			structs = append(structs, name)
		}
	}
	return structs
}

// spread returns n elements of list at even distances, or all of them if there are fewer.
func spread(list []string, n int) []string {
	if len(list) <= n {
		return list
	}
	chosen := make([]string, n)
	for i := range chosen {
		chosen[i] = list[i*len(list)/n]
	}
	return chosen
}
