package renametask

//cloudtask:task
type Latter struct{}
