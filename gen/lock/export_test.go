package lock

import "github.com/cloudtaskgen/cloudtaskgen/gen/model"

// Shape is what the lock keeps of a task.
func Shape(p *model.Package, t *model.Task) *Task { return shape(p, t) }

// Reads reports whether a version of a task reads every payload of another as what it means.
func Reads(reader, writer *Task) bool {
	r := reading{reader: reader, writer: writer}
	r.run()
	return len(r.problems) == 0
}
