package retype

//cloudtask:task
type Retype struct {
	ID   int64  `json:"id" default:"0"`
	UUID string `json:"uuid" default:""`
}
