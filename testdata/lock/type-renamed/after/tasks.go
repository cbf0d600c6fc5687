package typerenamed

//cloudtask:task
type SendMail struct {
	To string `json:"to"`
}

//cloudtask:task
type Store struct {
	Path string `json:"path"`
}

//cloudtask:task
type Kept struct {
	To string `json:"to"`
}
