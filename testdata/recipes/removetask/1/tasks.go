package removetask

//cloudtask:task
type Gone struct{}

//cloudtask:task
type Merged struct {
	A int `json:"a"`
}

//cloudtask:task
type Into struct {
	A int64 `json:"a"`
}
