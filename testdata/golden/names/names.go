// Package names declares everything that generated code would like to call something.
package names

import (
	gocontext "context"
	gotime "time"
)

// Names that generated code uses for imports, parameters, variables and methods.
type (
	ctx       struct{ N int }
	c         struct{}
	opts      []int
	http      int
	cloudtask struct{ T gotime.Time }
	taskjson  struct{}
	time      struct{}
	err       int
	zero      int
	dst       int
	data      string
	e         int
	d         int
	v         string
	i         string
	n         bool
	key       float64
	elem      uint8
	app       struct {
		C c        `json:"c"`
		O opts     `json:"o"`
		T taskjson `json:"t"`
		V dst      `json:"v"`
	}
)

// The variables would be called like these functions.
func order() string     { return "order" }
func orderTask() string { return "order task" }

var generatedCodeIsStaleRunGoGenerate = order() + orderTask()

// task is a task.
//
//cloudtask:task name=names.task
//cloudtask:unique A,E
type task struct {
	A ctx            `json:"a"`
	B cloudtask      `json:"b"`
	C []time         `json:"c"`
	D *http          `json:"d"`
	E map[string]err `json:"e"`
	F map[i]*key     `json:"f"`
	G [2]v           `json:"g,omitempty"`
	H []elem         `json:"h"`
	I n              `json:"i,omitempty"`
	J data           `json:"j" default:"text"`
	K app            `json:"k"`
	L map[e]d        `json:"l"`
}

// Run returns what it was given.
func (t task) Run(_ gocontext.Context, _ *app) (zero, error) {
	return zero(len(t.C)), nil
}

// Order has a name that is taken in lower case.
//
//cloudtask:task name=names.Order
type Order struct {
	ID string `json:"id"`
}

// Run returns the names that are taken.
func (o *Order) Run(_ gocontext.Context, _ []c) (string, error) {
	return o.ID + generatedCodeIsStaleRunGoGenerate, nil
}

// Type is a keyword in lower case.
//
//cloudtask:task name=names.Type
type Type struct {
	Type ctx `json:"type"`
}

// Run returns the time.
func (t *Type) Run(gocontext.Context) (gotime.Time, error) {
	return gotime.Unix(int64(t.Type.N), 0).UTC(), nil
}

// String is predeclared in lower case.
//
//cloudtask:task name=names.String
type String struct{}
