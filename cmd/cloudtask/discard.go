package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"

	"github.com/cloudtaskgen/cloudtaskgen/cmd/internal/cli"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/gcp"
)

const discardHelp = `
Deletes tasks: those named, or with -type all tasks of a type, in all queues or those of -queue. If a task is running, its
attempt goes on, but it is not retried.

` + taskArgHelp + `

TYPE is the last segment of a task's URL path: the task type, if its handler was generated.

The IDs of deleted tasks stay reserved for up to 24 hours. Until then, enqueueing a task with the same ID, whether chosen by
once, unique or the program itself, creates nothing.

Many tasks are deleted in calls of 1000 each, where that is permitted. Ctrl-C waits for the calls in progress, starts no more,
and reports how many tasks are left.
`

func discardCommand() cli.Command {
	return cli.Command{
		Name:       "discard",
		Usage:      "(TASK... | -type TYPE [-min-retries N]) [-queue QUEUE]... [-yes] [-json] [-project P] [-location L] [-emulator HOST:PORT]",
		Summary:    "delete tasks, or all tasks of a type",
		Help:       discardHelp,
		Args:       taskWords,
		FlagValues: map[string]cli.Words{"queue": queueWords, "type": typeWords},
		Flags: operate(func(flags *flag.FlagSet, op *operation) func(context.Context, []string) error {
			var ls listing
			ls.queues = cli.StringsFlag(flags, "queue", queueFlagUsage)
			flags.StringVar(&ls.taskType, "type", "", "delete all tasks of `TYPE`")
			flags.IntVar(&ls.minRetries, "min-retries", 0, "with -type: only tasks dispatched at least `N` times")
			op.yesFlag(flags)
			return func(ctx context.Context, args []string) error {
				switch {
				case len(args) == 0 && ls.taskType == "":
					return cli.BadUsage("missing argument: name tasks, or a type with -type")
				case len(args) > 0 && (ls.taskType != "" || ls.minRetries != 0):
					return cli.BadUsage("-type and -min-retries cannot be combined with named tasks")
				case ls.minRetries < 0:
					return cli.BadUsage("-min-retries must not be negative")
				}
				return op.discard(ctx, args, ls)
			}
		}),
	}
}

// discardInfo is what discard prints as JSON. Tasks are listed by resource name.
type discardInfo struct {
	Discarded []string        `json:"discarded"`
	Gone      []string        `json:"gone"` // had finished, or were deleted by someone else, before their turn
	Failed    []deleteFailure `json:"failed"`
	Left      []string        `json:"left"` // after an interruption
}

type deleteFailure struct {
	Name  string `json:"name"`
	Error string `json:"error"`
}

func (op *operation) discard(ctx context.Context, args []string, ls listing) error {
	names, err := op.selectTasks(ctx, args, ls)
	if err != nil {
		return err
	}
	if len(names) > 0 {
		if err := op.confirm(ctx, irreversible, queuesOf(names), discardWarning(names, ls)); err != nil {
			return err
		}
	}
	info, err := op.deleteTasks(ctx, names)
	if err != nil {
		return err
	}
	if err := op.reportDiscard(info); err != nil {
		return err
	}
	switch {
	case len(info.Left) > 0:
		return fmt.Errorf("%w: %s left", cli.ErrInterrupted, count(len(info.Left), "task"))
	case len(info.Failed) > 0:
		return fmt.Errorf("%s could not be deleted", count(len(info.Failed), "task"))
	}
	return nil
}

func discardWarning(names []string, ls listing) string {
	if ls.taskType == "" {
		return fmt.Sprintf("This permanently deletes %s: %s", count(len(names), "task"), strings.Join(idsOf(names), ", "))
	}
	retried := ""
	if ls.minRetries > 0 {
		retried = fmt.Sprintf(" dispatched at least %s", count(ls.minRetries, "time"))
	}
	return fmt.Sprintf("This permanently deletes %s of type %s%s.", count(len(names), "task"), ls.taskType, retried)
}

