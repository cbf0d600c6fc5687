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

// operation is one call of a command that works with a target.
type operation struct {
	*target
	std  cli.Streams
	json bool
	yes  bool

	// offline reports whether a call with these arguments does without the queue service; nil: none does.
	offline func(args []string) bool
}

// interruptible returns a context that the first SIGINT or SIGTERM ends. By then the second has its default effect, which is what
// whoever is told of the first may rely on.
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

// operate returns a command's flags and what it does: do is called with the target once it is connected, and a context
// that the first SIGINT or SIGTERM ends; the second ends the process. define adds flags to those that all have.
func operate(define func(*flag.FlagSet, *operation) func(ctx context.Context, args []string) error) func(*flag.FlagSet) cli.Runner {
	return func(flags *flag.FlagSet) cli.Runner {
		op := &operation{}
		var where targetFlags
		where.define(flags)
		flags.BoolVar(&op.json, "json", false, "print JSON, for programs")
		do := define(flags, op)
		return func(ctx context.Context, args []string, std cli.Streams) (err error) {
			ctx, stop := interruptible(ctx)
			defer stop()
			op.std = std
			out := bufio.NewWriter(std.Out)
			if !cli.IsTerminal(std.Out) { // where it is one, people read along
				op.std.Out = out
			}
			if op.target, err = where.find(); err != nil {
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

// yesFlag adds the flag that answers all questions.
func (op *operation) yesFlag(flags *flag.FlagSet) {
	flags.BoolVar(&op.yes, "yes", false, "do not ask; needed when standard input is not a terminal")
}

const queueFlagUsage = "look only in `QUEUE`, an id or a full name; may be repeated"

// effect is what a change does to a target, as far as it decides whether somebody must be asked.
type effect int

const (
	changes effect = iota // can be undone: asked for in production only
	deletes               // cannot
)

// confirm asks whether to do what: what deletes is asked for everywhere, what changes anything in production. In
// production it names where that is before anything happens there, asked or not.
func (op *operation) confirm(ctx context.Context, e effect, queues []string, what string) error {
	production := op.emulator == ""
	if e != deletes && !production {
		return nil
	}
	if production || !op.yes {
		painted := paint(op.std.Err)
		named := bold
		if production {
			named = alarm
		}
		for _, line := range op.named(queues) {
			fmt.Fprintln(op.std.Err, painted(named, line))
		}
		fmt.Fprintln(op.std.Err, what)
	}
	if op.yes {
		return nil
	}
	if !op.std.Interactive() {
		return errNotAsked
	}
	prompt, agrees := "Go on? [y/N] ", isYes
	if production && e == deletes {
		project, _, _ := splitQueue(queues[0])
		prompt, agrees = fmt.Sprintf("Type the project's name, %s, to go on: ", project), func(answer string) bool { return answer == project }
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

// named says in full where queues are, a line for each.
func (op *operation) named(queues []string) []string {
	where := op.target.String()
	where = strings.ToUpper(where[:1]) + where[1:]
	var lines []string
	for _, queue := range queues {
		project, location, id := splitQueue(queue)
		lines = append(lines, fmt.Sprintf("%s: project %s, location %s, queue %s", where, project, location, id))
	}
	return lines
}
