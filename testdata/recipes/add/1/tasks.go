package add

//cloudtask:task
type Add struct {
	A int `json:"a"`
}
