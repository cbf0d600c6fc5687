// Package shared has payloads without Run: what runs them is the service that implements Runner.
package shared

import (
	"context"
	"time"
)

// Order is part of payloads here and in other packages.
type Order struct {
	ID    string `json:"id"`
	Lines []Line `json:"lines,omitempty"`
}

// Line is recursive.
type Line struct {
	SKU   string  `json:"sku"`
	Count int     `json:"count" default:"1"`
	Parts []*Line `json:"parts,omitempty"`
}

// Ship is run by the service's Runner.
//
//cloudtask:task name=ship
//cloudtask:unique ID,At
type Ship struct {
	Order
	At time.Time `json:"at"`
}

// Pack is run by the service's Runner, too.
//
//cloudtask:task queue=warehouse
type Pack struct {
	Order *Order `json:"order"`
}

// Count has a Run of its own beside them.
//
//cloudtask:task
type Count struct {
	N int `json:"n"`
}

// Run counts.
func (c Count) Run(ctx context.Context, count func(n int) int) (int, error) { return count(c.N), nil }
