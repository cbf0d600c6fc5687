package lock

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/modfile"

	"github.com/cloudtaskgen/cloudtaskgen/gen"
	"github.com/cloudtaskgen/cloudtaskgen/gen/diag"
	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
)

// Options says what to compare with what.
type Options struct {
	Gen     gen.Options // of the packages; without patterns, those of the whole module
	File    string      // of the lock, relative to Gen.Dir; "": FileName beside go.mod
	Against string      // git revision whose lock today's code is compared with; "": the lock as it is
	Write   bool        // the lock is to be written; with Against, from the one of that revision
	Accept  []string    // breaks that are meant, as RULE:SUBJECT
	Reason  string      // why
	Prune   string      // forget what was there before this day, 2006-01-02; "": nothing
	Now     time.Time   // when breaks are accepted and versions replaced
}

// A Result is what one run found and would write.
type Result struct {
	Dir         string            // absolute working directory, which messages name files relative to
	Diagnostics []diag.Diagnostic // what is wrong with the source; there is nothing else then
	Breaks      []Break           // those that have not been accepted, sorted
	Notes       []string          // what else the user should know
	Command     string            // that writes the lock, in messages

	exists bool     // there is a lock
	next   gen.File // the lock as it should be
}

// Check compares today's code with the lock. The error is a problem of the call or of the machine.
func Check(ctx context.Context, opts Options) (*Result, error) {
	c := &checker{ctx: ctx, opts: opts}
	if err := c.module(); err != nil {
		return nil, err
	}
	accepts, err := c.accepts()
	if err != nil {
		return nil, err
	}
	loaded, err := gen.Load(ctx, c.opts.Gen)
	if err != nil {
		return nil, err
	}
	c.res = &Result{Dir: loaded.Dir, Diagnostics: loaded.Diagnostics, Command: "cloudtaskgen lock"}
	if opts.File != "" {
		c.res.Command += " -o " + opts.File
	}
	if opts.Against != "" {
		c.res.Command += " -against " + opts.Against
	}
	if len(loaded.Diagnostics) > 0 {
		return c.res, nil
	}
	if err := c.read(); err != nil {
		return nil, err
	}
	if err := c.scope(loaded); err != nil {
		return nil, err
	}
	return c.res, c.compare(accepts)
}

// Findings returns the breaks as diagnostics.
func (r *Result) Findings() []diag.Diagnostic {
	var found []diag.Diagnostic
	for _, b := range r.Breaks {
		found = append(found, diag.Diagnostic{Pos: b.Pos, Message: b.String()})
	}
	return found
}

// Diff writes a unified diff from the lock to what it should be, and returns a diagnostic when there is any.
func (r *Result) Diff(w io.Writer) ([]diag.Diagnostic, error) {
	found, err := r.files().Diff(w)
	for i := range found {
		why := "out of date"
		if !r.exists {
			why = "missing"
		}
		found[i].Message = why + ": run " + r.Command + ", and commit what it writes"
	}
	return found, err
}

// Commit writes the lock.
func (r *Result) Commit() ([]diag.Diagnostic, error) { return r.files().Commit() }

func (r *Result) files() *gen.Result {
	files := &gen.Result{Dir: r.Dir}
	if r.exists || r.next.Content != nil {
		files.Files = []gen.File{r.next}
	}
	return files
}

// A checker does the work of one Check.
type checker struct {
	ctx  context.Context
	opts Options
	res  *Result

	moduleDir, modulePath string
	name                  string // of the lock's file, absolute
	working, base         *File  // the lock as it is, and the one to compare with: the same unless Against says otherwise

	today   []subject
	outside []*Task // of the working lock: in packages that this run is not about
}

func (c *checker) day() string { return c.opts.Now.UTC().Format(time.DateOnly) }

// module finds the module and the lock's file.
func (c *checker) module() error {
	dir, err := filepath.Abs(c.opts.Gen.Dir)
	if err != nil {
		return err
	}
	c.opts.Gen.Dir = dir
	cmd := exec.CommandContext(c.ctx, "go", "env", "GOMOD")
	cmd.Dir, cmd.Env = dir, c.opts.Gen.Env
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("go env GOMOD: %w", err)
	}
	mod := strings.TrimSpace(string(out))
	if mod == "" || mod == os.DevNull {
		return errors.New("no go.mod here: a lock belongs to a module")
	}
	data, err := os.ReadFile(mod)
	if err != nil {
		return err
	}
	c.moduleDir, c.modulePath = filepath.Dir(mod), modfile.ModulePath(data)
	c.name = filepath.Join(c.moduleDir, FileName)
	if c.opts.File != "" {
		c.name = c.opts.File
		if !filepath.IsAbs(c.name) {
			c.name = filepath.Join(dir, c.name)
		}
	}
	if len(c.opts.Gen.Patterns) == 0 {
		root, err := filepath.Rel(dir, c.moduleDir)
		if err != nil {
			return err
		}
		root = filepath.ToSlash(root)
		if root != "." && !strings.HasPrefix(root, "..") {
			root = "./" + root
		}
		c.opts.Gen.Patterns = []string{root + "/..."}
	}
	return nil
}

