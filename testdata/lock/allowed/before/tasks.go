package allowed

import "time"

//cloudtask:task queue=a timeout=1m
type Import struct {
	File    string         `json:"file"`
	Rows    []Row          `json:"rows"`
	Old     string         `json:"old,omitempty"`
	Meta    map[string]any `json:"meta"`
	When    time.Time      `json:"when"`
	Shipped struct {
		City string `json:"city"`
	} `json:"shipped"`
}

type Row struct {
	Name string `json:"name"`
}
