package rename

//cloudtask:task
type Rename struct {
	Old  string `json:"old" default:""`
	New  string `json:"new" default:""`
	Kept int    `json:"keep"`
}
