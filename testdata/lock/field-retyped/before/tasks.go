package fieldretyped

import "time"

//cloudtask:task
type Export struct {
	ID       int64            `json:"id"`
	Rows     int64            `json:"rows"`
	Small    int16            `json:"small"`
	Size     int32            `json:"size"`
	Ratio    float64          `json:"ratio"`
	Count    uint32           `json:"count"`
	From     time.Time        `json:"from"`
	Key      [16]byte         `json:"key"`
	Digest   []byte           `json:"digest"`
	Ids      []int64          `json:"ids"`
	Window   [4]int           `json:"window"`
	ByName   map[string]int32 `json:"by_name"`
	ByNumber map[int]string   `json:"by_number"`
	Big      int64            `json:"big,string"`
	Tree     Node             `json:"tree"`
	Options  map[string]bool  `json:"options"`
}

type Node struct {
	Value    int    `json:"value"`
	Children []Node `json:"children"`
}
