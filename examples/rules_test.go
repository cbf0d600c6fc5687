package examples_test

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/examples/tour/tasks"
	"github.com/cloudtaskgen/cloudtaskgen/gen/directive"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtasktest"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// TestRulesAgree compares the generator's rules of Cloud Tasks with those of the runtime. Neither may import the other, so both have
// their own.
func TestRulesAgree(t *testing.T) {
	t.Parallel()
	var help bytes.Buffer
	if err := directive.WriteHelp(&help); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(help.String()), " ")
	find := func(pattern string) string {
		t.Helper()
		m := regexp.MustCompile(pattern).FindStringSubmatch(text)
		if m == nil {
			t.Fatalf("the help for directives does not match %s", pattern)
		}
		return m[1]
	}
	duration := func(pattern string) time.Duration {
		t.Helper()
		d, err := time.ParseDuration(find(pattern))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}

	q := cloudtasktest.New(t)
	enqueue := func(opts ...cloudtask.EnqueueOption) error {
		_, err := tasks.EnqueueSendWelcomeEmailPush(t.Context(), q.Client, tasks.SendWelcomeEmail{UserID: 1}, opts...)
		return err
	}
	shortest, longest := duration(`from (\S+) to \S+; default: 10m\)`), duration(`from 15s to (\S+); default: 10m\)`)
	idLength, err := strconv.Atoi(find(`queue's ID \(1 to (\d+) letters`))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		opt cloudtask.EnqueueOption
		ok  bool
	}{
		{cloudtask.WithTimeout(shortest), true},
		{cloudtask.WithTimeout(shortest - 1), false},
		{cloudtask.WithTimeout(longest), true},
		{cloudtask.WithTimeout(longest + 1), false},
		{cloudtask.WithQueue(strings.Repeat("q", idLength)), true},
		{cloudtask.WithQueue(strings.Repeat("q", idLength+1)), false},
		{cloudtask.WithQueue("a_b"), directive.CheckQueueID("a_b") == nil},
		{cloudtask.WithQueue("A-9"), directive.CheckQueueID("A-9") == nil},
	} {
		if err := enqueue(test.opt); (err == nil) != test.ok {
			t.Errorf("enqueue: %v, the generator allows it: %v", err, test.ok)
		}
	}

	s, err := localqueue.New(localqueue.WithQueues(resource.Queue{Name: "q"}))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	queue, err := s.Backend().GetQueue(t.Context(), "projects/p/locations/l/queues/q")
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(queue.Retry)
	want := fmt.Sprint(cloudtask.RetryConfig{
		MaxAttempts: must(strconv.Atoi(find(`including the first \([^)]*default: (\d+)\)`)))(t),
		MinBackoff:  duration(`the first pause \([^)]*default: (\S+)\)`), MaxBackoff: duration(`the longest pause \([^)]*default: (\S+)\)`),
		MaxDoublings: must(strconv.Atoi(find(`same step \([^)]*default: (\d+)\)`)))(t),
	})
	if got != want {
		t.Errorf("retry settings of a new queue are %s, the generator says %s", got, want)
	}

	// The names of all status codes except OK, which is not an error.
	for code := cloudtask.Canceled; code <= cloudtask.Unauthenticated; code++ {
		if err := directive.CheckCode(code.String()); err != nil {
			t.Errorf("the runtime has %s, the generator: %v", code, err)
		}
	}
	if err := directive.CheckCode(cloudtask.OK.String()); err == nil {
		t.Error("the generator accepts OK as a failure")
	}
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
