package removetask

//cloudtask:task
type Gone struct{}

//cloudtask:task
//cloudtask:alias Merged
type Into struct {
	A int64 `json:"a"`
}
