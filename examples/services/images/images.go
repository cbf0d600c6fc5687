// Package images has the payloads that the API enqueues and the worker runs. None of them has a Run method: the worker
// implements the generated interface Runner, so the API links none of its code.
package images

// Resize makes a copy of an image that is Width pixels wide.
//
//cloudtask:task queue=images timeout=5m
type Resize struct {
	Image string `json:"image"`
	Width int    `json:"width,omitempty" default:"320"`
}
