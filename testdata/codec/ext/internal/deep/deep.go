// Package deep can be imported by package ext only, which has aliases of some of its types.
package deep

// Exec has an alias in package ext.
type Exec struct {
	Command []string `json:"command,omitempty"`
	After   *Exec    `json:"after,omitempty"`
}

// Limit has no alias.
type Limit struct {
	CPU    float64          `json:"cpu"`
	Others map[string]Limit `json:"others,omitempty"`
}
