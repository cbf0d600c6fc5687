package fieldremoved

//cloudtask:task
type Charge struct {
	Cents    int64    `json:"cents"`
	Currency string   `json:"currency"`
	Lines    []*Line  `json:"lines"`
	Retries  int      `json:"retries" default:"0"`
	Note     string   `json:"note,omitempty"`
	Coupon   *float64 `json:"coupon"`
}

type Line struct {
	SKU   string `json:"sku"`
	Count int    `json:"count"`
}
