package tasks

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

// SendWelcomeEmail greets a new user.
//
//cloudtask:task queue=emails timeout=5m
type SendWelcomeEmail struct {
	UserID        int64  `json:"user_id"`
	CustomMessage string `json:"custom_message,omitempty"`
}

// EmailSent is the result of SendWelcomeEmail, which is part of the handler's response.
type EmailSent struct {
	UserID int64  `json:"user_id"`
	Email  string `json:"email"`
}

// Run sends the e-mail. It is good practice to pass IDs in the payload and to fetch the rest in Run.
func (t SendWelcomeEmail) Run(ctx context.Context, app *App) (EmailSent, error) {
	user, ok := app.Users[t.UserID]
	if !ok {
		// Retries would not find the user either.
		return EmailSent{}, cloudtask.Discard(fmt.Errorf("user %d not found", t.UserID))
	}
	message := cmp.Or(t.CustomMessage, "Hi "+user.Name+", thanks for signing up!")
	if err := app.Mail(ctx, user.Email, message); err != nil {
		return EmailSent{}, err // Cloud Tasks delivers the task again
	}
	return EmailSent{UserID: t.UserID, Email: user.Email}, nil
}

// ProcessAnalyticsBatch spreads work that is not urgent over some time.
//
//cloudtask:task
type ProcessAnalyticsBatch struct {
	UserIDs []int64 `json:"user_ids"`
}

// Run enqueues one task per user, each to run at a random time before the deadline.
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
