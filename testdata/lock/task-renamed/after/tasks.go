package taskrenamed

//cloudtask:task
//cloudtask:alias Rebuild
//cloudtask:retry attempts=3
type RebuildIndex struct {
	Index string `json:"index"`
}

// SyncContacts was known to the version before.
//
//cloudtask:task
//cloudtask:alias Sync
type SyncContacts struct{}
