package require

//cloudtask:task
type Require struct {
	A string `json:"a"`
}
