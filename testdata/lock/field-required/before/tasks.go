package fieldrequired

//cloudtask:task
type Notify struct {
	UserID  int64  `json:"user_id"`
	Channel string `json:"channel,omitempty"`
	Device  *int   `json:"device"`
	Target  *Place `json:"target"`
}

type Place struct {
	Name string `json:"name"`
}
