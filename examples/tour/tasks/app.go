// Package tasks declares the tour's tasks: all those of the manual in docs/on-demand-tasks.md, in the same order. Each is a struct
// whose fields are the payload, with a directive that says how Cloud Tasks treats it, and a Run method. The functions that enqueue,
// debug and discard them are in cloudtask_gen.go.
package tasks

import (
	"context"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

//go:generate go tool cloudtaskgen

// App is what the tasks need from the program that runs them. Generated code passes it on: NewHandler, Routes and the Sync and Debug
// functions take it as a parameter.
type App struct {
	Client *cloudtask.Client // for tasks that enqueue tasks
	Users  map[int64]User    // in place of a database
	Spread time.Duration     // the time over which an analytics batch is spread

	// Mail sends an e-mail.
	Mail func(ctx context.Context, to, message string) error

	// Note adds what a task did to the tour's timeline. An ordinary program would log it.
	Note func(actor, format string, args ...any)
}

// User is a row of the users' table.
type User struct {
	Name, Email string
}
