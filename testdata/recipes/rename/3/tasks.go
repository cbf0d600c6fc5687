package rename

//cloudtask:task
type Rename struct {
	New  string `json:"new" default:""`
	Kept int    `json:"keep"`
}
