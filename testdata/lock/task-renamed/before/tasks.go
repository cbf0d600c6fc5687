package taskrenamed

//cloudtask:task
//cloudtask:retry attempts=3
type Rebuild struct {
	Index string `json:"index"`
}

// Sync has got its next name as an alias before.
//
//cloudtask:task
//cloudtask:alias SyncContacts
type Sync struct{}
