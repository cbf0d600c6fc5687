package renametype

//cloudtask:task
type SendEmail struct {
	To string `json:"to"`
}
