package main

import (
	"context"
	"flag"
	"fmt"

	cloudtasks "cloud.google.com/go/cloudtasks/apiv2"
	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"

	"github.com/cloudtaskgen/cloudtaskgen/cmd/internal/cli"
)

const queueArgHelp = `
QUEUE is a queue ID, or a resource name: projects/P/locations/L/queues/Q.
`

// queueChange is a change that a command makes to a queue.
type queueChange struct {
	effect  effect
	doing   string // for errors: pausing, resuming or purging
	warning string // printed before asking for confirmation
	call    func(context.Context, *cloudtasks.Client, string) (*cloudtaskspb.Queue, error)
}

func pauseCommand() cli.Command {
	return queueCommand("pause", "stop dispatching tasks from a queue", `
Stops dispatching tasks from the queue. It still accepts tasks, and running attempts finish normally.
`, queueChange{
		doing: "pausing", warning: "This stops dispatching tasks from the queue.",
		call: func(ctx context.Context, c *cloudtasks.Client, name string) (*cloudtaskspb.Queue, error) {
			return c.PauseQueue(ctx, &cloudtaskspb.PauseQueueRequest{Name: name})
		},
	})
}

func resumeCommand() cli.Command {
	return queueCommand("resume", "resume dispatching tasks from a queue", `
Resumes dispatching tasks from a paused queue.
`, queueChange{
		doing: "resuming", warning: "This resumes dispatching tasks from the queue.",
		call: func(ctx context.Context, c *cloudtasks.Client, name string) (*cloudtaskspb.Queue, error) {
			return c.ResumeQueue(ctx, &cloudtaskspb.ResumeQueueRequest{Name: name})
		},
	})
}

func purgeCommand() cli.Command {
	return queueCommand("purge", "delete all tasks in a queue", `
Deletes all tasks in the queue. Their IDs stay reserved for up to 24 hours. In production, purging takes up to a minute, during
which tasks may still be dispatched.
`, queueChange{
		effect: irreversible, doing: "purging", warning: "This permanently deletes all tasks in the queue.",
		call: func(ctx context.Context, c *cloudtasks.Client, name string) (*cloudtaskspb.Queue, error) {
			return c.PurgeQueue(ctx, &cloudtaskspb.PurgeQueueRequest{Name: name})
		},
	})
}

func queueCommand(name, summary, help string, change queueChange) cli.Command {
	return cli.Command{
		Name:    name,
		Usage:   "QUEUE [-yes] [-json] [-project P] [-location L] [-emulator HOST:PORT]",
		Summary: summary,
		Help:    help + queueArgHelp,
		Args:    queueWords,
		Flags: operate(func(flags *flag.FlagSet, op *operation) func(context.Context, []string) error {
			op.yesFlag(flags)
			return func(ctx context.Context, args []string) error {
				if err := cli.WantArgs(args, 1, "queue"); err != nil {
					return err
				}
				return op.changeQueue(ctx, args[0], change)
			}
		}),
	}
}

// changeQueue makes the change and prints the queue's new state.
func (op *operation) changeQueue(ctx context.Context, arg string, change queueChange) error {
	infos, err := op.queueInfos(ctx, []string{arg})
	if err != nil {
		return err
	}
	before, warning := infos[0], change.warning
	if change.effect == irreversible {
		if err := op.countTasks(ctx, infos, false); err != nil {
			return err
		}
		if n := infos[0].taskCount(); n == "1" {
			warning += " It has 1 task now."
		} else if n != notCounted {
			warning += " It has " + n + " tasks now."
		}
	}
	if err := op.confirm(ctx, change.effect, []string{before.Name}, warning); err != nil {
		return err
	}
	after, err := change.call(context.WithoutCancel(ctx), op.client, before.Name) // not interrupted, so the result is known
	if err != nil {
		return &callError{change.doing + " " + before.Name, err}
	}
	switch state := after.GetState().String(); {
	case op.json:
		return writeJSON(op.std.Out, newQueueInfo(after))
	case change.effect == irreversible:
		fmt.Fprintf(op.std.Out, "%s is purged; task IDs stay reserved for up to 24 hours\n", before.Name)
	case state == before.State:
		fmt.Fprintf(op.std.Out, "%s is already %s\n", before.Name, state)
	default:
		fmt.Fprintf(op.std.Out, "%s is %s\n", before.Name, state)
	}
	return nil
}
