package add

//cloudtask:task
type Add struct {
	A int    `json:"a"`
	B string `json:"b,omitempty"`
	C string `json:"c" default:"x"`
}
