package main

func main() {}

// Ping has a namesake in another program, which tasks of this one never meet.
//
//cloudtask:task
type Ping struct {
	Two string `json:"two"`
}
