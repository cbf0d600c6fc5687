package aliasremoved

//cloudtask:task
//cloudtask:alias MailInvoice,PostInvoice
type SendInvoice struct {
	Number int64 `json:"number"`
}
