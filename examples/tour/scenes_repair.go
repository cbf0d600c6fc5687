package main

import (
	"context"
	"errors"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/examples/tour/tasks"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

func (s *stage) debug(ctx context.Context) error {
	s.Scene("Debugging a queued task", "Debug fetches the payload of a task that keeps failing and runs it here, where a debugger can be attached.\n"+
		"The queued task is not changed.")

	receipt, err := tasks.EnqueueImportContactsAsap(ctx, s.client, tasks.ImportContacts{File: "broken.csv"})
	if err := s.enqueued("broken.csv", receipt, err); err != nil {
		return err
	}
	err = s.Expect(ctx,
		"program: broken.csv enqueued in imports",
		"ImportContacts broken.csv: attempt 1 failed",
	)
	if err != nil {
		return err
	}
	_, err = tasks.DebugImportContacts(ctx, s.client, s.app, receipt.TaskID)
	s.note("debugging it: %v", err)
	return s.Expect(ctx,
		"ImportContacts broken.csv: attempt 2 failed",
		"program: debugging it: line 3 has no address",
	)
}

func (s *stage) discard(ctx context.Context) error {
	s.Scene("Discarding queued tasks", "Discard deletes tasks of its own type only: those dispatched a number of times, a single one, or all.\n"+
		"broken.csv of the previous scene is waiting for its next attempt, the others for their schedule time.")

	contacts := []tasks.ImportContacts{{File: "b.csv"}, {File: "c.csv"}, {File: "d.csv"}}
	receipts, err := tasks.EnqueueImportContactsBatch(ctx, s.client, contacts, cloudtask.WithDelay(time.Hour))
	if err != nil {
		return err
	}
	bystander, err := tasks.EnqueueSendWelcomeEmailPush(ctx, s.client, tasks.SendWelcomeEmail{UserID: 1},
		cloudtask.WithQueue("imports"), cloudtask.WithDelay(time.Hour))
	if err != nil {
		return err
	}
	if _, err := tasks.DiscardImportContacts(ctx, s.client, cloudtask.TaskID(bystander.TaskID)); err == nil {
		return errors.New("DiscardImportContacts deleted a SendWelcomeEmail")
	}
	s.note("a task of another type is rejected")

	failing, err := tasks.DiscardImportContacts(ctx, s.client, cloudtask.MinRetries(1))
	if err != nil {
		return err
	}
	s.note("%d that keeps failing", len(failing))

	one, err := tasks.DiscardImportContacts(ctx, s.client, cloudtask.TaskID(receipts[0].TaskID))
	if err != nil {
		return err
	}
	s.note("%d by its ID", len(one))

	all, err := tasks.DiscardImportContacts(ctx, s.client)
	if err != nil {
		return err
	}
	s.note("%d remaining", len(all))

	all, err = tasks.DiscardSendWelcomeEmail(ctx, s.client, cloudtask.InQueue("imports"), cloudtask.Concurrency(4))
	if err != nil {
		return err
	}
	s.note("%d of another type", len(all))
	return s.Expect(ctx,
		"program: a task of another type is rejected",
		"program: 1 that keeps failing",
		"program: 1 by its ID",
		"program: 2 remaining",
		"program: 1 of another type",
	)
}
