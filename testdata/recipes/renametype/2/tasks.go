package renametype

// SendMail has kept the task's name.
//
//cloudtask:task name=SendEmail
type SendMail struct {
	To string `json:"to"`
}
