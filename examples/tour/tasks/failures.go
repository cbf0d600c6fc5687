package tasks

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

// RetryAware behaves differently when it is retried. Its backoff is short to keep the tour short. Tasks without this directive use the
// queue's retry settings.
//
//cloudtask:task
//cloudtask:retry attempts=4 min=20ms max=100ms doublings=2
type RetryAware struct {
	APICall string `json:"api_call"`
}

// Run uses the primary endpoint in the first attempt and the fallback from then on.
func (t RetryAware) Run(ctx context.Context, app *App) error {
	meta := cloudtask.MetadataFrom(ctx)
	last, err := meta.LastAttempt(ctx)
	if err != nil {
		return fmt.Errorf("checking whether this is the last attempt: %w", err)
	}
	previous := "no previous failure"
	if meta.PreviousFailure != "" {
		previous = "previous failure: " + meta.PreviousFailure
	}
	app.Note("RetryAware", "attempt %d in %s, last: %t, %s", meta.Attempt(), meta.Queue, last, previous)

	switch {
	case meta.FirstAttempt():
		return fmt.Errorf("%s: primary endpoint is down", t.APICall)
	case !last:
		panic("invalid response of the fallback endpoint") // fails the attempt, not the program
	}
	app.Note("RetryAware", "%s done by hand", t.APICall)
	return nil
}

// CloseAccount fails without retries: an error wrapped by Discard is answered with success, so Cloud Tasks does not deliver the task
// again.
//
//cloudtask:task
type CloseAccount struct {
	UserID int64 `json:"user_id"`
}

// Run discards the task if there is no such account. The notification that it enqueues belongs to the same trace, because ctx carries
// the propagated headers.
func (t CloseAccount) Run(ctx context.Context, app *App) error {
	if _, ok := app.Users[t.UserID]; !ok {
		app.Note("CloseAccount", "no account %d, skipping retries", t.UserID)
		return cloudtask.DiscardStatus(http.StatusNonAuthoritativeInfo, errors.New("no such account"))
	}
	app.Note("CloseAccount", "account %d closed", t.UserID)
	_, err := EnqueueHighPriorityNotificationAsap(ctx, app.Client, HighPriorityNotification{
		UserID: t.UserID, AlertMessage: "your account is closed",
	})
	return err
}

// ImportContacts keeps failing until the file is repaired. Its retries are minutes apart.
//
//cloudtask:task queue=imports
//cloudtask:retry attempts=10 min=10m max=1h
type ImportContacts struct {
	File string `json:"file"`
}

// Run fails for broken.csv.
func (t ImportContacts) Run(ctx context.Context, app *App) (rows int, err error) {
	meta := cloudtask.MetadataFrom(ctx)
	if t.File == "broken.csv" {
		app.Note("ImportContacts "+t.File, "attempt %d failed", meta.Attempt())
		return 0, errors.New("line 3 has no address")
	}
	app.Note("ImportContacts "+t.File, "imported")
	return 42, nil
}
