package uniquechanged

import "strconv"

//cloudtask:task
//cloudtask:unique Order,Line within=1h
type ByFields struct {
	Order string `json:"order"`
	Line  int32  `json:"line"`
}

//cloudtask:task
//cloudtask:unique Order within=1h
type ByTime struct {
	Order string `json:"order"`
}

//cloudtask:task
//cloudtask:unique Order
type ByType struct {
	Order int64 `json:"order"`
}

//cloudtask:task once queue=reports
type InQueue struct{}

//cloudtask:task once
type NotAnyMore struct{}

//cloudtask:task once
type Former struct{}

//cloudtask:task
//cloudtask:unique Order,Line
type Same struct {
	Order string `json:"order"`
	Line  int32  `json:"line"`
}

//cloudtask:task
type Fresh struct{}

var _ = strconv.Itoa
