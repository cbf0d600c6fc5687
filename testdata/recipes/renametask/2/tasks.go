package renametask

//cloudtask:task
//cloudtask:alias Latter
type Former struct{}
