// Package services has two programs that share tasks: an API that enqueues them and a worker that runs them.
package services

//go:generate go tool cloudtaskgen ./...
