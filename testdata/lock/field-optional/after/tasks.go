package fieldoptional

// Render leaves out fields that the version before requires. The last three it may: they are written always, or are not
// required there.
//
//cloudtask:task
type Render struct {
	Page   string   `json:"page,omitempty"`
	Scale  *float64 `json:"scale"`
	Format string   `json:"format" default:"pdf"`
	Tags   []string `json:"tags" default:"[]"`
	Limit  int      `json:"limit,omitempty" default:"10"`
}
