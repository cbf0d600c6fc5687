package uniquechanged

//cloudtask:task
//cloudtask:unique Line,Order within=1h
type ByFields struct {
	Order string `json:"order"`
	Line  int32  `json:"line"`
}

//cloudtask:task
//cloudtask:unique Order within=2h
type ByTime struct {
	Order string `json:"order"`
}

//cloudtask:task
//cloudtask:unique Order
type ByType struct {
	Order int64 `json:"order,string"`
}

//cloudtask:task once queue=nightly
type InQueue struct{}

//cloudtask:task
type NotAnyMore struct{}

//cloudtask:task once
//cloudtask:alias Former
type Renamed struct{}

// Same is unique by the same JSON, whatever its type in Go.
//
//cloudtask:task
//cloudtask:unique Order,Line
type Same struct {
	Order string `json:"order"`
	Line  int64  `json:"line"`
}

// Fresh was not unique, so that nothing is in flight that could have been a duplicate.
//
//cloudtask:task once
type Fresh struct{}
