package allowed

import (
	"encoding/json"
	"time"
)

// Import has new fields that may be missing, and one less. What Go calls a type or a field, and their order, is nothing to
// payloads.
//
//cloudtask:task queue=b timeout=2m
type Import struct {
	Lines    []Line           `json:"rows"`
	FileName string           `json:"file"`
	Meta     map[string]any   `json:"meta"`
	When     time.Time        `json:"when"`
	Dry      bool             `json:"dry,omitempty"`
	Tries    int              `json:"tries" default:"1"`
	Extra    *json.RawMessage `json:"extra"`
	Shipped  Place            `json:"shipped"`
}

type Line struct {
	Name string `json:"name"`
	Note string `json:"note,omitempty"`
}

type Place struct {
	City string `json:"city"`
}

// Reindex is a new task.
//
//cloudtask:task
type Reindex struct {
	Name string `json:"name"`
}
