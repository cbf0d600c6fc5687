package tasks

import (
	"context"
	"fmt"
)

// ProcessOrder is enqueued once: while a task of this type is queued or running, and for up to 24 hours after it is gone, no other is
// created, whatever its payload.
//
//cloudtask:task once
type ProcessOrder struct {
	OrderID        int64             `json:"order_id"`
	PaymentDetails map[string]string `json:"payment_details"`
}

// Run takes the payment.
func (t ProcessOrder) Run(ctx context.Context, app *App) error {
	app.Note("ProcessOrder", "order %d, paid by %s", t.OrderID, t.PaymentDetails["method"])
	return nil
}

// ProcessItem is unique per user and item, which would be the better choice for orders, too.
//
//cloudtask:task
//cloudtask:unique UserID,ItemID
type ProcessItem struct {
	UserID int64  `json:"user_id"`
	ItemID int64  `json:"item_id"`
	Note   string `json:"note,omitempty"`
}

// Run processes the item.
func (t ProcessItem) Run(ctx context.Context, app *App) error {
	app.Note(fmt.Sprintf("ProcessItem %d-%d", t.UserID, t.ItemID), "processed")
	return nil
}

// DailyDigest is sent to a user at most once per UTC day. The day is that of its schedule time, whenever it is enqueued.
//
//cloudtask:task queue=emails
//cloudtask:unique UserID within=24h
type DailyDigest struct {
	UserID int64 `json:"user_id"`
}

// Run sends the digest.
func (t DailyDigest) Run(ctx context.Context, app *App) error {
	app.Note(fmt.Sprintf("DailyDigest %d", t.UserID), "sent")
	return nil
}
