package defaultchanged

// Print has other defaults. That of the last is for payloads of versions that did not have the field: it is written always.
//
//cloudtask:task
type Print struct {
	Paper  string `json:"paper,omitempty" default:"letter"`
	Copies int    `json:"copies,omitempty" default:"1"`
	Tray   int    `json:"tray" default:"2"`
}
