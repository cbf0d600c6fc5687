package cloudtask_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

func TestEnqueueIsRefused(t *testing.T) {
	t.Parallel()
	withAccount := func(c *cloudtask.Config) { c.ServiceAccount = "tasks@p.iam.gserviceaccount.com" }
	option := func(opts ...cloudtask.EnqueueOption) []cloudtask.EnqueueOption { return opts }
	change := func(f func(d *cloudtask.Definition)) func(*cloudtask.Definition) { return f }
	tests := []struct {
		name   string
		config func(*cloudtask.Config)
		change func(*cloudtask.Definition)
		task   mail
		opts   []cloudtask.EnqueueOption
		want   []string
	}{
		{name: "queue", opts: option(cloudtask.WithQueue("a_b")), want: []string{`WithQueue "a_b"`, `a queue id holds only letters, digits and "-"`}},
		{name: "empty queue", opts: option(cloudtask.WithQueue("")), want: []string{`WithQueue ""`, "1 to 100 characters"}},
		{name: "full queue name", opts: option(cloudtask.WithQueue(queuePrefix + "q")), want: []string{`give the last part, "q"`}},
		{name: "queue of the method", change: change(func(d *cloudtask.Definition) { d.QueueOf = func(any) string { return "a b" } }), want: []string{`queue "a b"`}},
		{name: "timeout too short", opts: option(cloudtask.WithTimeout(14 * time.Second)), want: []string{"timeout 14s", "15s to 30m0s"}},
		{name: "timeout too long", opts: option(cloudtask.WithTimeout(31 * time.Minute)), want: []string{"timeout 31m0s", "15s to 30m0s"}},
		{name: "no timeout", opts: option(cloudtask.WithTimeout(0)), want: []string{"timeout 0s"}},
		{name: "timeout of the method", change: change(func(d *cloudtask.Definition) { d.TimeoutOf = func(any) time.Duration { return -1 } }), want: []string{"timeout -1ns"}},
		{name: "task name", opts: option(cloudtask.WithTaskName("a.b")), want: []string{`WithTaskName "a.b"`, `a task id holds only letters, digits, "-" and "_"`}},
		{name: "empty task name", opts: option(cloudtask.WithTaskName("")), want: []string{`WithTaskName ""`, "1 to 500 characters"}},
		{name: "long task name", opts: option(cloudtask.WithTaskName(strings.Repeat("a", 501))), want: []string{"(501 bytes)", "1 to 500 characters, this one 501"}},
		{name: "full task name", opts: option(cloudtask.WithTaskName(queuePrefix + "q/tasks/t")), want: []string{`give the last part, "t"`}},
		{name: "task name of the method", change: change(func(d *cloudtask.Definition) { d.TaskNameOf = func(any) string { return "ä" } }), want: []string{`task name "ä"`}},
		{name: "host header", opts: option(cloudtask.WithHeader("host", "x")), want: []string{`header "host"`, "set by Cloud Tasks itself"}},
		{name: "length header", opts: option(cloudtask.WithHeader("Content-Length", "1")), want: []string{"Content-Length"}},
		{name: "agent header", opts: option(cloudtask.WithHeader("User-Agent", "x")), want: []string{"User-Agent"}},
		{name: "Google's headers", opts: option(cloudtask.WithHeader("X-Google-Anything", "x")), want: []string{"X-Google-*"}},
		{name: "App Engine's headers", opts: option(cloudtask.WithHeader("x-appengine-country", "x")), want: []string{"x-appengine-country"}},
		{name: "Cloud Tasks' header", opts: option(cloudtask.WithHeader("X-CloudTasks-TaskRetryReason", "x")), want: []string{"X-CloudTasks-TaskRetryReason"}},
		{name: "timeout header", opts: option(cloudtask.WithHeader("cloudtask-timeout", "1h")), want: []string{"use WithTimeout"}},
		{name: "content type", opts: option(cloudtask.WithHeader("Content-Type", "text/plain")), want: []string{"application/json"}},
		{name: "hop by hop", opts: option(cloudtask.WithHeader("Connection", "close")), want: []string{"one connection"}},
		{name: "authorization beside a service account", config: withAccount, opts: option(cloudtask.WithHeader("Authorization", "Bearer x")), want: []string{"service account"}},
		{name: "header name", opts: option(cloudtask.WithHeader("a b", "x")), want: []string{`header "a b"`, "not a header name"}},
		{name: "no header name", opts: option(cloudtask.WithHeader("", "x")), want: []string{`header ""`}},
		{name: "header value with a line break", opts: option(cloudtask.WithHeader("A", "x\r\nB: y")), want: []string{`value "x\r\nB: y"`, "0x0d"}},
		{name: "header value outside of ASCII", opts: option(cloudtask.WithHeader("A", "ä")), want: []string{"0xc3", "printable ASCII"}},
		{name: "headers", opts: option(cloudtask.WithHeader("A", strings.Repeat("a", 80<<10))), want: []string{"headers have 81999 bytes", "less than 81920"}},
		{name: "URL", config: func(c *cloudtask.Config) { c.BaseURL = "https://x.example/" + strings.Repeat("a", 2083) }, want: []string{"Cloud Tasks allows 2083"}},
		{name: "type name", change: change(func(d *cloudtask.Definition) { d.Name = "a/b" }), want: []string{`task type "a/b"`}},
		{name: "payload", task: mail{Text: "unencodable"}, want: []string{"encoding the payload: payload.text: cannot be encoded"}},
		{name: "unique values", change: change(func(d *cloudtask.Definition) {
			d.UniqueKey = func([]byte, any) ([]byte, error) { return nil, errors.New("no key") }
		}), want: []string{"unique", "no key"}},
		{name: "size", task: mail{Text: strings.Repeat("a", 1<<20)}, want: []string{"task too large: 10", "of which the payload has 1048595; the limit is 1048569"}},
	}
	for _, test := range tests {
		for _, eager := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, eager %v", test.name, eager), func(t *testing.T) {
				t.Parallel()
				d := mailType()
				if test.change != nil {
					test.change(d)
				}
				m := &memory{}
				ran := false
				c := newClient(t, m, func(cfg *cloudtask.Config) {
					cfg.Eager = eager
					if test.config != nil {
						test.config(cfg)
					}
				}, d.Route(func(context.Context, any) error { ran = true; return nil }))
				receipt, err := d.Push(t.Context(), c, &test.task, test.opts...)
				wantError(t, err, append(test.want, "enqueue "+d.Name+": ")...)
				if len(m.calls) > 0 || ran || receipt.TaskID != "" {
					t.Errorf("the task was enqueued or run: %+v", receipt)
				}
				if len(err.Error()) > 1000 {
					t.Errorf("an error of %d bytes", len(err.Error()))
				}
			})
		}
	}
}

// The largest task that fits is one byte smaller than the smallest that does not.
func TestLargestTask(t *testing.T) {
	t.Parallel()
	fits := func(bytes int) bool {
		m := &memory{}
		_, err := mailType().Later(t.Context(), newClient(t, m, nil), &mail{Text: strings.Repeat("a", bytes)}, cloudtask.At(time.Unix(time.Now().Unix()+3600, 0)))
		if err != nil && !errors.Is(err, cloudtask.ErrTooLarge) {
			t.Fatal(err)
		}
		return err == nil
	}
	low, high := 1_000_000, 1<<20
	for low+1 < high {
		if middle := (low + high) / 2; fits(middle) {
			low = middle
		} else {
			high = middle
		}
	}
	// Beside the text: name 63+2, URL 39+2, method 2, headers 27+31+34+6, body 20+4, request 4, times 8+8, deadline 5, view 2.
	t.Logf("a text of %d bytes fits", low)
	if low < 1_048_250 || low > 1_048_400 {
		t.Errorf("a text of %d bytes fits, want about 250 less than the limit", low)
	}
}
