package fieldrequired

// Notify requires a new field, one that was left out at times, one that was null at times, and one inside of another. It
// does not require the last two.
//
//cloudtask:task
type Notify struct {
	UserID   int64    `json:"user_id"`
	Template string   `json:"template"`
	Channel  string   `json:"channel"`
	Device   int      `json:"device"`
	Target   *Place   `json:"target"`
	Tries    int      `json:"tries" default:"3"`
	Tags     []string `json:"tags,omitempty"`
}

type Place struct {
	Name    string `json:"name"`
	Country string `json:"country"`
}
