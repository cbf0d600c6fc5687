// Package shop is a program that enqueues and serves the tour's tasks. Its tests are the recipes of docs/testing.md.
package shop

import (
	"context"
	"crypto/rand"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/examples/tour/tasks"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

// Shop is what the program does for its users.
type Shop struct {
	Client *cloudtask.Client
}

// SignUp sends a welcome e-mail to a new user after half an hour.
func (s *Shop) SignUp(ctx context.Context, userID int64) error {
	_, err := tasks.EnqueueSendWelcomeEmailLater(ctx, s.Client, tasks.SendWelcomeEmail{UserID: userID}, cloudtask.In(30*time.Minute))
	return err
}

// Leave closes a user's account.
func (s *Shop) Leave(ctx context.Context, userID int64) error {
	_, err := tasks.EnqueueCloseAccountAsap(ctx, s.Client, tasks.CloseAccount{UserID: userID})
	return err
}

// ProcessAgain processes orders again, while the ID of the task that has processed them is still reserved.
func (s *Shop) ProcessAgain(ctx context.Context, order tasks.ProcessOrder) (cloudtask.Receipt, error) {
	name := cloudtask.WithTaskName("again-" + rand.Text())
	return tasks.EnqueueProcessOrderPush(ctx, s.Client, order, name)
}

// NewServer returns the program's handler, for users and for Cloud Tasks.
func NewServer(cfg cloudtask.Config, shop *Shop, app *tasks.App) (http.Handler, error) {
	handler, err := tasks.NewHandler(cfg, app)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/tasks/", tasks.WithCorrelationID(handler))
	mux.Handle("DELETE /users/{id}", cloudtask.PropagateHeaders(cfg)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
		if err != nil {
			http.Error(w, "not a user", http.StatusNotFound)
			return
		}
		if err := shop.Leave(r.Context(), id); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})))
	return mux, nil
}

// Outbox sends one e-mail per task, however often the task is delivered.
type Outbox struct {
	mu   sync.Mutex
	sent map[string]string // texts by task ID
}

// Mail sends an e-mail. The ID of the running task distinguishes a repeated delivery from another e-mail.
func (o *Outbox) Mail(ctx context.Context, to, text string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.sent == nil {
		o.sent = make(map[string]string)
	}
	o.sent[cloudtask.MetadataFrom(ctx).TaskID] = to + ": " + text
	return nil
}

// Sent returns the sent e-mails, sorted.
func (o *Outbox) Sent() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Sorted(maps.Values(o.sent))
}
