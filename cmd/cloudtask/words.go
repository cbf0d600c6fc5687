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

const mostNames = 200 // tasks of one queue that completion looks at

// completed returns words of a target, which the flags before the word choose. What is wrong with them the command will say.
func completed(list func(ctx context.Context, t *target, typed string) []cli.Suggestion) cli.Words {
	return func(ctx context.Context, before []string, typed string) []cli.Suggestion {
		var where targetFlags
		chosen := flag.NewFlagSet("", flag.ContinueOnError)
		chosen.SetOutput(io.Discard)
		where.define(chosen)
		_ = chosen.Parse(targetArgs(chosen, before))
		t, err := where.find()
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

// targetArgs returns the flags among the words that choose a target.
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

// What can be an argument or a flag's value.
var (
	queueWords = completed(queueSuggestions)
	taskWords  = completed(taskSuggestions)
	typeWords  = completed(typeSuggestions)
)

// taskOrFileWords returns tasks, unless a path is being typed, which shells complete themselves.
func taskOrFileWords(ctx context.Context, before []string, typed string) []cli.Suggestion {
	if strings.HasPrefix(typed, ".") || strings.HasPrefix(typed, "/") {
		return nil
	}
	return taskWords(ctx, before, typed)
}

// queueSuggestions returns the ids of queues, or their full names if one is being typed.
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

// taskSuggestions returns tasks as QUEUE/ID, or their full names if one is being typed: the first of each queue.
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

// typeSuggestions returns the types of the first tasks of each queue.
func typeSuggestions(ctx context.Context, t *target, _ string) []cli.Suggestion {
	var all []cli.Suggestion
	eachTask(ctx, t, func(task *cloudtaskspb.Task) {
		if s := (cli.Suggestion{Word: typeOf(task)}); s.Word != "" && !slices.Contains(all, s) {
			all = append(all, s)
		}
	})
	return all
}

// eachTask calls f with some tasks of every queue.
func eachTask(ctx context.Context, t *target, f func(*cloudtaskspb.Task)) {
	queues, err := t.queues(ctx, "")
	if err != nil {
		return
	}
	for _, q := range queues {
		n := 0
		err := t.tasksOf(ctx, q.GetName(), func(task *cloudtaskspb.Task) error {
			f(task)
			if n++; n == mostNames {
				return errStop
			}
			return nil
		})
		if err != nil {
			return
		}
	}
}
