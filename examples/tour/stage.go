package main

import (
	"context"
	"fmt"
	"time"

	cloudtasks "cloud.google.com/go/cloudtasks/apiv2"
	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"google.golang.org/api/iterator"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cloudtaskgen/cloudtaskgen/examples/tour/tasks"
	"github.com/cloudtaskgen/cloudtaskgen/examples/tour/timeline"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

// stage has what the scenes need. Each scene is a method that enqueues tasks and then compares the timeline with what it expects.
type stage struct {
	*timeline.Timeline
	cfg    cloudtask.Config
	app    *tasks.App
	client *cloudtask.Client  // enqueues through the official Cloud Tasks client
	google *cloudtasks.Client // for administrative calls, which programs leave to gcloud
}

// play plays all scenes, then checks that nothing else happened and that no tasks are left.
func (s *stage) play(ctx context.Context) error {
	for _, scene := range []func(context.Context) error{
		s.asSoonAsPossible, s.later, s.until, s.sync, s.eager, s.push, s.batch, // scenes_enqueue.go
		s.once, s.unique, s.lostAnswer, // scenes_once.go
		s.queues, s.deletedQueue, s.timeout, s.formerName, s.retries, s.givingUp, s.headers, s.forged, s.payloadsOnly, // scenes_run.go
		s.debug, s.discard, // scenes_repair.go
	} {
		if err := scene(ctx); err != nil {
			return err
		}
	}
	if err := s.drained(ctx); err != nil {
		return err
	}
	return s.Expect(ctx)
}

// note records an event of this program.
func (s *stage) note(format string, args ...any) { s.Note("program", format, args...) }

// enqueued records the result of an enqueue.
func (s *stage) enqueued(task string, receipt cloudtask.Receipt, err error) error {
	if err != nil {
		return err
	}
	outcome := "enqueued"
	if receipt.Duplicate {
		outcome = "duplicate, not enqueued"
	}
	s.note("%s %s in %s", task, outcome, receipt.Queue)
	return nil
}

// queueIDs are the queues that the tour's directives and calls name. In production, create queues with gcloud or Terraform, not from
// the program.
var queueIDs = []string{
	"tour", "emails", "another-dynamic-queue", "critical-notifications-queue", "batch-jobs-queue", "large-batch-jobs-queue",
	"imports", "archive", "backup", shortLived,
}

// shortLived is a queue that the tour deletes.
const shortLived = "short-lived"

func (s *stage) location() string {
	return "projects/" + s.cfg.Project + "/locations/" + s.cfg.Location
}

func (s *stage) createQueues(ctx context.Context) error {
	for _, id := range queueIDs {
		_, err := s.google.CreateQueue(ctx, &cloudtaskspb.CreateQueueRequest{
			Parent: s.location(),
			Queue:  &cloudtaskspb.Queue{Name: s.location() + "/queues/" + id},
		})
		if err != nil {
			return fmt.Errorf("creating queue %s: %w", id, err)
		}
	}
	return nil
}

// drained waits until all queues are empty.
func (s *stage) drained(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for _, id := range queueIDs {
		for {
			left, err := s.google.ListTasks(ctx, &cloudtaskspb.ListTasksRequest{Parent: s.location() + "/queues/" + id}).Next()
			if err == iterator.Done || id == shortLived && status.Code(err) == codes.NotFound {
				break
			}
			if err != nil {
				return fmt.Errorf("listing the tasks of queue %s: %w", id, err)
			}
			select {
			case <-time.After(5 * time.Millisecond):
			case <-ctx.Done():
				return fmt.Errorf("%s is still queued: %w", left.GetName(), ctx.Err())
			}
		}
	}
	return nil
}
