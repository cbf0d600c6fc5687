package renametask

//cloudtask:task
type Former struct{}
