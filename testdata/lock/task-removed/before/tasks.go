package taskremoved

//cloudtask:task
type ResizeImage struct {
	URL string `json:"url"`
}

//cloudtask:task
type CropImage struct {
	URL string `json:"url"`
}
