package cloudtask_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

const mailURL = "https://mail.example.com/tasks/SendMail"

func TestDebug(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		due := time.Now().Add(time.Minute).UTC()
		m.put("mails/tasks/a", mailURL, func(task *cloudtask.Task) {
			task.Header["traceparent"], task.Header["X-Other"] = "00-1", "x"
			task.DispatchDeadline = 5 * time.Minute
			task.ScheduleTime, task.DispatchCount, task.ResponseCount = due, 4, 3
			task.LastAttempt = &cloudtask.Attempt{Code: cloudtask.Internal, Message: "INTERNAL(13): HTTP status code 500"}
		})
		d := mailType(func(d *cloudtask.Definition) { d.Queue = "mails" })
		c := newClient(t, m, nil)
		for _, id := range []string{"a", queuePrefix + "mails/tasks/a"} {
			var task mail
			ctx, err := d.Debug(t.Context(), c, id, &task)
			if err != nil {
				t.Fatal(err)
			}
			if task.To != "ann" {
				t.Errorf("payload %+v", task)
			}
			want := cloudtask.Metadata{
				TaskID: "a", Queue: "mails", Project: "p", Dispatches: 4, Executions: 3, ETA: due, PreviousResponse: 500, PreviousFailure: "HTTP 500",
				Headers: http.Header{"Traceparent": {"00-1"}},
			}
			got := cloudtask.MetadataFrom(ctx)
			if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(cloudtask.Metadata{})); diff != "" {
				t.Errorf("metadata (-want +got):\n%s", diff)
			}
			if got.Eager() {
				t.Error("a queued task is not eager")
			}
			if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) != 5*time.Minute-6*time.Second {
				t.Errorf("deadline in %v, want that of an attempt which begins now", time.Until(deadline))
			}
			// The queue allows 3 attempts.
			if last, err := got.LastAttempt(ctx); err != nil || !last {
				t.Errorf("LastAttempt: %v, %v, want what the queue's settings say", last, err)
			}
			if _, err := d.Asap(ctx, c, &mail{}); err != nil {
				t.Fatal(err)
			}
			if sent := m.calls[len(m.calls)-1].tasks[0]; sent.Header["Traceparent"] != "00-1" {
				t.Errorf("what the run enqueues has the headers %v, want its task's carried on", sent.Header)
			}
		}
		if m.queued()["mails"] != 3 {
			t.Error("the task did not stay in its queue")
		}
		ctx, err := d.Debug(t.Context(), c, "a", new(mail))
		if err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		if <-ctx.Done(); ctx.Err() != context.DeadlineExceeded || time.Since(begun) != 5*time.Minute-6*time.Second {
			t.Errorf("the context ended after %v with %v", time.Since(begun), ctx.Err())
		}
	})
}

func TestDebugPreviousAttempt(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		last     *cloudtask.Attempt
		response int
		failure  string
	}{
		{"none", nil, 0, ""},
		{"running", &cloudtask.Attempt{DispatchTime: time.Unix(1, 0)}, 0, ""},
		{"not found", &cloudtask.Attempt{Code: cloudtask.NotFound, Message: "NOT_FOUND(5): HTTP status code 404"}, 404, "HTTP 404"},
		{"out of time", &cloudtask.Attempt{Code: cloudtask.DeadlineExceeded, Message: "DEADLINE_EXCEEDED(4)"}, 504, "HTTP 504"},
		{"no connection", &cloudtask.Attempt{Code: cloudtask.Unavailable, Message: "connection refused"}, 0, "connection refused"},
		{"only a code", &cloudtask.Attempt{Code: cloudtask.Unavailable}, 0, "UNAVAILABLE"},
		{"not a status", &cloudtask.Attempt{Code: cloudtask.Unknown, Message: "HTTP status code 7x"}, 0, "HTTP status code 7x"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := &memory{}
			m.put("tasks/tasks/a", mailURL, func(task *cloudtask.Task) { task.LastAttempt = test.last })
			ctx, err := mailType().Debug(t.Context(), newClient(t, m, nil), "a", new(mail))
			if err != nil {
				t.Fatal(err)
			}
			if got := cloudtask.MetadataFrom(ctx); got.PreviousResponse != test.response || got.PreviousFailure != test.failure {
				t.Errorf("previous response %d and failure %q, want %d and %q", got.PreviousResponse, got.PreviousFailure, test.response, test.failure)
			}
		})
	}
}

