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

// taskPackage holds the tasks for the types of one public package.
type taskPackage struct {
	path, name string // of the public package
	dir        string // of the tasks, in the module
	types      []*payload
}

// payload is an exported struct of a public package.
type payload struct {
	name    string
	refused [len(taskNames)]string // why the generator refuses each of the tasks that have it; "": it does not
}

// find returns the packages of sources.go with the structs that are tried, an even choice of each.
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
		var all []string
		for _, name := range p.Types.Scope().Names() {
			if isPayload(p.Types.Scope().Lookup(name)) {
				all = append(all, name)
			}
		}
		for i := range min(len(all), c.perPackage) {
			tp.types = append(tp.types, &payload{name: all[i*len(all)/min(len(all), c.perPackage)]})
		}
		log.Printf("%4d of %4d structs: %s", len(tp.types), len(all), tp.path)
		sum += len(tp.types)
		found = append(found, tp)
	}
	log.Printf("%4d structs of %d packages", sum, len(found))
	return found, nil
}

// isPayload reports whether a declaration is that of an exported struct without type parameters.
func isPayload(o types.Object) bool {
	t, ok := o.(*types.TypeName)
	if !ok || !t.Exported() || t.IsAlias() {
		return false
	}
	named := t.Type().(*types.Named)
	_, isStruct := named.Underlying().(*types.Struct)
	return isStruct && named.TypeParams().Len() == 0
}

// sources returns the import paths of sources.go.
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
	return paths, nil
}
