package directive

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/gen/diag"
)

// Declaration is a struct that is declared as a task, with its directives.
type Declaration struct {
	Spec *ast.TypeSpec
	Doc  *ast.CommentGroup

	directives map[string]*Directive
}

// Directive returns the directive of a name; nil: the struct does not have it.
func (d *Declaration) Directive(name string) *Directive { return d.directives[name] }

// Name returns the task's name and its place.
func (d *Declaration) Name() (string, token.Pos) {
	if v := d.directives[Task].Arg("name"); v.Text != "" {
		return v.Text, v.Pos
	}
	return d.Spec.Name.Name, d.Spec.Name.Pos()
}

// Collect returns the tasks that the files of a package declare, sorted by type name, and reports what is wrong with their
// directives.
func Collect(r *diag.Reporter, files []*ast.File) []*Declaration {
	c := collector{r}
	var tasks []*Declaration
	for _, file := range files {
		attached := map[*ast.Comment]bool{}
		for _, decl := range file.Decls {
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
				if t := c.declaration(ts, doc, attached); t != nil {
					tasks = append(tasks, t)
				}
			}
		}
		for _, group := range file.Comments {
			for _, comment := range group.List {
				if !attached[comment] && IsLike(comment.Text) {
					r.Errorf(comment.Pos(), "%s", detached(file, comment))
				}
			}
		}
	}
	slices.SortFunc(tasks, func(a, b *Declaration) int { return strings.Compare(a.Spec.Name.Name, b.Spec.Name.Name) })
	c.checkNames(tasks)
	return tasks
}

// A collector reads the directives of one package.
type collector struct{ *diag.Reporter }

// declaration reads the directives of one type; nil when it has none or cannot be a task.
func (c collector) declaration(ts *ast.TypeSpec, doc *ast.CommentGroup, attached map[*ast.Comment]bool) *Declaration {
	if doc == nil {
		return nil
	}
	d := &Declaration{Spec: ts, Doc: doc, directives: map[string]*Directive{}}
	understood := true
	var first *ast.Comment
	for _, comment := range doc.List {
		if !IsLike(comment.Text) {
			continue
		}
		attached[comment] = true
		if first == nil {
			first = comment
		}
		dir := Parse(c.Reporter, comment.Pos(), comment.Text)
		if dir == nil {
			understood = false
			continue
		}
		if earlier := d.directives[dir.Name]; earlier != nil {
			c.Errorf(dir.Pos, "%s twice on %s, first at %s", dir.Full(), ts.Name.Name, c.At(earlier.Pos))
			continue
		}
		d.directives[dir.Name] = dir
	}
	switch {
	case first == nil:
		return nil
	case !c.canBeTask(ts, first):
		return nil
	case d.directives[Task] == nil:
		// A directive that was not understood may be the missing one.
		if understood {
			c.Errorf(first.Pos(), "%s has %s but is not a task: add //%s:%s", ts.Name.Name, wordOf(first), Tool, Task)
		}
		return nil
	}
	c.checkTogether(d)
	return d
}

// canBeTask reports types that no task can be generated for.
func (c collector) canBeTask(ts *ast.TypeSpec, first *ast.Comment) bool {
	word := wordOf(first)
	_, isStruct := ast.Unparen(ts.Type).(*ast.StructType)
	switch {
	case ts.TypeParams != nil:
		c.Errorf(first.Pos(), "%s: %s has type parameters, and a task needs one payload: declare a struct for each instance", word, ts.Name.Name)
	case ts.Assign.IsValid():
		c.Errorf(first.Pos(), "%s: %s is an alias: put the directive above the struct", word, ts.Name.Name)
	case !isStruct:
		c.Errorf(first.Pos(), "%s: %s is not declared as a struct: a task is a struct, written type %s struct { ... }", word, ts.Name.Name, ts.Name.Name)
	case ts.Name.Name == "_":
		c.Errorf(first.Pos(), "%s: a task needs a name, and this struct is called _", word)
	default:
		return true
	}
	return false
}

