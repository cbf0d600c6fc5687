package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"time"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cloudtaskgen/cloudtaskgen/cmd/internal/cli"
)

const runHelp = `
Runs a task now, regardless of its schedule time and the queue's limits, even if the queue is paused. If the attempt fails, the
task is retried as after any other attempt.

` + taskArgHelp + `

With -wait, it waits for the attempt to end, and exits with code 1 if it failed. A task that is gone by then succeeded, failed
its last attempt, or was deleted; the queue service does not report which.

Production allows 60 calls per minute.
`

func runCommand() cli.Command {
	return cli.Command{
		Name:       "run",
		Usage:      "TASK [-queue QUEUE]... [-wait] [-yes] [-json] [-project P] [-location L] [-emulator HOST:PORT]",
		Summary:    "run a task now",
		Help:       runHelp,
		Args:       taskWords,
		FlagValues: map[string]cli.Words{"queue": queueWords},
		Flags: operate(func(flags *flag.FlagSet, op *operation) func(context.Context, []string) error {
			queues := cli.StringsFlag(flags, "queue", queueFlagUsage)
			wait := flags.Bool("wait", false, "wait for the attempt to end")
			op.yesFlag(flags)
			return func(ctx context.Context, args []string) error {
				if err := cli.WantArgs(args, 1, "task"); err != nil {
					return err
				}
				return op.runTask(ctx, args[0], *queues, *wait)
			}
		}),
	}
}

// runInfo is what run prints as JSON.
type runInfo struct {
	Task    taskInfo `json:"task"`              // as it was when the attempt began, or ended
	Outcome string   `json:"outcome,omitempty"` // with -wait: gone or failed
}

var errAttemptFailed = errors.New("the attempt failed")

func (op *operation) runTask(ctx context.Context, arg string, queues []string, wait bool) error {
	task, err := op.resolveTask(ctx, arg, queues, cloudtaskspb.Task_BASIC)
	if err != nil {
		return err
	}
	what := fmt.Sprintf("Task %s of type %s will be sent to %s.", lastSegment(task.GetName()), cli.Printable(typeOf(task)), cli.Printable(requestOf(task).url))
	if err := op.confirm(ctx, reversible, []string{queueOf(task.GetName())}, what); err != nil {
		return err
	}
	before := task.GetDispatchCount()
	name := task.GetName()
	task, err = op.client.RunTask(context.WithoutCancel(ctx), &cloudtaskspb.RunTaskRequest{Name: name}) // not interrupted, so the result is known
	if err != nil {
		return &callError{"running " + name, err}
	}
	info := runInfo{Task: newTaskInfo(task, op.now(ctx), false)}
	if !op.json {
		fmt.Fprintf(op.std.Out, "%s: attempt %d started\n", info.Task.Name, max(before+1, task.GetDispatchCount()))
	}
	if wait {
		if info, err = op.awaitAttempt(ctx, info, before); err != nil {
			return err
		}
	}
	if op.json {
		if err := writeJSON(op.std.Out, info); err != nil {
			return err
		}
	}
	if info.Outcome == "failed" {
		return fmt.Errorf("%w: %s; next attempt %s", errAttemptFailed, cli.Printable(info.Task.LastAttempt.Message), moment(info.Task.ScheduleTime, op.now(ctx)))
	}
	if wait && !op.json {
		fmt.Fprintf(op.std.Out, "%s is gone: it succeeded, or failed its last attempt\n", info.Task.Name)
	}
	return nil
}

// awaitAttempt waits until the attempt after the first before attempts has ended.
func (op *operation) awaitAttempt(ctx context.Context, info runInfo, before int32) (runInfo, error) {
	const first, most = 20 * time.Millisecond, time.Second
	for pause := first; ; pause = min(2*pause, most) {
		select {
		case <-ctx.Done():
			return info, cli.ErrInterrupted
		case <-time.After(pause):
		}
		task, err := op.getTask(ctx, info.Task.Name, cloudtaskspb.Task_BASIC)
		switch {
		case status.Code(err) == codes.NotFound:
			info.Outcome = "gone"
			return info, nil
		case err != nil:
			return info, err
		case task.GetDispatchCount() > before && !isRunning(task):
			return runInfo{newTaskInfo(task, op.now(ctx), false), "failed"}, nil
		}
	}
}
