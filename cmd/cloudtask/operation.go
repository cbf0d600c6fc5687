package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/cloudtaskgen/cloudtaskgen/cmd/internal/cli"
)

// operation is one run of a command that works with a target.
type operation struct {
	*target
	std  cli.Streams
	json bool
	yes  bool

	// offline reports whether the command needs no queue service for these arguments. If it is nil, the command always needs one.
	offline func(args []string) bool
}

// interruptible returns a context that the first SIGINT or SIGTERM cancels. Before that, the signals get back their default effect,
// so a second one ends the process.
func interruptible(ctx context.Context) (interrupted context.Context, stop func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-signals:
		case <-ctx.Done():
		}
		signal.Stop(signals)
		cancel()
	}()
	return ctx, cancel
}

// operate returns the Flags function of a command that works with a target. define defines the command's own flags and returns the
// function that runs it, which is called with a connected target and an interruptible context.
func operate(define func(*flag.FlagSet, *operation) func(ctx context.Context, args []string) error) func(*flag.FlagSet) cli.Runner {
	return func(flags *flag.FlagSet) cli.Runner {
		op := &operation{}
		var where targetFlags
		where.define(flags)
		flags.BoolVar(&op.json, "json", false, "print JSON")
		do := define(flags, op)
		return func(ctx context.Context, args []string, std cli.Streams) (err error) {
			ctx, stop := interruptible(ctx)
			defer stop()
			op.std = std
			out := bufio.NewWriter(std.Out)
			if !cli.IsTerminal(std.Out) { // on a terminal, output appears at once
				op.std.Out = out
			}
			if op.target, err = where.target(); err != nil {
				return err
			}
			if op.offline == nil || !op.offline(args) {
				if err := op.connect(ctx); err != nil {
					return err
				}
				defer op.client.Close()
			}
			err = do(ctx, args)
			if flushErr := out.Flush(); err == nil {
				err = flushErr
			}
			return err
		}
	}
}

// yesFlag defines the flag that confirms everything.
func (op *operation) yesFlag(flags *flag.FlagSet) {
	flags.BoolVar(&op.yes, "yes", false, "do not ask for confirmation; required if standard input is not a terminal")
}

const queueFlagUsage = "only in `QUEUE`, a queue ID or resource name; may be repeated"

// effect decides whether a change must be confirmed.
type effect int

const (
	reversible   effect = iota // confirmed in production
	irreversible               // always confirmed
)

// confirm asks the user to confirm what, if the effect requires it. In production it always prints the queues first, even with
// -yes.
func (op *operation) confirm(ctx context.Context, e effect, queues []string, what string) error {
	production := op.emulator == ""
	if e != irreversible && !production {
		return nil
	}
	if production || !op.yes {
		painted := paint(op.std.Err)
		queueStyle := bold
		if production {
			queueStyle = alarm
		}
		for _, line := range op.describeQueues(queues) {
			fmt.Fprintln(op.std.Err, painted(queueStyle, line))
		}
		fmt.Fprintln(op.std.Err, what)
	}
	if op.yes {
		return nil
	}
	if !op.std.Interactive() {
		return errCannotAsk
	}
	prompt, agrees := "Continue? [y/N] ", isYes
	if production && e == irreversible {
		project, _, _ := splitQueue(queues[0])
		prompt, agrees = fmt.Sprintf("Type the project ID, %s, to continue: ", project), func(answer string) bool { return answer == project }
	}
	answer, err := op.std.Ask(ctx, prompt)
	if err == nil && !agrees(answer) {
		err = errDeclined
	}
	return err
}

func isYes(answer string) bool {
	return strings.EqualFold(answer, "y") || strings.EqualFold(answer, "yes")
}

// describeQueues returns a line for each queue, with its target, project and location.
func (op *operation) describeQueues(queues []string) []string {
	where := op.target.String()
	where = strings.ToUpper(where[:1]) + where[1:]
	var lines []string
	for _, queue := range queues {
		project, location, id := splitQueue(queue)
		lines = append(lines, fmt.Sprintf("%s: project %s, location %s, queue %s", where, project, location, id))
	}
	return lines
}
