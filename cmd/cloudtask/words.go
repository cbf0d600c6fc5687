package main

import (
	"context"
	"flag"
	"io"
	"slices"
	"strings"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"

	"github.com/cloudtaskgen/cloudtaskgen/cmd/internal/cli"
)

const maxCandidates = 200 // tasks per queue that completion considers

// completeFrom returns Words that lists candidates from the target chosen by the flags before the word. Mistakes in those flags
// are left for the command to report.
func completeFrom(list func(ctx context.Context, t *target, typed string) []cli.Suggestion) cli.Words {
	return func(ctx context.Context, before []string, typed string) []cli.Suggestion {
		var where targetFlags
		chosen := flag.NewFlagSet("", flag.ContinueOnError)
		chosen.SetOutput(io.Discard)
		where.define(chosen)
		_ = chosen.Parse(targetArgs(chosen, before))
		t, err := where.target()
		if err != nil {
			t = &target{}
		}
		if err := t.connect(ctx); err != nil {
			return nil
		}
		defer t.client.Close()
		return list(ctx, t, typed)
	}
}

// targetArgs returns the words that are flags of known, with their values.
func targetArgs(known *flag.FlagSet, before []string) []string {
	var args []string
	for i, word := range before {
		name, _, joined := strings.Cut(strings.TrimLeft(word, "-"), "=")
		if !strings.HasPrefix(word, "-") || known.Lookup(name) == nil {
			continue
		}
		args = append(args, word)
		if !joined && i+1 < len(before) {
			args = append(args, before[i+1])
		}
	}
	return args
}

// Candidates for arguments and values of flags.
var (
	queueWords = completeFrom(queueSuggestions)
	taskWords  = completeFrom(taskSuggestions)
	typeWords  = completeFrom(typeSuggestions)
)

// taskOrFileWords suggests tasks. It leaves paths to the shell.
func taskOrFileWords(ctx context.Context, before []string, typed string) []cli.Suggestion {
	if strings.HasPrefix(typed, ".") || strings.HasPrefix(typed, "/") {
		return nil
	}
	return taskWords(ctx, before, typed)
}

// queueSuggestions returns the IDs of queues, or their resource names if one is being typed.
func queueSuggestions(ctx context.Context, t *target, typed string) []cli.Suggestion {
	queues, err := t.queues(ctx, "")
	if err != nil {
		return nil
	}
	var all []cli.Suggestion
	for _, q := range queues {
		word := lastSegment(q.GetName())
		if strings.HasPrefix(typed, "projects/") {
			word = q.GetName()
		}
		all = append(all, cli.Suggestion{Word: word, About: strings.ToLower(q.GetState().String())})
	}
	return all
}

// taskSuggestions returns the first tasks of each queue as QUEUE/ID, or their resource names if one is being typed.
func taskSuggestions(ctx context.Context, t *target, typed string) []cli.Suggestion {
	var all []cli.Suggestion
	eachTask(ctx, t, func(task *cloudtaskspb.Task) {
		word := task.GetName()
		if !strings.HasPrefix(typed, "projects/") {
			word = lastSegment(queueOf(word)) + "/" + lastSegment(word)
		}
		all = append(all, cli.Suggestion{Word: word, About: typeOf(task)})
	})
	return all
}

// typeSuggestions returns the task types of the first tasks of each queue.
func typeSuggestions(ctx context.Context, t *target, _ string) []cli.Suggestion {
	var all []cli.Suggestion
	eachTask(ctx, t, func(task *cloudtaskspb.Task) {
		if s := (cli.Suggestion{Word: typeOf(task)}); s.Word != "" && !slices.Contains(all, s) {
			all = append(all, s)
		}
	})
	return all
}

// eachTask calls f with the first tasks of each queue.
func eachTask(ctx context.Context, t *target, f func(*cloudtaskspb.Task)) {
	queues, err := t.queues(ctx, "")
	if err != nil {
		return
	}
	for _, q := range queues {
		n := 0
		err := t.tasksOf(ctx, q.GetName(), func(task *cloudtaskspb.Task) error {
			f(task)
			if n++; n == maxCandidates {
				return errStop
			}
			return nil
		})
		if err != nil {
			return
		}
	}
}