// idsOf returns the tasks' IDs.
func idsOf(names []string) []string {
	ids := make([]string, len(names))
	for i, name := range names {
		ids[i] = lastSegment(name)
	}
	return ids
}

// queuesOf returns the queues of the tasks, sorted and without duplicates.
func queuesOf(tasks []string) []string {
	queues := make([]string, len(tasks))
	for i, task := range tasks {
		queues[i] = queueOf(task)
	}
	slices.Sort(queues)
	return slices.Compact(queues)
}

// selectTasks returns the resource names of the tasks to delete. It finds all of them before the first is deleted, because deletions
// could shift the pages of the listing, and because the user is asked with their number.
func (op *operation) selectTasks(ctx context.Context, args []string, ls listing) ([]string, error) {
	var names []string
	for _, arg := range args {
		task, err := op.resolveTask(ctx, arg, *ls.queues, cloudtaskspb.Task_BASIC)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(names, task.GetName()) {
			names = append(names, task.GetName())
		}
	}
	if len(args) > 0 {
		return names, nil
	}
	queues, err := op.resolveQueues(ctx, *ls.queues)
	if err != nil {
		return nil, err
	}
	bar := newProgress(op.std, "scanning tasks", 0)
	defer bar.end()
	for _, queue := range queues {
		err := op.tasksOf(ctx, queue, func(task *cloudtaskspb.Task) error {
			bar.add(1)
			if ls.matches(task) {
				names = append(names, task.GetName())
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return names, nil
}

// deleteTasks deletes the tasks, many in one call where that is permitted. When ctx ends it starts no more calls, but waits for
// those in progress, so the outcome is known for every task.
func (op *operation) deleteTasks(ctx context.Context, names []string) (discardInfo, error) {
	info := discardInfo{Discarded: []string{}, Gone: []string{}, Failed: []deleteFailure{}, Left: []string{}}
	if len(names) == 0 {
		return info, nil
	}
	backend, err := gcp.NewBackend(context.WithoutCancel(ctx), cloudtask.Config{EmulatorHost: op.emulator})
	if err != nil {
		return info, err
	}
	defer backend.Close()
	bar := newProgress(op.std, "deleting tasks", len(names))
	defer bar.end()
	defer context.AfterFunc(ctx, func() {
		fmt.Fprintln(op.std.Err, "\nwaiting for deletions in progress; press Ctrl-C again to exit immediately")
	})()
	for i, err := range cloudtask.DeleteTasks(ctx, backend, names, maxCalls, bar.add) {
		switch name := names[i]; {
		case err == nil:
			info.Discarded = append(info.Discarded, name)
		case errors.Is(err, cloudtask.ErrNotTried) && ctx.Err() != nil:
			info.Left = append(info.Left, name)
		case cloudtask.StatusOf(err) == cloudtask.NotFound:
			info.Gone = append(info.Gone, name)
		default:
			info.Failed = append(info.Failed, deleteFailure{name, err.Error()})
		}
	}
	return info, nil
}

// reportDiscard prints what was done.
func (op *operation) reportDiscard(info discardInfo) error {
	if op.json {
		return writeJSON(op.std.Out, info)
	}
	for _, f := range info.Failed {
		fmt.Fprintf(op.std.Err, "%s: %s\n", f.Name, f.Error)
	}
	fmt.Fprintf(op.std.Out, "%s deleted", count(len(info.Discarded), "task"))
	if n := len(info.Gone); n > 0 {
		fmt.Fprintf(op.std.Out, ", %d already gone", n)
	}
	if slices.ContainsFunc(info.Discarded, hasChosenID) {
		fmt.Fprint(op.std.Out, "; task IDs stay reserved for up to 24 hours")
	}
	fmt.Fprintln(op.std.Out)
	return nil
}