// checkTogether reports arguments that are wrong only beside others.
func (c collector) checkTogether(d *Declaration) {
	task, unique := d.directives[Task], d.directives[Unique]
	if task.Has("once") && unique != nil {
		c.Errorf(unique.Pos, "//cloudtask:unique excludes once, which //cloudtask:task has at %s: one task of this type leaves nothing to tell "+
			"apart", c.At(task.Arg("once").Pos))
	}
	if name, pos := d.Name(); !task.Has("name") {
		if err := CheckTaskName(name); err != nil {
			c.Errorf(pos, "the type's name cannot be the task's: %v; give one with //cloudtask:task name=NAME", err)
		}
	}
	// Cloud Tasks fills in its own limits before it compares.
	c.checkOrder(d.directives[Retry], 100*time.Millisecond, time.Hour)
	c.checkOrder(d.directives[EnqueueRetry], 0, 0)
	c.checkAliases(d)
}

// checkOrder reports a first delay that is longer than the longest. The defaults are what stands in for either.
func (c collector) checkOrder(d *Directive, defaultMin, defaultMax time.Duration) {
	if d == nil {
		return
	}
	lowKey := "min"
	if d.Name == EnqueueRetry {
		lowKey = "initial"
	}
	low, high := d.Arg(lowKey), d.Arg("max")
	switch {
	case d.Has(lowKey) && d.Has("max"):
		if low.Duration > high.Duration && high.Duration > 0 {
			c.Errorf(low.Pos, "%s: %s=%s is more than max=%s", d.Full(), lowKey, low.Text, high.Text)
		}
	case d.Has(lowKey) && defaultMax > 0:
		if low.Duration > defaultMax {
			c.Errorf(low.Pos, "%s: %s=%s is more than Cloud Tasks' default max of %s: give max= too", d.Full(), lowKey, low.Text, FormatDuration(defaultMax))
		}
	case d.Has("max") && defaultMin > 0:
		if high.Duration > 0 && high.Duration < defaultMin {
			c.Errorf(high.Pos, "%s: max=%s is less than Cloud Tasks' default %s of %s: give %s= too", d.Full(), high.Text, lowKey, FormatDuration(defaultMin), lowKey)
		}
	}
}

// checkAliases reports an alias that is the task's own name. Clashes between tasks are found later, over all packages.
func (c collector) checkAliases(d *Declaration) {
	dir := d.directives[Alias]
	if dir == nil {
		return
	}
	name, _ := d.Name()
	for _, a := range dir.List {
		if a.Text == name {
			c.Errorf(a.Pos, "//cloudtask:alias: %s is the task's own name; list former names only", a.Text)
		}
	}
}

// checkNames reports names and aliases that two tasks of a package share. Services of one module may have tasks of one name
// in different packages: what must not come together in one handler is for NewHandler to say.
func (c collector) checkNames(tasks []*Declaration) {
	type claim struct {
		task  *Declaration
		pos   token.Pos
		alias bool
	}
	claims := map[string]claim{}
	add := func(name string, of claim) {
		taken, ok := claims[name]
		if !ok {
			claims[name] = of
			return
		}
		if taken.task == of.task {
			return
		}
		what := map[bool]string{false: "the task's name", true: "an alias"}
		c.Errorf(of.pos, "%s is %s of type %s here, and %s of type %s at %s: their URLs would be the same",
			name, what[of.alias], of.task.Spec.Name.Name, what[taken.alias], taken.task.Spec.Name.Name, c.At(taken.pos))
	}
	for _, t := range tasks {
		name, pos := t.Name()
		add(name, claim{task: t, pos: pos})
	}
	for _, t := range tasks {
		if dir := t.directives[Alias]; dir != nil {
			for _, a := range dir.List {
				add(a.Text, claim{task: t, pos: a.Pos, alias: true})
			}
		}
	}
}

// detached words why a directive belongs to no struct.
func detached(file *ast.File, c *ast.Comment) string {
	word := wordOf(c)
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

// trails reports whether a comment stands on the line where one of the declarations ends.
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

// wordOf returns the directive of a comment without its arguments.
func wordOf(c *ast.Comment) string { return diag.Clip(strings.Fields(c.Text)[0]) }

func within(n ast.Node, c *ast.Comment) bool { return n.Pos() <= c.Pos() && c.End() <= n.End() }
