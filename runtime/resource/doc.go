// Package resource has the resources of Cloud Tasks, google.cloud.tasks.v2's Queue and Task, as Go types: their fields,
// defaults, limits, checks, names, and the texts of the service's errors.
//
// Its functions are pure: they know no clock, no lock and no other resource. Package localqueue keeps resources and dispatches
// tasks; package emulator converts them from and to the wire API.
//
// # Life of a task
//
// [Normalize] makes of a task that a caller gives the task that the service stores, or refuses it with the service's own error.
// [Backoff] and [Exhausted] say what comes after a failed attempt.
//
// # Life of a queue
//
// [Queue.WithDefaults] fills in the service's defaults, and [Queue.Check] refuses what the service refuses. [Queue.Update] applies a
// field mask.
package resource
