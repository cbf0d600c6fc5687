package cloudtasktest

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// Request returns the request that Cloud Tasks sends with the task's first attempt, as a server sees it; or, where
// statuses are given, with the attempt after those that were answered with them. 0 stands for no answer. It has a signed
// token, the task's headers and body, and the X-CloudTasks headers of that attempt. The task stays as it is.
func Request(t TB, task *Task, statuses ...int) *http.Request {
	t.Helper()
	// A queue of its own makes the attempts, so that the request is not merely like the queue's.
	r := replay{ctx: t.Context(), answers: statuses}
	options := []localqueue.Option{
		localqueue.WithVirtualClock(task.EnqueuedAt), localqueue.WithHandler(&r), localqueue.WithTokenSource(signer()),
		localqueue.WithLogger(slog.New(slog.DiscardHandler)),
	}
	queue, _ := splitTaskName(task.sent.Name)
	if settings, err := task.q.Service.GetQueue(t.Context(), queue); err == nil {
		settings.State = resource.StateRunning
		options = append(options, localqueue.WithQueues(*settings))
	}
	service, err := localqueue.New(options...)
	if err != nil {
		t.Fatalf("cloudtasktest: Request: %v", err)
	}
	defer service.Close()
	if _, err = service.Backend().CreateTask(t.Context(), queue, task.sent); err != nil {
		t.Fatalf("cloudtasktest: Request: %v: %v", task, err)
	}
	for r.request == nil {
		if ran, err := service.RunNext(t.Context()); err != nil || !ran {
			t.Fatalf("cloudtasktest: Request: %v has no attempt after those answered with %v (%v)", task, statuses, err)
		}
	}
	return r.request
}

// replay answers a task's attempts, and keeps the request of the one after them.
type replay struct {
	ctx     context.Context // of that request
	answers []int           // still to be given
	request *http.Request
}

func (p *replay) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if len(p.answers) == 0 {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(err) // it is in memory
		}
		p.request = r.Clone(p.ctx)
		p.request.Body = io.NopCloser(bytes.NewReader(body))
		return
	}
	status := p.answers[0]
	p.answers = p.answers[1:]
	if status == 0 {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(status)
}
