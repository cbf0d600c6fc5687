package retype

//cloudtask:task
type Retype struct {
	ID int64 `json:"id"`
}
