package main

import (
	"context"
	"errors"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/examples/tour/tasks"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

func (s *stage) asSoonAsPossible(ctx context.Context) error {
	s.Scene("As soon as possible", "The queue delivers a task by HTTP to the handler, which decodes the payload and calls Run.")

	receipt, err := tasks.EnqueueSendWelcomeEmailAsap(ctx, s.client, tasks.SendWelcomeEmail{UserID: 1})
	if err := s.enqueued("SendWelcomeEmail 1", receipt, err); err != nil {
		return err
	}
	receipt, err = tasks.EnqueueSendWelcomeEmailAsap(ctx, s.client, tasks.SendWelcomeEmail{
		UserID:        2,
		CustomMessage: "Hey there, special user!",
	})
	if err := s.enqueued("SendWelcomeEmail 2", receipt, err); err != nil {
		return err
	}
	return s.Expect(ctx,
		"program: SendWelcomeEmail 1 enqueued in emails",
		"program: SendWelcomeEmail 2 enqueued in emails",
		"mail to ada@example.com: Hi Ada, thanks for signing up!",
		"mail to bo@example.com: Hey there, special user!",
	)
}

func (s *stage) later(ctx context.Context) error {
	s.Scene("At a given time", "Later takes a delay or a time. This program allows up to 7 days, Cloud Tasks up to 30.")

	start := time.Now()
	followUp := tasks.SendWelcomeEmail{UserID: 1, CustomMessage: "Enjoying the platform?"}
	receipt, err := tasks.EnqueueSendWelcomeEmailLater(ctx, s.client, followUp, cloudtask.In(80*time.Millisecond))
	if err := s.enqueued("SendWelcomeEmail 1", receipt, err); err != nil {
		return err
	}
	followUp.UserID = 2
	receipt, err = tasks.EnqueueSendWelcomeEmailLater(ctx, s.client, followUp, cloudtask.At(start.Add(80*time.Millisecond)))
	if err := s.enqueued("SendWelcomeEmail 2", receipt, err); err != nil {
		return err
	}
	_, err = tasks.EnqueueSendWelcomeEmailLater(ctx, s.client, followUp, cloudtask.In(8*24*time.Hour))
	if err == nil {
		return errors.New("a task was enqueued beyond the maximum ETA")
	}
	s.note("a delay of 8 days is rejected")

	err = s.Expect(ctx,
		"program: SendWelcomeEmail 1 enqueued in emails",
		"program: SendWelcomeEmail 2 enqueued in emails",
		"program: a delay of 8 days is rejected",
		"mail to ada@example.com: Enjoying the platform?",
		"mail to bo@example.com: Enjoying the platform?",
	)
	if early := 80*time.Millisecond - time.Since(start); err == nil && early > 0 {
		return errors.New("the tasks ran too early")
	}
	return err
}

func (s *stage) until(ctx context.Context) error {
	s.Scene("At a random time before a deadline", "A task enqueues one task per user, each to run at a random time before a deadline. This spreads the load.")

	receipt, err := tasks.EnqueueProcessAnalyticsBatchAsap(ctx, s.client, tasks.ProcessAnalyticsBatch{UserIDs: []int64{1, 2, 3}})
	if err := s.enqueued("ProcessAnalyticsBatch", receipt, err); err != nil {
		return err
	}
	return s.Expect(ctx,
		"program: ProcessAnalyticsBatch enqueued in tour",
		"ProcessAnalyticsBatch: spread 3 e-mails over the next 200ms",
		"mail to ada@example.com: Hi Ada, thanks for signing up!",
		"mail to bo@example.com: Hi Bo, thanks for signing up!",
		"mail to cy@example.com: Hi Cy, thanks for signing up!",
	)
}

func (s *stage) sync(ctx context.Context) error {
	s.Scene("Synchronously", "Sync calls Run directly: no queue, no HTTP, no JSON.")

	sent, err := tasks.SyncSendWelcomeEmail(ctx, s.app, tasks.SendWelcomeEmail{UserID: 1, CustomMessage: "Testing sync call."})
	if err != nil {
		return err
	}
	s.note("result: %+v", sent)
	return s.Expect(ctx,
		"mail to ada@example.com: Testing sync call.",
		"program: result: {UserID:1 Email:ada@example.com}",
	)
}

func (s *stage) eager(ctx context.Context) error {
	s.Scene("Eagerly", "With Config.Eager, every enqueue runs the task instead. The payload is still encoded and decoded, so a task\n"+
		"that works eagerly also works queued. No queue is needed: the backend is nil.")

	cfg := s.cfg
	cfg.Eager = true
	client, err := cloudtask.NewClient(nil, cfg, tasks.Routes(s.app)...)
	if err != nil {
		return err
	}
	defer client.Close()
	receipt, err := tasks.EnqueueSendWelcomeEmailLater(ctx, client, tasks.SendWelcomeEmail{UserID: 1}, cloudtask.In(time.Hour))
	if err != nil {
		return err
	}
	s.note("result: %s", receipt.Result)
	return s.Expect(ctx,
		"mail to ada@example.com: Hi Ada, thanks for signing up!",
		`program: result: {"user_id":1,"email":"ada@example.com"}`,
	)
}

func (s *stage) push(ctx context.Context) error {
	s.Scene("With full control", "Push takes headers, a delay, another queue and a task ID. The second push with the same ID is a duplicate.")

	for range 2 {
		receipt, err := tasks.EnqueueHighPriorityNotificationPush(ctx, s.client,
			tasks.HighPriorityNotification{UserID: 2, AlertMessage: "Pushed with full control!"},
			cloudtask.WithHeader("X-Correlation-ID", "my-custom-trace-id"),
			cloudtask.WithDelay(50*time.Millisecond),
			cloudtask.WithQueue("another-dynamic-queue"),
			cloudtask.WithTaskName("alert-2-777"),
			cloudtask.WithTimeout(time.Minute),
		)
		if err := s.enqueued("alert-2-777", receipt, err); err != nil {
			return err
		}
	}
	return s.Expect(ctx,
		"program: alert-2-777 enqueued in another-dynamic-queue",
		"program: alert-2-777 duplicate, not enqueued in another-dynamic-queue",
		"HighPriorityNotification: alert to Bo: Pushed with full control!, correlation my-custom-trace-id",
	)
}

func (s *stage) batch(ctx context.Context) error {
	s.Scene("Many at once", "Batch enqueues a hundred tasks per call where the service supports it, and returns their receipts in order.")

	receipts, err := tasks.EnqueueSendWelcomeEmailBatch(ctx, s.client, []tasks.SendWelcomeEmail{{UserID: 1}, {UserID: 2}, {UserID: 3}})
	if err != nil {
		return err
	}
	s.note("%d receipts", len(receipts))
	return s.Expect(ctx,
		"program: 3 receipts",
		"mail to ada@example.com: Hi Ada, thanks for signing up!",
		"mail to bo@example.com: Hi Bo, thanks for signing up!",
		"mail to cy@example.com: Hi Cy, thanks for signing up!",
	)
}
