package directive

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/gen/diag"
)

// collectSource reads the directives of one file.
func collectSource(src string) (*diag.Reporter, []*Declaration) {
	r := &diag.Reporter{Fset: token.NewFileSet(), Dir: "/"}
	file, _ := parser.ParseFile(r.Fset, "/p.go", src, parser.ParseComments|parser.SkipObjectResolution|parser.AllErrors)
	if file == nil {
		return r, nil
	}
	return r, Collect(r, []*ast.File{file})
}

func TestDirectiveValues(t *testing.T) {
	t.Parallel()
	l, tasks := collectSource(`package p

// Doc.
//
//cloudtask:task name=a.b~c_d-1 queue=Q-1 timeout=1m30s
//cloudtask:unique	A,B  within=24h
//cloudtask:retry attempts=-1 age=1h min=100ms max=10s doublings=3
//cloudtask:enqueue-retry on=UNAVAILABLE,DEADLINE_EXCEEDED initial=2s max=1m multiplier=2.5 deadline=5m
//cloudtask:alias x,y
type T struct{}
`)
	if l.Len() > 0 {
		t.Fatalf("diagnostics: %v", l.Sorted())
	}
	if len(tasks) != 1 {
		t.Fatalf("%d tasks, want 1", len(tasks))
	}
	d := tasks[0].directives
	type values struct {
		Name, Queue                                            string
		Timeout, Within, Age, Min, Max, Initial, Top, Deadline time.Duration
		Attempts, Doublings                                    int64
		Multiplier                                             float64
		Unique, On, Alias                                      []string
	}
	texts := func(vs []Value) (out []string) {
		for _, v := range vs {
			out = append(out, v.Text)
		}
		return out
	}
	retry, enqueue := d["retry"], d["enqueue-retry"]
	got := values{
		Name: d["task"].Arg("name").Text, Queue: d["task"].Arg("queue").Text, Timeout: d["task"].Arg("timeout").Duration,
		Within: d["unique"].Arg("within").Duration, Unique: texts(d["unique"].List),
		Attempts: retry.Arg("attempts").Integer, Age: retry.Arg("age").Duration, Min: retry.Arg("min").Duration,
		Max: retry.Arg("max").Duration, Doublings: retry.Arg("doublings").Integer,
		On: texts(enqueue.Arg("on").List), Initial: enqueue.Arg("initial").Duration, Top: enqueue.Arg("max").Duration,
		Multiplier: enqueue.Arg("multiplier").Decimal, Deadline: enqueue.Arg("deadline").Duration, Alias: texts(d["alias"].List),
	}
	want := values{
		Name: "a.b~c_d-1", Queue: "Q-1", Timeout: 90 * time.Second,
		Within: 24 * time.Hour, Unique: []string{"A", "B"},
		Attempts: -1, Age: time.Hour, Min: 100 * time.Millisecond, Max: 10 * time.Second, Doublings: 3,
		On: []string{"UNAVAILABLE", "DEADLINE_EXCEEDED"}, Initial: 2 * time.Second, Top: time.Minute,
		Multiplier: 2.5, Deadline: 5 * time.Minute, Alias: []string{"x", "y"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
}

// The limits themselves are allowed, what is just beyond them is not.
func TestDirectiveLimits(t *testing.T) {
	t.Parallel()
	queue100, name200 := strings.Repeat("q", 100), strings.Repeat("n", 200)
	tests := []struct {
		directive string
		ok        bool
	}{
		{"task timeout=15s", true},
		{"task timeout=14.999s", false},
		{"task timeout=30m", true},
		{"task timeout=30m1ms", false},
		{"task queue=" + queue100, true},
		{"task queue=" + queue100 + "q", false},
		{"task name=" + name200, true},
		{"task name=" + name200 + "n", false},
		{"task name=a%2Fb", false},
		{"task name=é", false},
		{"task\n//cloudtask:unique A within=24h", true},
		{"task\n//cloudtask:unique A within=24h0m1s", false},
		{"task\n//cloudtask:retry attempts=1", true},
		{"task\n//cloudtask:retry attempts=0", false},
		{"task\n//cloudtask:retry attempts=-1", true},
		{"task\n//cloudtask:retry attempts=-2", false},
		{"task\n//cloudtask:retry attempts=2147483647", true},
		{"task\n//cloudtask:retry attempts=2147483648", false},
		{"task\n//cloudtask:retry min=1h", true},
		{"task\n//cloudtask:retry min=61m", false},
		{"task\n//cloudtask:retry min=61m max=61m", true},
		{"task\n//cloudtask:retry max=100ms", true},
		{"task\n//cloudtask:retry max=99ms", false},
		{"task\n//cloudtask:retry doublings=-1", false},
		{"task\n//cloudtask:enqueue-retry on=OK", false},
		{"task\n//cloudtask:enqueue-retry on=INTERNAL multiplier=1", true},
		{"task\n//cloudtask:enqueue-retry on=INTERNAL multiplier=0.99", false},
		{"task\n//cloudtask:enqueue-retry on=INTERNAL multiplier=+Inf", false},
		{"task\n//cloudtask:enqueue-retry on=INTERNAL initial=1s max=1s", true},
		{"task\n//cloudtask:enqueue-retry on=INTERNAL initial=1001ms max=1s", false},
	}
	for _, test := range tests {
		t.Run(test.directive, func(t *testing.T) {
			t.Parallel()
			l, _ := collectSource("package p\n\n//cloudtask:" + test.directive + "\ntype T struct{ A int }\n")
			if ok := l.Len() == 0; ok != test.ok {
				t.Errorf("accepted: %v, want %v; diagnostics: %v", ok, test.ok, l.Sorted())
			}
		})
	}
}

// FuzzDirective feeds the parser hostile comments. It must not panic, and every problem has a place inside the file and a
// message of one line.
func FuzzDirective(f *testing.F) {
	for _, name := range []string{"directives.txtar", "methods.txtar"} {
		src, err := os.ReadFile(filepath.Join("..", "..", "testdata", "script", name))
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.Lines(string(src)) {
			if strings.HasPrefix(line, "//") {
				f.Add(strings.TrimSuffix(line, "\n"))
			}
		}
	}
	f.Add("//cloudtask:task name=\"\\xff\" `")
	f.Add("//cloudtask:unique ,,,=,\u00a0=")
	f.Add("//cloudtask:task timeout=9223372036854775807ns queue==\r")
	f.Fuzz(func(t *testing.T, comment string) {
		src := "package p\n\n//cloudtask:task\n" + comment + "\ntype T struct{ A int }\n"
		lines := strings.Split(src, "\n")
		if IsLike(comment) && !MayHave([]byte(comment)) {
			t.Errorf("%q: a file with it would not be parsed", comment)
		}
		l, _ := collectSource(src)
		for _, d := range l.Sorted() {
			if d.Pos.Line < 1 || d.Pos.Line > len(lines) || d.Pos.Column < 1 || d.Pos.Column > len(lines[d.Pos.Line-1])+1 {
				t.Errorf("%q: diagnostic outside of the file: %d:%d: %s", comment, d.Pos.Line, d.Pos.Column, d.Message)
			}
			if strings.ContainsAny(d.Message, "\n\r") || d.Message == "" {
				t.Errorf("%q: message is not one line: %q", comment, d.Message)
			}
		}
	})
}