// accepts reads what is to be accepted.
func (c *checker) accepts() ([]Acceptance, error) {
	var accepts []Acceptance
	for _, text := range c.opts.Accept {
		rule, subject, err := parseAccept(text)
		if err != nil {
			return nil, err
		}
		accepts = append(accepts, Acceptance{Rule: rule, Subject: subject, Reason: c.opts.Reason, On: c.day()})
	}
	if len(accepts) > 0 && strings.TrimSpace(c.opts.Reason) == "" {
		return nil, errors.New("-accept needs a -reason, which the lock records")
	}
	if len(accepts) == 0 && c.opts.Reason != "" {
		return nil, errors.New("-reason is why a break is accepted: say which one with -accept RULE:SUBJECT")
	}
	return accepts, nil
}

// read reads the lock, and the one to compare with.
func (c *checker) read() error {
	data, err := os.ReadFile(c.name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.working = &File{Version: formatVersion}
	case err != nil:
		return err
	default:
		c.res.exists = true
		if c.working, err = c.parse(data, ""); err != nil {
			return err
		}
	}
	c.base = c.working
	if c.opts.Against == "" {
		return nil
	}
	before, err := fileAt(c.ctx, c.opts.Against, c.name)
	if err != nil {
		return err
	}
	if before == nil {
		c.note("%s has no %s: there is nothing to compare with", c.opts.Against, c.fileName())
		c.base = &File{Version: formatVersion}
		return nil
	}
	if c.base, err = c.parse(before, " at "+c.opts.Against); err != nil {
		return err
	}
	for _, t := range c.base.Tasks { // which have no place in the file that is there
		t.pos = model.Position{File: c.name, Line: 1, Column: 1}
		if w := slices.IndexFunc(c.working.Tasks, func(w *Task) bool { return w.Name == t.Name && w.Package == t.Package }); w >= 0 {
			t.pos = c.working.Tasks[w].pos
		}
	}
	return nil
}

// parse reads a lock, and finds where its tasks are.
func (c *checker) parse(data []byte, which string) (*File, error) {
	f, err := parse(data)
	if err != nil {
		hint := ""
		if bytes.Contains(data, []byte("\n<<<<<<< ")) {
			hint = ": take the side that was there first, such as with git checkout --theirs, and run " + c.res.Command
		}
		return nil, fmt.Errorf("%s%s is not a lock: %w%s", c.fileName(), which, err, hint)
	}
	known := places(c.name, data)
	for _, t := range f.Tasks {
		t.pos = cmp.Or(known[[2]string{t.Name, t.Package}], model.Position{File: c.name, Line: 1, Column: 1})
	}
	return f, nil
}

// taskStart is how a task begins in a lock.
var taskStart = regexp.MustCompile(`"name": "([^"]*)",\s*"package": "([^"]*)"`)

// places returns where a lock's file has its tasks, by name and package.
func places(file string, data []byte) map[[2]string]model.Position {
	found := map[[2]string]model.Position{}
	line, from := 1, 0
	for _, m := range taskStart.FindAllSubmatchIndex(data, -1) {
		line += bytes.Count(data[from:m[0]], []byte("\n"))
		from = m[0]
		key := [2]string{string(data[m[2]:m[3]]), string(data[m[4]:m[5]])}
		if _, ok := found[key]; !ok {
			found[key] = model.Position{File: file, Line: line, Column: m[0] - bytes.LastIndexByte(data[:m[0]], '\n')}
		}
	}
	return found
}

// fileName returns the lock's name as messages have it.
func (c *checker) fileName() string {
	name, err := filepath.Rel(c.opts.Gen.Dir, c.name)
	if err != nil {
		return c.name
	}
	return filepath.ToSlash(name)
}

func (c *checker) note(format string, args ...any) {
	c.res.Notes = append(c.res.Notes, fmt.Sprintf(format, args...))
}

// scope finds today's tasks, and puts aside what this run is not about.
func (c *checker) scope(loaded *gen.Result) error {
	for _, p := range loaded.Packages {
		if !sameFile(nearestModule(p.Dir), c.moduleDir) {
			return fmt.Errorf("package %s is of another module than %s: run cloudtaskgen lock there", p.Path, c.modulePath)
		}
		for _, t := range p.Tasks {
			c.today = append(c.today, subject{pkg: p, task: shape(p, t)})
		}
	}
	slices.SortFunc(c.today, func(a, b subject) int { return byName(a.task, b.task) })
	about := func(t *Task) bool { return slices.Contains(loaded.Matched, t.Package) || !c.hasPackage(t.Package) }
	c.outside = slices.DeleteFunc(slices.Clone(c.working.Tasks), about)
	for _, f := range []*File{c.working, c.base} {
		f.Tasks = slices.DeleteFunc(f.Tasks, func(t *Task) bool { return !about(t) })
	}
	return nil
}

func byName(a, b *Task) int {
	return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Package, b.Package))
}

// nearestModule returns the folder of the go.mod that a folder's packages belong to.
func nearestModule(dir string) string {
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil || dir == filepath.Dir(dir) {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}

// sameFile reports whether two names, which links may lie between, are of one file.
func sameFile(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// hasPackage reports whether a package of the module is still there.
func (c *checker) hasPackage(importPath string) bool {
	rest, ok := strings.CutPrefix(importPath, c.modulePath)
	if !ok {
		return false
	}
	files, _ := filepath.Glob(filepath.Join(c.moduleDir, filepath.FromSlash(rest), "*.go"))
	return len(files) > 0
}
