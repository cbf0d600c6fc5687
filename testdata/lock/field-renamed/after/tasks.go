package fieldrenamed

// Greet has another name for the same Go field, and others that only their types tell. A new name in Go alone is none in
// payloads.
//
//cloudtask:task
type Greet struct {
	UserID int64    `json:"user_id"`
	Text   string   `json:"text,omitempty"`
	To     Address  `json:"to"`
	Labels []string `json:"tags"`
}

type Address struct {
	Line1 string `json:"line_1"`
}
