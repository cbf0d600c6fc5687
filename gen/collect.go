package gen

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/gen/diag"
	"github.com/cloudtaskgen/cloudtaskgen/gen/directive"
)

// A declared task is a struct with its directives, before its types are known.
type declared struct {
	sp   *sourcePackage
	spec *ast.TypeSpec
	doc  *ast.CommentGroup
	dirs map[string]*directive.Directive
}

// name returns the task's name and its place.
func (d *declared) name() (string, token.Pos) {
	if v := d.dirs[directive.Task].Arg("name"); v.Text != "" {
		return v.Text, v.Pos
	}
	return d.spec.Name.Name, d.spec.Name.Pos()
}

// collect reads the directives of a package and returns its tasks, sorted by type name.
func (l *loader) collect(sp *sourcePackage) []*declared {
	var tasks []*declared
	for _, f := range sp.files {
		if !f.directives {
			continue
		}
		attached := map[*ast.Comment]bool{}
		for _, decl := range f.syntax.Decls {
			g, ok := decl.(*ast.GenDecl)
			if !ok || g.Tok != token.TYPE {
				continue
			}
			for _, spec := range g.Specs {
				ts := spec.(*ast.TypeSpec)
				doc := ts.Doc
				if doc == nil && !g.Lparen.IsValid() {
					doc = g.Doc
				}
				if t := l.collectType(sp, ts, doc, attached); t != nil {
					tasks = append(tasks, t)
				}
			}
		}
		for _, c := range comments(f.syntax) {
			if !attached[c] && directive.IsLike(c.Text) {
				l.Errorf(c.Pos(), "%s", detached(f.syntax, c))
			}
		}
	}
	slices.SortFunc(tasks, func(a, b *declared) int { return strings.Compare(a.spec.Name.Name, b.spec.Name.Name) })
	return tasks
}

// collectType reads the directives of one type; nil when it has none or cannot be a task.
func (l *loader) collectType(sp *sourcePackage, ts *ast.TypeSpec, doc *ast.CommentGroup, attached map[*ast.Comment]bool) *declared {
	if doc == nil {
		return nil
	}
	d := &declared{sp: sp, spec: ts, doc: doc, dirs: map[string]*directive.Directive{}}
	understood := true
	var first *ast.Comment
	for _, c := range doc.List {
		if !directive.IsLike(c.Text) {
			continue
		}
		attached[c] = true
		if first == nil {
			first = c
		}
		dir := directive.Parse(l.Reporter, c.Pos(), c.Text)
		if dir == nil {
			understood = false
			continue
		}
		if earlier := d.dirs[dir.Name]; earlier != nil {
			l.Errorf(dir.Pos, "%s twice on %s, first at %s", dir.Full(), ts.Name.Name, l.At(earlier.Pos))
			continue
		}
		d.dirs[dir.Name] = dir
	}
	switch {
	case first == nil:
		return nil
	case !l.canBeTask(ts, first):
		return nil
	case d.dirs[directive.Task] == nil:
		// A directive that was not understood may be the missing one.
		if understood {
			l.Errorf(first.Pos(), "%s has %s but is no task: add //%s:%s", ts.Name.Name, directiveWord(first), directive.Tool, directive.Task)
		}
		return nil
	}
	l.checkTogether(d)
	return d
}

// canBeTask reports types that no task can be generated for.
func (l *loader) canBeTask(ts *ast.TypeSpec, first *ast.Comment) bool {
	word := directiveWord(first)
	_, isStruct := ast.Unparen(ts.Type).(*ast.StructType)
	switch {
	case ts.TypeParams != nil:
		l.Errorf(first.Pos(), "%s: %s has type parameters, and a task needs one payload: declare a struct for each instance", word, ts.Name.Name)
	case ts.Assign.IsValid():
		l.Errorf(first.Pos(), "%s: %s is an alias: put the directive above the struct that it stands for", word, ts.Name.Name)
	case !isStruct:
		l.Errorf(first.Pos(), "%s: %s is not declared as a struct: a task is a struct, written type %s struct { ... }", word, ts.Name.Name, ts.Name.Name)
	case ts.Name.Name == "_":
		l.Errorf(first.Pos(), "%s: a task needs a name, and this struct is called _", word)
	default:
		return true
	}
	return false
}

// checkTogether reports arguments that are wrong only beside others.
func (l *loader) checkTogether(d *declared) {
	task, unique := d.dirs[directive.Task], d.dirs[directive.Unique]
	if task.Has("once") && unique != nil {
		l.Errorf(unique.Pos, "//cloudtask:unique excludes once, which //cloudtask:task has at %s: one task of this type leaves nothing to tell apart", l.At(task.Arg("once").Pos))
	}
	if name, pos := d.name(); !task.Has("name") {
		if err := directive.CheckTaskName(name); err != nil {
			l.Errorf(pos, "the type's name cannot be the task's: %v; give one with //cloudtask:task name=NAME", err)
		}
	}
	// Cloud Tasks fills in its own limits before it compares.
	l.checkOrder(d.dirs[directive.Retry], 100*time.Millisecond, time.Hour)
	l.checkOrder(d.dirs[directive.EnqueueRetry], 0, 0)
	l.checkAliases(d)
}

