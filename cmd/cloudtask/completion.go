package main

import (
	"context"
	"embed"
	"flag"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
)

// completionScripts are what the shells load. Each calls "cloudtask __complete WORD...", whose last word is the one that is
// being typed, and which prints candidates, one a line, a tab and what there is to say of it behind each.
//
//go:embed completion
var completionScripts embed.FS

const (
	completeCommand = "__complete"
	completeTime    = 2 * time.Second // that a user waits for names from the queue service
	mostNames       = 200
)

const completionHelp = `
Prints the script by which a shell completes commands, flags, and the names of queues, tasks and types, which it asks the queue
service for. Load it

  bash   source <(cloudtask completion bash)        in ~/.bashrc
  zsh    source <(cloudtask completion zsh)         in ~/.zshrc, after compinit
  fish   cloudtask completion fish | source         in ~/.config/fish/config.fish
`

func completionCommand() command {
	return command{
		name:    "completion",
		usage:   "bash|zsh|fish",
		summary: "print the completion script of a shell",
		help:    completionHelp,
		args:    fixedWords("bash", "zsh", "fish"),
		flags: func(*flag.FlagSet) runner {
			return func(args []string, std streams) error {
				if err := wantArgs(args, 1, "shell"); err != nil {
					return err
				}
				script, err := completionScripts.ReadFile("completion/" + args[0])
				if err != nil {
					return badUsage("no completion for %q: want bash, zsh or fish", args[0])
				}
				_, err = std.out.Write(script)
				return err
			}
		},
	}
}

// words returns what can stand in a place of the command line; typed is what stands there already.
type words func(ctx context.Context, t *target, typed string) []suggestion

type suggestion struct{ word, about string }

// literal matches words that shells take as they are. They put candidates on the command line unquoted, and a type is
// whatever somebody has put into a URL: it could be a command.
var literal = regexp.MustCompile(`^[A-Za-z0-9@%+=:,./_-]+$`)

// complete prints how the last of the words can go on. Whatever fails, or takes too long, leaves fewer suggestions.
func complete(args []string, out io.Writer) {
	if len(args) == 0 {
		return
	}
	before, typed := args[:len(args)-1], args[len(args)-1]
	ctx, cancel := context.WithTimeout(context.Background(), completeTime)
	defer cancel()
	found := make(chan []suggestion, 1)
	go func() { found <- suggestions(ctx, before, typed) }() // looking for credentials does not always end with ctx
	select {
	case <-ctx.Done():
	case all := <-found:
		for _, s := range all {
			if strings.HasPrefix(s.word, typed) && literal.MatchString(s.word) {
				fmt.Fprintf(out, "%s\t%s\n", s.word, printable(s.about))
			}
		}
	}
}

func suggestions(ctx context.Context, before []string, typed string) []suggestion {
	if len(before) == 0 || before[0] == "help" && len(before) == 1 {
		all := []suggestion{{"help", "describe a command"}}
		for _, c := range commands() {
			all = append(all, suggestion{c.name, c.summary})
		}
		return all
	}
	c, ok := commandNamed(before[0])
	if !ok {
		return nil
	}
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	c.flags(flags)
	before = before[1:]
	if strings.HasPrefix(typed, "-") && typed != "-" && !slices.Contains(before, "--") {
		return flagWords(flags, strings.HasPrefix(typed, "--"))
	}
	from := c.args
	if n := len(before); n > 0 && takesValue(flags, before[n-1]) {
		from, before = c.flagValues[strings.TrimLeft(before[n-1], "-")], before[:n-1]
	}
	if from == nil {
		return nil
	}
	var where targetFlags
	chosen := flag.NewFlagSet("", flag.ContinueOnError)
	chosen.SetOutput(io.Discard)
	where.define(chosen)
	_ = chosen.Parse(targetArgs(chosen, before)) // what is wrong there, the command will say
	t, err := where.find()
	if err != nil {
		t = &target{}
	}
	return from(ctx, t, typed)
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

// takesValue reports whether the word is a flag whose value is the next word.
func takesValue(flags *flag.FlagSet, word string) bool {
	if !strings.HasPrefix(word, "-") || strings.Contains(word, "=") {
		return false
	}
	f := flags.Lookup(strings.TrimLeft(word, "-"))
	if f == nil {
		return false
	}
	boolean, ok := f.Value.(interface{ IsBoolFlag() bool })
	return !ok || !boolean.IsBoolFlag()
}

func flagWords(flags *flag.FlagSet, doubled bool) []suggestion {
	dash := "-"
	if doubled {
		dash = "--"
	}
	var all []suggestion
	flags.VisitAll(func(f *flag.Flag) {
		_, about := flag.UnquoteUsage(f)
		all = append(all, suggestion{dash + f.Name, about})
	})
	return all
}

func fixedWords(list ...string) words {
	return func(context.Context, *target, string) []suggestion {
		all := make([]suggestion, len(list))
		for i, word := range list {
			all[i].word = word
		}
		return all
	}
}

// connected has list look names up.
func connected(ctx context.Context, t *target, list func() []suggestion) []suggestion {
	if err := t.connect(ctx); err != nil {
		return nil
	}
	defer t.client.Close()
	return list()
}

// queueWords are the ids of queues, or their full names where somebody is typing one.
func queueWords(ctx context.Context, t *target, typed string) []suggestion {
	return connected(ctx, t, func() []suggestion {
		queues, err := t.queues(ctx, "")
		if err != nil {
			return nil
		}
		var all []suggestion
		for _, q := range queues {
			word := lastSegment(q.GetName())
			if strings.HasPrefix(typed, "projects/") {
				word = q.GetName()
			}
			all = append(all, suggestion{word, strings.ToLower(q.GetState().String())})
		}
		return all
	})
}

// taskWords are tasks as QUEUE/ID, or those of a queue or full name that somebody is typing: the first of each queue.
func taskWords(ctx context.Context, t *target, typed string) []suggestion {
	var all []suggestion
	eachTask(ctx, t, func(task *cloudtaskspb.Task) {
		word := task.GetName()
		if !strings.HasPrefix(typed, "projects/") {
			word = lastSegment(queueOf(word)) + "/" + lastSegment(word)
		}
		all = append(all, suggestion{word, typeOf(task)})
	})
	return all
}

// typeWords are the types of the first tasks of each queue.
func typeWords(ctx context.Context, t *target, typed string) []suggestion {
	var all []suggestion
	eachTask(ctx, t, func(task *cloudtaskspb.Task) {
		if s := (suggestion{typeOf(task), ""}); s.word != "" && !slices.Contains(all, s) {
			all = append(all, s)
		}
	})
	return all
}

// taskOrFileWords are tasks, unless what is being typed is a path.
func taskOrFileWords(ctx context.Context, t *target, typed string) []suggestion {
	if strings.HasPrefix(typed, ".") || strings.HasPrefix(typed, "/") {
		return nil // shells complete files themselves then
	}
	return taskWords(ctx, t, typed)
}

// eachTask calls f with some tasks of every queue.
func eachTask(ctx context.Context, t *target, f func(*cloudtaskspb.Task)) {
	connected(ctx, t, func() []suggestion {
		queues, err := t.queues(ctx, "")
		if err != nil {
			return nil
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
				return nil
			}
		}
		return nil
	})
}
