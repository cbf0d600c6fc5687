// Package tasks declares the tour's tasks: every task of the manual in docs/on-demand-tasks.md, in the order in which
// the manual meets them. Each is a struct whose fields are the payload, a directive that says how Cloud Tasks is to
// treat it, and a Run method. The functions that enqueue, debug and discard them are in cloudtask_gen.go.
package tasks

import (
	"context"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

//go:generate go tool cloudtaskgen

// App is what the tasks need of the program that runs them. The generator passes it through: NewHandler, Routes and
// the Sync and Debug functions take it as a parameter.
type App struct {
	Client *cloudtask.Client // for tasks that enqueue tasks
	Users  map[int64]User    // stands for the database
	Spread time.Duration     // the time over which an analytics batch is spread

	// Mail sends an e-mail.
	Mail func(ctx context.Context, to, message string) error

	// Note tells the tour's timeline what a task did. An ordinary program would log here.
	Note func(actor, format string, args ...any)
}

// User is a row of the users' table.
type User struct {
	Name, Email string
}
