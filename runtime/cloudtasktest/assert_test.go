package cloudtasktest_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtasktest"
)

// What is wrong is told with what was enqueued instead, and what happened.
func TestFailures(t *testing.T) {
	t.Parallel()
	enqueueAll := func(names ...string) func(*fakeTB, *cloudtasktest.Queue) {
		return func(t *fakeTB, q *cloudtasktest.Queue) {
			for _, name := range names {
				if _, err := greetTask.Push(t.Context(), q.Client, &greet{Name: name}, cloudtask.WithTaskName(name)); err != nil {
					panic(err)
				}
			}
		}
	}
	nothing := enqueueAll()
	farewell := greetTask
	farewell.Name, farewell.Aliases = "Farewell", nil
	enqueuedFarewell := func(q *cloudtasktest.Queue) cloudtask.Selection[*cloudtasktest.Queue, greet] {
		return cloudtask.Selection[*cloudtasktest.Queue, greet]{Queue: q, Definition: &farewell}
	}
	type action = func(*fakeTB, *cloudtasktest.Queue)
	tests := []struct {
		name   string
		before action
		check  action
		want   []string // in the log, in this order
	}{
		{"only, nothing", nothing, func(t *fakeTB, q *cloudtasktest.Queue) { cloudtasktest.Only(t, enqueuedGreet(q)) },
			[]string{"Greet: none enqueued, want one; nothing else was either"}},
		{"only, others", enqueueAll("Ada"), func(t *fakeTB, q *cloudtasktest.Queue) { cloudtasktest.Only(t, enqueuedFarewell(q)) },
			[]string{"Farewell: none enqueued, want one; instead:\n\tGreet Ada in greetings: {\"Name\":\"Ada\"}"}},
		{"only, several", enqueueAll("Ada", "Bo"), func(t *fakeTB, q *cloudtasktest.Queue) { cloudtasktest.Only(t, enqueuedGreet(q)) },
			[]string{"Greet: 2 enqueued, want one:\n\tGreet Ada in", "\n\tGreet Bo in"}},
		{"only, another", enqueueAll("Ada"), func(t *fakeTB, q *cloudtasktest.Queue) { cloudtasktest.Only(t, enqueuedGreet(q), greet{"Bo"}) },
			[]string{"Greet: enqueued otherwise than wanted (-want +got):", "-", `"Bo"`, "+", `"Ada"`}},
		{"exactly", enqueueAll("Ada", "Bo"), func(t *fakeTB, q *cloudtasktest.Queue) {
			cloudtasktest.Exactly(t, enqueuedGreet(q), greet{"Ada"}, greet{"Ada"})
		},
			[]string{"Greet: enqueued otherwise than wanted (-want +got):", "-", `"Ada"`, "+", `"Bo"`}},
		{"exactly, in another order", enqueueAll("Cy", "Ada", "Bo"), func(t *fakeTB, q *cloudtasktest.Queue) {
			cloudtasktest.Exactly(t, enqueuedGreet(q), greet{"Ada"}, greet{"Dan"}, greet{"Bo"})
		},
			[]string{"(-want +got):", `"Ada"`, "\n-", `"Dan"`, "\n+", `"Cy"`, `"Bo"`}},
		{"exactly, nothing", nothing, func(t *fakeTB, q *cloudtasktest.Queue) { cloudtasktest.Exactly(t, enqueuedGreet(q), greet{"Ada"}) },
			[]string{"Greet: none enqueued, want 1; nothing else was either"}},
		{"none", enqueueAll("Ada"), func(t *fakeTB, q *cloudtasktest.Queue) { cloudtasktest.None(t, enqueuedGreet(q)) },
			[]string{"Greet: 1 enqueued, want none (-want +got):", "greet{", "\n+", `"Ada"`}},
		{"nothing at all", enqueueAll("Ada"), func(t *fakeTB, q *cloudtasktest.Queue) { cloudtasktest.Nothing(t, q) },
			[]string{"tasks: 1 enqueued, want none:\n\tGreet Ada in greetings"}},
		{"eventually", enqueueAll("Ada"), func(t *fakeTB, q *cloudtasktest.Queue) { cloudtasktest.Eventually(t, enqueuedGreet(q), greet{"Bo"}) },
			[]string{"Greet: enqueued otherwise than wanted within 5s", `"Bo"`, `"Ada"`}},
		{"outcome", enqueueAll("Ada"), func(t *fakeTB, q *cloudtasktest.Queue) {
			q.Handle(greetTask.Route(failsFirst(1)))
			q.RunNext()
			cloudtasktest.Only(t, enqueuedGreet(q)).Want(t, cloudtasktest.Exhausted)
		}, []string{"Greet Ada in greetings is waiting, want exhausted; its attempts were:",
			"\tGreet Ada attempt 1: failed, HTTP 500, mail server is down; the next in 100ms",
			"what happened in the queue:\n\t0s           Greet Ada in greetings enqueued, due now: {\"Name\":\"Ada\"}\n\t0s           Greet Ada attempt 1: failed"}},
		{"waiting", enqueueAll("Ada"), func(t *fakeTB, q *cloudtasktest.Queue) {
			cloudtasktest.Only(t, enqueuedGreet(q)).WantWaiting(t, q.Now().Add(time.Hour))
		}, []string{"Greet Ada in greetings waits for 0s more, want 1h0m0s; it was not attempted"}},
		{"stack of a panic", enqueueAll("Ada"), func(t *fakeTB, q *cloudtasktest.Queue) {
			q.Handle(greetTask.Route(func(context.Context, any) error { panic("boom") }))
			q.RunNext()
			t.Errorf("failed")
		}, []string{"attempt 1: failed, HTTP 500, panic: boom", "TestFailures"}},
		{"stack of a panic, once", enqueueAll("Ada"), func(t *fakeTB, q *cloudtasktest.Queue) {
			q.Handle(greetTask.Route(func(context.Context, any) error { panic("boom") }))
			q.RunFor(300 * time.Millisecond)
			t.Errorf("failed")
		}, []string{"attempt 1: failed, HTTP 500, panic: boom", "TestFailures", "\n\t100ms        Greet Ada attempt 2: failed, HTTP 500, panic: boom; the next in 200ms\n\t300ms        Greet Ada attempt 3"}},
		{"nothing to run", nothing, func(t *fakeTB, q *cloudtasktest.Queue) {
			q.Handle(greetTask.Route(failsFirst(0)))
			q.RunNext()
		}, []string{"RunNext: no task waits for an attempt"}},
		{"nothing that runs", enqueueAll("Ada"), func(t *fakeTB, q *cloudtasktest.Queue) { q.RunAll() },
			[]string{"there is nothing that runs tasks: give New or Handle the routes"}},
		{"no end", enqueueAll("Ada"), func(t *fakeTB, q *cloudtasktest.Queue) {
			q.Handle(greetTask.Route(func(ctx context.Context, payload any) error {
				task := payload.(*greet)
				_, err := greetTask.Asap(ctx, q.Client, task)
				return err
			}))
			cloudtasktest.SetMaxChain(q, 100)
			q.RunFor(24 * time.Hour)
		}, []string{"there is no end: 100 tasks have enqueued one another, or one has as many attempts; the last attempts were:", "Greet"}},
		{"run by a task", enqueueAll("Ada"), func(t *fakeTB, q *cloudtasktest.Queue) {
			q.Handle(greetTask.Route(func(context.Context, any) error { q.RunAll(); return nil }))
			q.RunAll()
		}, []string{"tasks are being run already: a task cannot run others"}},
		{"unknown type", nothing, func(t *fakeTB, q *cloudtasktest.Queue) {
			q.Handle(greetTask.Route(failsFirst(0)))
			q.FailAttempt(1, 503, "Greeet")
		}, []string{`FailAttempt: no route is for "Greeet"; there are Greet, Hello`}},
		{"attempt 0", nothing, func(t *fakeTB, q *cloudtasktest.Queue) { q.LoseAnswer(0) }, []string{"LoseAnswer of attempt 0: they count from 1"}},
		{"foreign receipt", nothing, func(t *fakeTB, q *cloudtasktest.Queue) { q.Task(cloudtask.Receipt{}) }, []string{"was not enqueued here"}},
		{"after the last attempt", enqueueAll("Ada"), func(t *fakeTB, q *cloudtasktest.Queue) {
			cloudtasktest.Request(t, cloudtasktest.Only(t, enqueuedGreet(q)).Task, 503, 200)
		}, []string{"Greet Ada in greetings has no attempt after those answered with [503 200]"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake := &fakeTB{ctx: t.Context()}
				done := make(chan struct{})
				go func() {
					defer close(done)
					defer fake.end()
					q := cloudtasktest.New(fake)
					test.before(fake, q)
					test.check(fake, q)
				}()
				<-done
				log := fake.log()
				if !fake.Failed() {
					t.Error("the test did not fail")
				}
				for rest, i := log, 0; i < len(test.want); i++ {
					_, after, found := strings.Cut(rest, test.want[i])
					if !found {
						t.Fatalf("the test does not say %q (or not in this order), but:\n%s", test.want[i], log)
					}
					rest = after
				}
			})
		})
	}
}
