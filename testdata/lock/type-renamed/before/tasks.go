package typerenamed

//cloudtask:task
type SendEmail struct {
	To string `json:"to"`
}

// Backup is renamed together with its payload.
//
//cloudtask:task
type Backup struct {
	ID int64 `json:"id"`
}

//cloudtask:task
type Kept struct {
	To string `json:"to"`
}