func TestDebugFinds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, task, url, id string
		project, queue      string // in the metadata
	}{
		{"an alias", "tasks/tasks/a", "https://mail.example.com/tasks/Greet", "a", "p", "tasks"},
		{"another host", "tasks/tasks/a", "https://elsewhere.example/api/tasks/SendMail", "a", "p", "tasks"},
		{"the backup queue", "spare/tasks/a", mailURL, "a", "p", "spare"},
		{"another queue by full name", "any/tasks/a", mailURL, queuePrefix + "any/tasks/a", "p", "any"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := &memory{}
			m.put(test.task, test.url)
			d := mailType(func(d *cloudtask.Definition) { d.Aliases = []string{"Greet"} })
			var task mail
			ctx, err := d.Debug(t.Context(), newClient(t, m, func(cfg *cloudtask.Config) { cfg.BackupQueue = "spare" }), test.id, &task)
			if err != nil || task.To != "ann" {
				t.Fatalf("%+v, %v", task, err)
			}
			if meta := cloudtask.MetadataFrom(ctx); meta.Project != test.project || meta.Queue != test.queue {
				t.Errorf("metadata %+v", meta)
			}
		})
	}
}

func TestDebugErrors(t *testing.T) {
	t.Parallel()
	m := &memory{}
	m.put("tasks/tasks/other", "https://mail.example.com/tasks/DropTable")
	m.put("tasks/tasks/broken", mailURL, func(task *cloudtask.Task) { task.Body = []byte("{") })
	c := newClient(t, m, nil)
	for _, test := range []struct {
		id   string
		want []string
	}{
		{"other", []string{"debug SendMail: ", "is a DropTable", queuePrefix + "tasks/tasks/other"}},
		{"broken", []string{"decoding the payload of " + queuePrefix + "tasks/tasks/broken"}},
		{"gone", []string{"getting " + queuePrefix + "tasks/tasks/gone: NOT_FOUND"}},
		{"", []string{`task ""`, "1 to 500 characters"}},
		{"projects/p/tasks/x", []string{`task "projects/p/tasks/x"`}},
	} {
		task := mail{To: "before"}
		ctx, err := mailType().Debug(t.Context(), c, test.id, &task)
		wantError(t, err, test.want...)
		if ctx != nil {
			t.Errorf("%q: a context was returned with the error", test.id)
		}
		if got := errors.Is(err, cloudtask.ErrOtherType); got != (test.id == "other") {
			t.Errorf("%q: errors.Is(%v, ErrOtherType) = %v", test.id, err, got)
		}
	}
	nothing := mailType().Route(func(context.Context, any) error { return nil })
	eager := newClient(t, nil, func(cfg *cloudtask.Config) { cfg.Eager = true }, nothing)
	_, err := mailType().Debug(t.Context(), eager, "a", new(mail))
	wantError(t, err, "no backend")
	_, err = mailType().Discard(t.Context(), eager)
	wantError(t, err, "no backend")
}

func TestDebugTriesAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &memory{before: failing(status(cloudtask.Unavailable), context.DeadlineExceeded)}
		m.put("tasks/tasks/a", mailURL)
		if _, err := mailType().Debug(t.Context(), newClient(t, m, nil), "a", new(mail)); err != nil || len(m.calls) != 3 {
			t.Errorf("%v after %v", err, m.methods())
		}
	})
}
