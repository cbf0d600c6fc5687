// Package manual declares the tasks of the manual, with Run methods of every form.
package manual

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/testdata/golden/shared"
)

// App is what the tasks depend on: it notes what they did.
type App struct {
	mu   sync.Mutex
	done []string
}

func (a *App) note(what string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.done = append(a.done, what)
}

// Done returns what the tasks noted, in order.
func (a *App) Done() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]string(nil), a.done...)
}

// SendWelcomeEmail greets a user who has just signed up.
//
//cloudtask:task queue=emails timeout=5m
type SendWelcomeEmail struct {
	UserID        int64  `json:"user_id"`
	CustomMessage string `json:"custom_message,omitempty"`
}

// EmailSent is what SendWelcomeEmail returns.
type EmailSent struct {
	To      string `json:"to"`
	Message string `json:"message"`
}

// Run sends the e-mail.
func (t SendWelcomeEmail) Run(ctx context.Context, app *App) (EmailSent, error) {
	if t.UserID == 0 {
		return EmailSent{}, errors.New("no such user")
	}
	app.note("welcome " + strconv.FormatInt(t.UserID, 10))
	return EmailSent{To: "user-" + strconv.FormatInt(t.UserID, 10), Message: t.CustomMessage}, nil
}

// ProcessAnalyticsBatch spreads e-mails over the next hour.
//
//cloudtask:task
type ProcessAnalyticsBatch struct {
	UserIDs []int64 `json:"user_ids"`
}

// Run enqueues an e-mail for each user.
func (t *ProcessAnalyticsBatch) Run(ctx context.Context, client *cloudtask.Client) error {
	latest := time.Now().Add(time.Hour)
	for _, id := range t.UserIDs {
		if _, err := EnqueueSendWelcomeEmailUntil(ctx, client, SendWelcomeEmail{UserID: id}, latest); err != nil {
			return err
		}
	}
	return nil
}

// ProcessOrder is enqueued once, whatever its payload.
//
//cloudtask:task once
type ProcessOrder struct {
	Order shared.Order `json:"order"`
}

// Run processes the order.
func (t ProcessOrder) Run(ctx context.Context, app *App) error {
	app.note("order " + t.Order.ID)
	return nil
}

// ChargeOrder is enqueued once for each order and hour.
//
//cloudtask:task
//cloudtask:unique OrderID,Line within=1h
//cloudtask:alias Charge,BillOrder
type ChargeOrder struct {
	OrderID string `json:"order_id"`
	Line    int    `json:"line"`
	Cents   int64  `json:"cents"`
}

// Run charges the order and returns the balance.
func (t ChargeOrder) Run(ctx context.Context, app *App) (int64, error) {
	app.note("charge " + t.OrderID)
	return -t.Cents, nil
}

// RobustEnqueue survives an outage of the queue service.
//
//cloudtask:task
//cloudtask:enqueue-retry on=UNAVAILABLE,INTERNAL initial=2s max=1m multiplier=2.5 deadline=5m
//cloudtask:retry attempts=7 age=1h min=5s max=10m doublings=4
type RobustEnqueue struct {
	Data map[string]any `json:"data"`
}

// Run does nothing.
func (t RobustEnqueue) Run(ctx context.Context) error { return nil }

// HighPriorityNotification chooses its queue, time-out and name by its payload.
//
//cloudtask:task queue=notifications timeout=20s
type HighPriorityNotification struct {
	UserID int64  `json:"user_id"`
	Alert  string `json:"alert,omitempty"`
}

// Queue returns the queue of critical alerts.
func (t HighPriorityNotification) Queue() string {
	if t.Alert != "" {
		return "critical"
	}
	return ""
}

// Timeout gives alerts more time.
func (t *HighPriorityNotification) Timeout() time.Duration {
	if t.Alert != "" {
		return time.Minute
	}
	return 0
}

// TaskName makes an alert for a user the same task.
func (t HighPriorityNotification) TaskName() string {
	if t.Alert != "" {
		return "alert-" + strconv.FormatInt(t.UserID, 10)
	}
	return ""
}

// Run returns the alert.
func (t *HighPriorityNotification) Run(ctx context.Context, app *App) (*string, error) {
	app.note("alert " + t.Alert)
	return &t.Alert, nil
}

// Discarding fails for good.
//
//cloudtask:task name=discarding-task
type Discarding struct{}

// Run fails.
func (Discarding) Run(ctx context.Context) error {
	return cloudtask.Discard(errors.New("the account is closed"))
}
