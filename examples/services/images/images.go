// Package images has the payloads that the API enqueues and the worker runs. They have no Run methods: the worker implements the
// generated interface Runner, so the API links none of the worker's code.
package images

// Resize makes a copy of an image that is Width pixels wide.
//
//cloudtask:task queue=images timeout=5m
type Resize struct {
	Image string `json:"image"`
	Width int    `json:"width,omitempty" default:"320"`
}
