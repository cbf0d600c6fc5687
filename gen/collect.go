package gen

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
	"time"
)

// A declared task is a struct with its directives, before its types are known.
type declared struct {
	sp   *sourcePackage
	spec *ast.TypeSpec
	doc  *ast.CommentGroup
	dirs map[string]*directive
}

// name returns the task's name and its place.
func (d *declared) name() (string, token.Pos) {
	if v := d.dirs[dirTask].arg("name"); v.text != "" {
		return v.text, v.pos
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
			if !attached[c] && isDirectiveLike(c.Text) {
				l.errorf(c.Pos(), "%s", detached(f.syntax, c))
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
	d := &declared{sp: sp, spec: ts, doc: doc, dirs: map[string]*directive{}}
	understood := true
	var first *ast.Comment
	for _, c := range doc.List {
		if !isDirectiveLike(c.Text) {
			continue
		}
		attached[c] = true
		if first == nil {
			first = c
		}
		dir := parseDirective(l.reporter, c.Pos(), c.Text)
		if dir == nil {
			understood = false
			continue
		}
		if earlier := d.dirs[dir.spec.name]; earlier != nil {
			l.errorf(dir.pos, "%s twice on %s, first at %s", dir.spec.full(), ts.Name.Name, l.at(earlier.pos))
			continue
		}
		d.dirs[dir.spec.name] = dir
	}
	switch {
	case first == nil:
		return nil
	case !l.canBeTask(ts, first):
		return nil
	case d.dirs[dirTask] == nil:
		// A directive that was not understood may be the missing one.
		if understood {
			l.errorf(first.Pos(), "%s has %s but is no task: add //%s:%s", ts.Name.Name, directiveWord(first), directiveTool, dirTask)
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
		l.errorf(first.Pos(), "%s: %s has type parameters, and a task needs one payload: declare a struct for each instance", word, ts.Name.Name)
	case ts.Assign.IsValid():
		l.errorf(first.Pos(), "%s: %s is an alias: put the directive above the struct that it stands for", word, ts.Name.Name)
	case !isStruct:
		l.errorf(first.Pos(), "%s: %s is not declared as a struct: a task is a struct, written type %s struct { ... }", word, ts.Name.Name, ts.Name.Name)
	case ts.Name.Name == "_":
		l.errorf(first.Pos(), "%s: a task needs a name, and this struct is called _", word)
	default:
		return true
	}
	return false
}

// checkTogether reports arguments that are wrong only beside others.
func (l *loader) checkTogether(d *declared) {
	task, unique := d.dirs[dirTask], d.dirs[dirUnique]
	if task.has("once") && unique != nil {
		l.errorf(unique.pos, "//cloudtask:unique excludes once, which //cloudtask:task has at %s: one task of this type leaves nothing to tell apart", l.at(task.arg("once").pos))
	}
	if name, pos := d.name(); !task.has("name") {
		if err := checkTaskName(name); err != nil {
			l.errorf(pos, "the type's name cannot be the task's: %v; give one with //cloudtask:task name=NAME", err)
		}
	}
	// Cloud Tasks fills in its own limits before it compares.
	l.checkOrder(d.dirs[dirRetry], 100*time.Millisecond, time.Hour)
	l.checkOrder(d.dirs[dirEnqueueRetry], 0, 0)
	l.checkAliases(d)
}

// checkOrder reports a first delay that is longer than the longest. The defaults are what stands in for either.
func (l *loader) checkOrder(d *directive, defaultMin, defaultMax time.Duration) {
	if d == nil {
		return
	}
	lowKey := "min"
	if d.spec.name == dirEnqueueRetry {
		lowKey = "initial"
	}
	low, high := d.arg(lowKey), d.arg("max")
	switch {
	case d.has(lowKey) && d.has("max"):
		if low.duration > high.duration && high.duration > 0 {
			l.errorf(low.pos, "%s: %s=%s is more than max=%s", d.spec.full(), lowKey, low.text, high.text)
		}
	case d.has(lowKey) && defaultMax > 0:
		if low.duration > defaultMax {
			l.errorf(low.pos, "%s: %s=%s is more than Cloud Tasks' default max of %s: give max= too", d.spec.full(), lowKey, low.text, formatDuration(defaultMax))
		}
	case d.has("max") && defaultMin > 0:
		if high.duration > 0 && high.duration < defaultMin {
			l.errorf(high.pos, "%s: max=%s is less than Cloud Tasks' default %s of %s: give %s= too", d.spec.full(), high.text, lowKey, formatDuration(defaultMin), lowKey)
		}
	}
}

// checkAliases reports an alias that is the task's own name. Clashes between tasks are found later, over all packages.
func (l *loader) checkAliases(d *declared) {
	dir := d.dirs[dirAlias]
	if dir == nil {
		return
	}
	name, _ := d.name()
	for _, a := range dir.list {
		if a.text == name {
			l.errorf(a.pos, "//cloudtask:alias: %s is the task's own name; list former names only", a.text)
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
		l.errorf(c.pos, "%s is %s of type %s here, and %s of type %s at %s: their URLs would be the same",
			name, what[c.alias], c.task.spec.Name.Name, what[taken.alias], taken.task.spec.Name.Name, l.at(taken.pos))
	}
	for _, t := range tasks {
		name, pos := t.name()
		add(name, claim{task: t, pos: pos})
	}
	for _, t := range tasks {
		if dir := t.dirs[dirAlias]; dir != nil {
			for _, a := range dir.list {
				add(a.text, claim{task: t, pos: a.pos, alias: true})
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
func directiveWord(c *ast.Comment) string { return clip(strings.Fields(c.Text)[0]) }

func within(n ast.Node, c *ast.Comment) bool { return n.Pos() <= c.Pos() && c.End() <= n.End() }
