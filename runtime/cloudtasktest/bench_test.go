package cloudtasktest_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtasktest"
)

// BenchmarkTest is a whole test: of code that enqueues a task, and of the task too.
func BenchmarkTest(b *testing.B) {
	for _, run := range []bool{false, true} {
		b.Run(map[bool]string{false: "enqueue", true: "enqueue-and-run"}[run], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				t := &fakeTB{ctx: b.Context()}
				q := cloudtasktest.New(t, greetTask.Route(failsFirst(0)))
				if _, err := greetTask.Asap(t.Context(), q.Client, &greet{Name: "Ada"}); err != nil {
					b.Fatal(err)
				}
				task := cloudtasktest.Only(t, enqueuedGreet(q), greet{Name: "Ada"})
				if run {
					q.RunAll()
					task.Want(t, cloudtasktest.Executed)
				}
				t.end()
				if t.Failed() {
					b.Fatal(t.log())
				}
			}
		})
	}
}

// BenchmarkWeekOfFailures is a week of 1000 tasks that fail three times each.
func BenchmarkWeekOfFailures(b *testing.B) {
	b.ReportAllocs()
	before := runtime.NumGoroutine()
	var whole, run time.Duration
	for b.Loop() {
		begin := time.Now()
		t := &fakeTB{ctx: b.Context()}
		q := cloudtasktest.New(t, greetTask.Route(failsFirst(3)))
		for range 1000 {
			if _, err := greetTask.Later(t.Context(), q.Client, &greet{Name: "Ada"}, cloudtask.In(24*time.Hour)); err != nil {
				b.Fatal(err)
			}
		}
		running := time.Now()
		attempts := q.RunFor(7 * 24 * time.Hour)
		run += time.Since(running)
		t.end()
		whole += time.Since(begin)
		if len(attempts) != 4000 || t.Failed() {
			b.Fatal(len(attempts), t.log())
		}
	}
	b.ReportMetric(float64(run.Milliseconds())/float64(b.N), "RunFor-ms/op")
	if n := runtime.NumGoroutine(); n > before {
		b.Errorf("%d goroutines, there were %d before", n, before)
	}
}
