package tasks

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

// SendWelcomeEmail greets a user who has just signed up.
//
//cloudtask:task queue=emails timeout=5m
type SendWelcomeEmail struct {
	UserID        int64  `json:"user_id"`
	CustomMessage string `json:"custom_message,omitempty"`
}

// EmailSent is what SendWelcomeEmail returns. It is the result in the handler's answer.
type EmailSent struct {
	UserID int64  `json:"user_id"`
	Email  string `json:"email"`
}

// Run is what the task does. It is good practice to pass ids in the payload and to fetch the rest here.
func (t SendWelcomeEmail) Run(ctx context.Context, app *App) (EmailSent, error) {
	user, ok := app.Users[t.UserID]
	if !ok {
		// Trying again would not find the user either, so there is nothing to retry.
		return EmailSent{}, cloudtask.Discard(fmt.Errorf("user %d not found", t.UserID))
	}
	message := cmp.Or(t.CustomMessage, "Hi "+user.Name+", thanks for signing up!")
	if err := app.Mail(ctx, user.Email, message); err != nil {
		return EmailSent{}, err // Cloud Tasks delivers the task again
	}
	return EmailSent{UserID: t.UserID, Email: user.Email}, nil
}

// ProcessAnalyticsBatch spreads work that is in no hurry over the time to come.
//
//cloudtask:task
type ProcessAnalyticsBatch struct {
	UserIDs []int64 `json:"user_ids"`
}

// Run enqueues one task a user, each at a random time before the deadline. They go to the queue as one batch would,
// but with a time of their own.
func (t ProcessAnalyticsBatch) Run(ctx context.Context, app *App) error {
	latest := time.Now().Add(app.Spread)
	for _, id := range t.UserIDs {
		if _, err := EnqueueSendWelcomeEmailUntil(ctx, app.Client, SendWelcomeEmail{UserID: id}, latest); err != nil {
			return err
		}
	}
	app.Note("ProcessAnalyticsBatch", "spread %d e-mails over the next %v", len(t.UserIDs), app.Spread)
	return nil
}
