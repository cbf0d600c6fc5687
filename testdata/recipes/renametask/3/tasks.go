package renametask

//cloudtask:task
//cloudtask:alias Former
type Latter struct{}
