package fieldretyped

import "time"

//cloudtask:task
type Export struct {
	ID       string            `json:"id"`        // neither reads the other
	Rows     int32             `json:"rows"`      // narrower
	Small    int64             `json:"small"`     // wider
	Size     uint32            `json:"size"`      // neither holds all of the other
	Ratio    int64             `json:"ratio"`     // no fractions
	Count    float64           `json:"count"`     // holds every uint32, and more
	From     string            `json:"from"`      // a time is a string
	Key      []byte            `json:"key"`       // an array of numbers is read as bytes, and written as base64
	Digest   string            `json:"digest"`    // what is read would be base64
	Ids      []int             `json:"ids"`       // the same in JSON
	Window   [3]int            `json:"window"`    // the fourth would be lost
	ByName   map[string]any    `json:"by_name"`   // any reads everything
	ByNumber map[string]string `json:"by_number"` // every number is a string as a key
	Big      string            `json:"big"`       // is one in JSON already
	Tree     Node              `json:"tree"`      // in depth
	Options  Options           `json:"options"`   // a struct is no map
}

//line a/file/that/nobody/edits.go:1
type Node struct {
	Value    string `json:"value"`
	Children []Node `json:"children"`
}

type Options struct {
	Fast bool `json:"fast"`
}

var _ time.Time
