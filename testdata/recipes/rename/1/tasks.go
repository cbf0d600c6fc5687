package rename

//cloudtask:task
type Rename struct {
	Old  string `json:"old"`
	Keep int    `json:"keep"`
}
