package retype

//cloudtask:task
type Retype struct {
	UUID string `json:"uuid" default:""`
}
