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
Deletes tasks: those named, or all of a type in all queues or those of -queue. A task that is being attempted is deleted too;
its attempt goes on, and is not retried.

` + taskArgHelp + `

The type is the last part of the path of a task's URL: the task's name where its handler was generated.

The names of deleted tasks stay taken for up to 24 hours: enqueueing one again by once, unique or a name of its own creates
nothing until then.

Many tasks are deleted in calls for a thousand of them, where that is permitted. Ctrl-C lets the calls that have begun end,
begins no more, and says how many tasks are left.
`

func discardCommand() cli.Command {
	return cli.Command{
		Name:       "discard",
		Usage:      "(TASK... | -type TYPE [-min-retries N]) [-queue QUEUE]... [-yes] [-json] [-project P] [-location L] [-emulator HOST:PORT]",
		Summary:    "delete tasks, or all of a type",
		Help:       discardHelp,
		Args:       taskWords,
		FlagValues: map[string]cli.Words{"queue": queueWords, "type": typeWords},
		Flags: operate(func(flags *flag.FlagSet, op *operation) func(context.Context, []string) error {
			var ls listing
			ls.queues = cli.StringsFlag(flags, "queue", queueFlagUsage)
			flags.StringVar(&ls.taskType, "type", "", "all tasks of `TYPE`")
			flags.IntVar(&ls.minRetries, "min-retries", 0, "with -type: only those that were dispatched at least `N` times")
			op.yesFlag(flags)
			return func(ctx context.Context, args []string) error {
				switch {
				case len(args) == 0 && ls.taskType == "":
					return cli.BadUsage("which tasks? Name them, or a type with -type")
				case len(args) > 0 && (ls.taskType != "" || ls.minRetries != 0):
					return cli.BadUsage("name tasks, or a type with -type and -min-retries, not both")
				case ls.minRetries < 0:
					return cli.BadUsage("-min-retries must not be negative")
				}
				return op.discard(ctx, args, ls)
			}
		}),
	}
}

// discardInfo is what discard prints as JSON. Names are full.
type discardInfo struct {
	Discarded []string        `json:"discarded"`
	Gone      []string        `json:"gone"` // when their turn came: done, or deleted by somebody else
	Failed    []discardFailed `json:"failed"`
	Left      []string        `json:"left"` // after an interruption
}

type discardFailed struct {
	Name  string `json:"name"`
	Error string `json:"error"`
}

func (op *operation) discard(ctx context.Context, args []string, ls listing) error {
	names, err := op.selectTasks(ctx, args, ls)
	if err != nil {
		return err
	}
	if len(names) > 0 {
		if err := op.confirm(ctx, deletes, queuesOf(names), discardWarning(names, ls)); err != nil {
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
		return fmt.Sprintf("This permanently deletes %s: %s", count(len(names), "task"), strings.Join(shortTasks(names), ", "))
	}
	retried := ""
	if ls.minRetries > 0 {
		retried = fmt.Sprintf(" dispatched at least %s", count(ls.minRetries, "time"))
	}
	return fmt.Sprintf("This permanently deletes %s of type %s%s.", count(len(names), "task"), ls.taskType, retried)
}

// shortTasks returns the ids.
func shortTasks(names []string) []string {
	ids := make([]string, len(names))
	for i, name := range names {
		ids[i] = lastSegment(name)
	}
	return ids
}

// queuesOf returns the queues of the tasks, in order.
func queuesOf(tasks []string) []string {
	queues := make([]string, len(tasks))
	for i, task := range tasks {
		queues[i] = queueOf(task)
	}
	slices.Sort(queues)
	return slices.Compact(queues)
}

// selectTasks returns the full names of the tasks that are to be deleted. They are all found before the first is deleted:
// deleting could shift the pages of the listing, and who is asked wants to know their number.
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
	bar := newProgress(op.std, "looking at tasks", 0)
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

// deleteTasks deletes the tasks, many in one call where that is permitted. When ctx ends it begins no more calls; those
// that have begun may end, so that it is known of each task what became of it.
func (op *operation) deleteTasks(ctx context.Context, names []string) (discardInfo, error) {
	info := discardInfo{Discarded: []string{}, Gone: []string{}, Failed: []discardFailed{}, Left: []string{}}
	if len(names) == 0 {
		return info, nil
	}
	backend, err := gcp.NewBackend(context.WithoutCancel(ctx), cloudtask.Config{EmulatorHost: op.emulator})
	if err != nil {
		return info, err
	}
	defer backend.Close()
	bar := newProgress(op.std, "deleting", len(names))
	defer bar.end()
	defer context.AfterFunc(ctx, func() {
		fmt.Fprintln(op.std.Err, "\nwaiting for the deletions that have begun; a second Ctrl-C does not")
	})()
	for i, err := range cloudtask.DeleteTasks(ctx, backend, names, atOnce, bar.add) {
		switch name := names[i]; {
		case err == nil:
			info.Discarded = append(info.Discarded, name)
		case errors.Is(err, cloudtask.ErrNotTried) && ctx.Err() != nil:
			info.Left = append(info.Left, name)
		case cloudtask.StatusOf(err) == cloudtask.NotFound:
			info.Gone = append(info.Gone, name)
		default:
			info.Failed = append(info.Failed, discardFailed{name, "deleting it: " + err.Error()})
		}
	}
	return info, nil
}

// reportDiscard says what was done.
func (op *operation) reportDiscard(info discardInfo) error {
	if op.json {
		return writeJSON(op.std.Out, info)
	}
	for _, f := range info.Failed {
		fmt.Fprintf(op.std.Err, "%s: %s\n", f.Name, f.Error)
	}
	fmt.Fprintf(op.std.Out, "%s discarded", count(len(info.Discarded), "task"))
	if n := len(info.Gone); n > 0 {
		fmt.Fprintf(op.std.Out, ", %d gone before", n)
	}
	if slices.ContainsFunc(info.Discarded, isNamed) {
		fmt.Fprint(op.std.Out, "; names stay taken for up to 24 hours")
	}
	fmt.Fprintln(op.std.Out)
	return nil
}
