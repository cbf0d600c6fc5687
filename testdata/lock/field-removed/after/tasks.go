package fieldremoved

// Charge is without currency, and without the count of its lines. What the version before does not require can go.
//
//cloudtask:task
type Charge struct {
	Cents int64   `json:"cents"`
	Lines []*Line `json:"lines"`
}

type Line struct {
	SKU string `json:"sku"`
}
