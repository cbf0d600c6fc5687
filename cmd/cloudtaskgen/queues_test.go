package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/cmd/internal/cli"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/queueyaml"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// The queue.yaml that is printed defines queues with the settings that Cloud Tasks gives a new one: its own defaults are
// others.
func TestQueuesYAML(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := program().Run(t.Context(), []string{"queues", "../../examples/tour/..."}, cli.Streams{Out: &stdout, Err: &stderr}); code != cli.ExitOK {
		t.Fatal(code, stderr.String())
	}
	queues, ignored, err := queueyaml.Parse(stdout.Bytes())
	if err != nil || len(ignored) > 0 || len(queues) < 3 {
		t.Fatal(len(queues), ignored, err)
	}
	for _, q := range queues {
		want := resource.Queue{
			Name:       q.Name,
			RateLimits: resource.RateLimits{MaxDispatchesPerSecond: 500, MaxBurstSize: 100, MaxConcurrentDispatches: 1000},
			Retry:      cloudtask.RetryConfig{MaxAttempts: 100, MinBackoff: 100 * time.Millisecond, MaxBackoff: time.Hour, MaxDoublings: 16},
		}
		if diff := cmp.Diff(want, q); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
}
