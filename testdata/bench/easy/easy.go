// Package easy has the payloads of testdata/codec/payloads once more, with the methods that easyjson generates.
package easy

import (
	"encoding/json"
	"time"
)

// Tiny is as small as most payloads are.
type Tiny struct {
	UserID  int64  `json:"user_id"`
	Message string `json:"message"`
}

// Order has nested items and a map.
type Order struct {
	ID       string            `json:"id"`
	Customer Customer          `json:"customer"`
	Items    []Item            `json:"items"`
	Attrs    map[string]string `json:"attrs"`
	Total    float64           `json:"total"`
	Currency string            `json:"currency"`
	Paid     bool              `json:"paid"`
	Express  bool              `json:"express"`
}

// Customer is who made an order.
type Customer struct {
	ID    int64  `json:"id"`
	Name  string `json:"name"`
	Email string `json:"email"`
}

// Item is part of an order.
type Item struct {
	SKU      string  `json:"sku"`
	Title    string  `json:"title"`
	Quantity int     `json:"quantity"`
	Price    float64 `json:"price"`
}

// IDs is a batch.
type IDs struct {
	IDs []int64 `json:"ids"`
}

// Document is 64 KiB of text.
type Document struct {
	Title    string    `json:"title"`
	Language string    `json:"language"`
	Sections []Section `json:"sections"`
}

// Section is part of a document.
type Section struct {
	Heading string `json:"heading"`
	Text    string `json:"text"`
}

// Mixed has what is not a number, a string or a struct.
type Mixed struct {
	ID        uint32          `json:"id"`
	CreatedAt time.Time       `json:"created_at"`
	Digest    []byte          `json:"digest"`
	Nick      *string         `json:"nick,omitempty"`
	Limit     *int64          `json:"limit,omitempty"`
	Parent    *Customer       `json:"parent,omitempty"`
	Raw       json.RawMessage `json:"raw"`
	Score     float64         `json:"score"`
	Active    bool            `json:"active"`
}
