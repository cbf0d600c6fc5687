package remove

//cloudtask:task
type Remove struct {
	A int `json:"a"`
	B int `json:"b" default:"0"`
}
