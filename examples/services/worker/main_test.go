package main

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/examples/services/images"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtasktest"
)

func TestResize(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := cloudtasktest.New(t, images.Routes(resizer{})...)
		for _, width := range []int{0, int((10 * time.Minute).Milliseconds())} {
			if _, err := images.EnqueueResizeAsap(t.Context(), q.Client, images.Resize{Image: "cat.png", Width: width}); err != nil {
				t.Fatal(err)
			}
		}
		all := cloudtasktest.All(t, images.EnqueuedResize(q))

		start := time.Now()
		if attempt := q.RunNext(); attempt.Outcome != cloudtasktest.Executed || time.Since(start) != 320*time.Millisecond {
			t.Errorf("%v after %v, want it executed after the default width's time", attempt, time.Since(start))
		}
		all[0].Want(t, cloudtasktest.Executed)

		// The second takes longer than the task's timeout.
		q.RunNext()
		all[1].Want(t, cloudtasktest.Waiting)
	})
}

// An eager client gets no result of a Runner: its methods return none.
func TestEagerly(t *testing.T) {
	t.Parallel()
	client, err := cloudtask.NewClient(nil, cloudtask.Config{Eager: true}, images.Routes(resizer{})...)
	if err != nil {
		t.Fatal(err)
	}
	receipt, err := images.EnqueueResizeAsap(t.Context(), client, images.Resize{Image: "cat.png", Width: 1})
	if err != nil || receipt.Result != nil {
		t.Errorf("result %s, %v; want none", receipt.Result, err)
	}
}
