package remove

//cloudtask:task
type Remove struct {
	A int `json:"a"`
}
