// Package results declares tasks whose Run returns something: results are only encoded, so that more is allowed in them.
package results

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/cloudtaskgen/cloudtaskgen/testdata/codec/ext"
)

// A returns a struct that only results have.
//
//cloudtask:task
type A struct {
	X int
}

// Run does nothing.
func (A) Run(context.Context) (Summary, error) { return Summary{}, nil }

// Summary holds what cannot be decoded.
type Summary struct {
	Stringer  fmt.Stringer        `json:"stringer"`
	Marshaler json.Marshaler      `json:"marshaler"`
	Zero      interface{ Zeroer } `json:"zero,omitzero"`
	Keys      map[*ext.Level]int  `json:"keys"`
	Task      A                   `json:"task"`
	Customer  ext.Customer        `json:"customer" default:"ignored"`
	*inner
}

// Zeroer knows when it is zero.
type Zeroer interface{ IsZero() bool }

type inner struct {
	Total int `json:"total"`
}

// WithInner returns a summary with its embedded pointer set.
func WithInner(s Summary, total int) Summary {
	s.inner = &inner{total}
	return s
}

// B returns a list.
//
//cloudtask:task
type B struct{}

// Run does nothing.
func (B) Run(context.Context) ([]*A, error) { return nil, nil }

// C returns a scalar.
//
//cloudtask:task
type C struct{}

// Run does nothing.
func (*C) Run(context.Context) (string, error) { return "", nil }

// D returns a pointer to what A returns.
//
//cloudtask:task
type D struct{}

// Run does nothing.
func (D) Run(context.Context) (*Summary, error) { return nil, nil }

// E returns anything.
//
//cloudtask:task
type E struct{}

// Run does nothing.
func (E) Run(context.Context) (any, error) { return nil, nil }

// F returns an interface with methods.
//
//cloudtask:task
type F struct{}

// Run does nothing.
func (F) Run(context.Context) (fmt.Stringer, error) { return nil, nil }

// G returns what another task returns.
//
//cloudtask:task
type G struct{}

// Run does nothing.
func (G) Run(context.Context) (string, error) { return "", nil }
