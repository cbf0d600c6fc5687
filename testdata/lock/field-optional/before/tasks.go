package fieldoptional

//cloudtask:task
type Render struct {
	Page   string   `json:"page"`
	Scale  float64  `json:"scale"`
	Format string   `json:"format"`
	Tags   []string `json:"tags"`
	Limit  int      `json:"limit" default:"10"`
}
