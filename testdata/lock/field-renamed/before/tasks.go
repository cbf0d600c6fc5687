package fieldrenamed

//cloudtask:task
type Greet struct {
	UserID  int64    `json:"user"`
	Message string   `json:"message,omitempty"`
	To      Address  `json:"to"`
	Tags    []string `json:"tags"`
}

type Address struct {
	Street string `json:"street"`
}