// checkOrder reports a first delay that is longer than the longest. The defaults are what stands in for either.
func (l *loader) checkOrder(d *directive.Directive, defaultMin, defaultMax time.Duration) {
	if d == nil {
		return
	}
	lowKey := "min"
	if d.Name == directive.EnqueueRetry {
		lowKey = "initial"
	}
	low, high := d.Arg(lowKey), d.Arg("max")
	switch {
	case d.Has(lowKey) && d.Has("max"):
		if low.Duration > high.Duration && high.Duration > 0 {
			l.Errorf(low.Pos, "%s: %s=%s is more than max=%s", d.Full(), lowKey, low.Text, high.Text)
		}
	case d.Has(lowKey) && defaultMax > 0:
		if low.Duration > defaultMax {
			l.Errorf(low.Pos, "%s: %s=%s is more than Cloud Tasks' default max of %s: give max= too", d.Full(), lowKey, low.Text, directive.FormatDuration(defaultMax))
		}
	case d.Has("max") && defaultMin > 0:
		if high.Duration > 0 && high.Duration < defaultMin {
			l.Errorf(high.Pos, "%s: max=%s is less than Cloud Tasks' default %s of %s: give %s= too", d.Full(), high.Text, lowKey, directive.FormatDuration(defaultMin), lowKey)
		}
	}
}

// checkAliases reports an alias that is the task's own name. Clashes between tasks are found later, over all packages.
func (l *loader) checkAliases(d *declared) {
	dir := d.dirs[directive.Alias]
	if dir == nil {
		return
	}
	name, _ := d.name()
	for _, a := range dir.List {
		if a.Text == name {
			l.Errorf(a.Pos, "//cloudtask:alias: %s is the task's own name; list former names only", a.Text)
		}
	}
}

// checkUniqueNames reports names and aliases that two tasks of a package share. Services of one module may have tasks of one name
// in different packages: what must not come together in one handler is for NewHandler to say.
func (l *loader) checkUniqueNames(tasks []*declared) {
	type claim struct {
		task  *declared
		pos   token.Pos
		alias bool
	}
	claims := map[string]claim{}
	add := func(name string, c claim) {
		taken, ok := claims[name]
		if !ok {
			claims[name] = c
			return
		}
		if taken.task == c.task {
			return
		}
		what := map[bool]string{false: "the task's name", true: "an alias"}
		l.Errorf(c.pos, "%s is %s of type %s here, and %s of type %s at %s: their URLs would be the same",
			name, what[c.alias], c.task.spec.Name.Name, what[taken.alias], taken.task.spec.Name.Name, l.At(taken.pos))
	}
	for _, t := range tasks {
		name, pos := t.name()
		add(name, claim{task: t, pos: pos})
	}
	for _, t := range tasks {
		if dir := t.dirs[directive.Alias]; dir != nil {
			for _, a := range dir.List {
				add(a.Text, claim{task: t, pos: a.Pos, alias: true})
			}
		}
	}
}

// detached words why a directive belongs to no struct.
func detached(file *ast.File, c *ast.Comment) string {
	word := directiveWord(c)
	const rule = "directives stand in the doc comment of a struct type at package level, right above it"
	for _, decl := range file.Decls {
		if g, ok := decl.(*ast.GenDecl); ok && g.End() < c.Pos() && trails(g, c) {
			return word + " follows a declaration on its line: " + rule
		}
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Doc != nil && within(d.Doc, c) {
				return word + " is above a function: " + rule
			}
			if within(d, c) {
				return word + " is inside a function, whose types cannot be tasks: " + rule
			}
		case *ast.GenDecl:
			if d.Doc != nil && within(d.Doc, c) && d.Lparen.IsValid() {
				return word + " is above a group of declarations: " + rule
			}
			if d.Doc != nil && within(d.Doc, c) || within(d, c) {
				return word + " belongs to no type of this " + d.Tok.String() + " declaration: " + rule
			}
		}
		if c.End() < decl.Pos() {
			if g, ok := decl.(*ast.GenDecl); ok && g.Tok == token.TYPE && !g.Lparen.IsValid() {
				return word + " is not part of a doc comment: remove what separates it from type " + g.Specs[0].(*ast.TypeSpec).Name.Name + " below (" + rule + ")"
			}
			break
		}
	}
	return word + " is not part of a doc comment: " + rule
}

// trails says whether a comment stands on the line where one of the declarations ends.
func trails(g *ast.GenDecl, c *ast.Comment) bool {
	for _, spec := range g.Specs {
		var comment *ast.CommentGroup
		switch s := spec.(type) {
		case *ast.TypeSpec:
			comment = s.Comment
		case *ast.ValueSpec:
			comment = s.Comment
		case *ast.ImportSpec:
			comment = s.Comment
		}
		if comment != nil && within(comment, c) {
			return true
		}
	}
	return false
}

// directiveWord returns the directive of a comment without its arguments.
func directiveWord(c *ast.Comment) string { return diag.Clip(strings.Fields(c.Text)[0]) }

func within(n ast.Node, c *ast.Comment) bool { return n.Pos() <= c.Pos() && c.End() <= n.End() }
