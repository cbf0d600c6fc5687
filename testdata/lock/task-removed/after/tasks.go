package taskremoved

//cloudtask:task
type ResizeImage struct {
	URL string `json:"url"`
}
