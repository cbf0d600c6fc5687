package defaultchanged

//cloudtask:task
type Print struct {
	Paper  string `json:"paper,omitempty" default:"A4"`
	Copies int    `json:"copies,omitempty"`
	Tray   int    `json:"tray" default:"1"`
}
