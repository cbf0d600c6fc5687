package lock_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/gen"
	"github.com/cloudtaskgen/cloudtaskgen/gen/diag"
	"github.com/cloudtaskgen/cloudtaskgen/gen/lock"
	"github.com/cloudtaskgen/cloudtaskgen/testdata/testenv"
)

var cases = filepath.Join("..", "..", "testdata", "lock")

// TestRules compares what is found between the folders before and after of each case with what its file want.golden says. Every
// rule has a case of its name. All cases are packages of one module, so that the codecs are linked once for each version.
//
// A case may have a version between the two, which the lock goes through without a word. With UPDATE_GOLDENS set, the files
// are written.
func TestRules(t *testing.T) {
	names, err := os.ReadDir(cases)
	if err != nil {
		t.Fatal(err)
	}
	m := newModule(t)
	for _, stage := range []string{"before", "between"} {
		m.copyCases(t, names, stage, "before")
		m.generate(t)
		if res := m.check(t, lock.Options{Write: true}); len(res.Breaks) > 0 {
			t.Fatalf("%s: %v", stage, res.Breaks)
		} else if _, err := res.Commit(); err != nil {
			t.Fatal(err)
		}
		m.now = m.now.AddDate(0, 0, 1)
	}
	m.copyCases(t, names, "after", "")
	m.generate(t)
	found, rules := map[string]string{}, map[string]lock.Rule{}
	for _, rule := range lock.Rules() {
		rules[rule.ID] = rule
	}
	for _, b := range m.check(t, lock.Options{}).Breaks {
		name, _, inFolder := strings.Cut(strings.TrimPrefix(b.Pos.File, m.dir+string(filepath.Separator)), string(filepath.Separator))
		if !inFolder {
			name = "task-removed" // which is nowhere in the source: the place is in the lock
		}
		if rule := rules[b.Rule]; !b.InFlight && !b.Rolling || b.InFlight && !rule.InFlight || b.Rolling && !rule.Rolling {
			t.Errorf("%s: not what the rule's breaks are about: %+v", b, rule)
		}
		found[name] += diag.Diagnostic{Pos: b.Pos, Message: b.String()}.Format(filepath.Join(m.dir, name)) + "\n"
	}
	for _, name := range names {
		t.Run(name.Name(), func(t *testing.T) {
			golden := filepath.Join(cases, name.Name(), "want.golden")
			got := found[name.Name()]
			if os.Getenv("UPDATE_GOLDENS") != "" {
				if err := os.WriteFile(golden, []byte(got), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
	for _, rule := range lock.Rules() {
		if !strings.Contains(found[rule.ID], ": "+rule.ID+" ") {
			t.Errorf("rule %s has no case of its name that breaks it", rule.ID)
		}
	}
}

// TestRecipes goes the ways that the manual shows: each of them in steps of which none is a break, but for what only the user can
// know, that no task is left which has a name. Between the second and the third more than 31 days go by.
func TestRecipes(t *testing.T) {
	recipes, err := os.ReadDir(filepath.Join("..", "..", "testdata", "recipes"))
	if err != nil {
		t.Fatal(err)
	}
	m := newModule(t)
	last := map[string]string{}
	for _, step := range []struct {
		name string
		opts lock.Options
	}{
		{"1", lock.Options{}},
		{"2", lock.Options{}},
		{"2", lock.Options{Prune: "2026-03-10"}}, // when everything of the first step is gone
		{"3", lock.Options{Accept: []string{"task-removed:Gone"}, Reason: "it discarded its last"}},
		{"4", lock.Options{Accept: []string{"alias-removed:Former"}, Reason: "31 days"}},
	} {
		if step.opts.Prune != "" {
			m.now = m.now.AddDate(0, 0, 40)
		}
		for _, recipe := range recipes {
			from := filepath.Join("..", "..", "testdata", "recipes", recipe.Name(), step.name)
			if _, err := os.Stat(from); err == nil {
				last[recipe.Name()] = from
			}
			m.copy(t, last[recipe.Name()], recipe.Name())
		}
		m.generate(t)
		step.opts.Write = true
		res := m.check(t, step.opts)
		for _, b := range res.Breaks {
			t.Errorf("step %s: %s: %s", step.name, b.Pos.File, b)
		}
		if _, err := res.Commit(); err != nil {
			t.Fatal(err)
		}
		m.now = m.now.AddDate(0, 0, 1)
	}
}

// A module is one in a folder of the test, in a workspace with this checkout, so that no network is needed and it need not
// require the runtime.
type module struct {
	dir string
	env []string
	now time.Time
}

func newModule(t *testing.T) *module {
	t.Helper()
	if err := testenv.Download(); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		t.Fatal(err)
	}
	m := &module{dir: t.TempDir(), now: time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)}
	if m.dir, err = filepath.EvalSymlinks(m.dir); err != nil {
		t.Fatal(err)
	}
	m.env = append(os.Environ(), "GOPROXY=off", "GOFLAGS=", "GOTOOLCHAIN=local", "GOWORK="+filepath.Join(m.dir, "go.work"))
	m.write(t, "go.mod", "module example.com/app\n\ngo 1.26.0\n")
	m.write(t, "go.work", fmt.Sprintf("go 1.26.0\n\nuse (\n\t.\n\t%s\n)\n", filepath.Dir(strings.TrimSpace(string(out)))))
	return m
}

func (m *module) write(t *testing.T, name, content string) {
	t.Helper()
	name = filepath.Join(m.dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}

// copyCases makes each case's folder what it has for a stage, or for another one where it has none.
func (m *module) copyCases(t *testing.T, names []os.DirEntry, stage, otherwise string) {
	t.Helper()
	for _, name := range names {
		from := filepath.Join(cases, name.Name(), stage)
		if _, err := os.Stat(from); err != nil {
			from = filepath.Join(cases, name.Name(), otherwise)
		}
		m.copy(t, from, name.Name())
	}
}

// copy makes a folder of the module what another one is.
func (m *module) copy(t *testing.T, from, name string) {
	t.Helper()
	to := filepath.Join(m.dir, name)
	if err := os.RemoveAll(to); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

func (m *module) options() gen.Options { return gen.Options{Dir: m.dir, Env: m.env} }

func (m *module) generate(t *testing.T) {
	t.Helper()
	opts := m.options()
	opts.Patterns = []string{"./..."}
	res, err := gen.Generate(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range res.Diagnostics {
		t.Fatal(d.Format(m.dir))
	}
	if _, err := res.Commit(); err != nil {
		t.Fatal(err)
	}
}

func (m *module) check(t *testing.T, opts lock.Options) *lock.Result {
	t.Helper()
	opts.Gen, opts.Now = m.options(), m.now
	res, err := lock.Check(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range res.Diagnostics {
		t.Fatal(d.Format(m.dir))
	}
	return res
}
