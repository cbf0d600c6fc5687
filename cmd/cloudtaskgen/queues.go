package main

import (
	"context"
	"flag"
	"fmt"
	"strings"

	"github.com/cloudtaskgen/cloudtaskgen/cmd/internal/cli"
	"github.com/cloudtaskgen/cloudtaskgen/gen"
	"github.com/cloudtaskgen/cloudtaskgen/templates"
)

const queuesHelp = `
Prints the queues that directives name, in the form of a tool that creates queues.

Exit status: 0 fine; 1 problems in the source; 2 wrong usage or an I/O error.
`

// queuesCommand prints the queues that the directives name.
func queuesCommand() cli.Command {
	formats := templates.QueueFormats()
	return cli.Command{
		Name:       "queues",
		Usage:      "[-format " + strings.Join(formats, "|") + "] [-project ID] [-location ID] [-default QUEUE] [-prefix PREFIX] [-tags tag,...] [packages]",
		Summary:    "print the queues that directives name, for Terraform, gcloud or queue.yaml",
		Help:       queuesHelp,
		FlagValues: map[string]cli.Words{"format": cli.FixedWords(formats...)},
		Flags: func(flags *flag.FlagSet) cli.Runner {
			var opts gen.Options
			var output gen.QueueOptions
			addTags(flags, &opts)
			flags.StringVar(&output.Format, "format", "yaml", "`form` of the output: "+strings.Join(formats, ", "))
			flags.StringVar(&output.Project, "project", "", "`id` of the project; default: the one that is configured where the output is used")
			flags.StringVar(&output.Location, "location", "", "`id` of the location, such as europe-west1; default: a variable of the output")
			flags.StringVar(&output.Default, "default", "", "the client's default `queue`, for tasks whose directive names none; without it they are left out")
			flags.StringVar(&output.Prefix, "prefix", "", "the program's Config.QueuePrefix (CLOUDTASK_QUEUE_PREFIX), put in front of every queue's `id`")
			return func(ctx context.Context, args []string, std cli.Streams) error {
				opts.Patterns = args
				res, err := load(ctx, opts, std)
				if err != nil {
					return err
				}
				notes, err := res.WriteQueues(std.Out, output)
				if err != nil {
					return err
				}
				for _, note := range notes {
					fmt.Fprintln(std.Err, "cloudtaskgen queues:", note)
				}
				return nil
			}
		},
	}
}
