package aliasremoved

//cloudtask:task
//cloudtask:alias PostInvoice
type SendInvoice struct {
	Number int64 `json:"number"`
}
