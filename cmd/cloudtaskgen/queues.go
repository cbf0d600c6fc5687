package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/cloudtaskgen/cloudtaskgen/gen"
	"github.com/cloudtaskgen/cloudtaskgen/templates"
)

const queuesUsage = `cloudtaskgen queues prints the queues that directives name, for what creates queues.

usage:
  cloudtaskgen queues [-format yaml|terraform|gcloud] [-project ID] [-location ID] [-default QUEUE] [-prefix PREFIX] [-tags tag,...] [packages]

Exit status: 0 fine; 1 problems in the source; 2 wrong usage or an I/O error.
`

// queues prints the queues that the directives name.
func queues(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var opts gen.Options
	var print gen.QueueOptions
	flags := newFlags(&opts, stderr)
	flags.Init("cloudtaskgen queues", flag.ContinueOnError)
	flags.StringVar(&print.Format, "format", "yaml", "`form` of the output: "+strings.Join(templates.QueueFormats(), ", "))
	flags.StringVar(&print.Project, "project", "", "`id` of the project; default: the one that is configured where the output is used")
	flags.StringVar(&print.Location, "location", "", "`id` of the location, such as europe-west1; default: a variable of the output")
	flags.StringVar(&print.Default, "default", "", "the client's default `queue`, for tasks whose directive names none; without it they are left out")
	flags.StringVar(&print.Prefix, "prefix", "", "the program's Config.QueuePrefix (CLOUDTASK_QUEUE_PREFIX), put in front of every queue's `id`")
	if code, done := parseWith(flags, queuesUsage, args, stdout, stderr); done {
		return code
	}
	opts.Patterns = flags.Args()
	res, code := load(ctx, opts, stdout, stderr)
	if code != exitOK {
		return code
	}
	notes, err := res.WriteQueues(stdout, print)
	if err != nil {
		return fail(err, stderr)
	}
	for _, note := range notes {
		fmt.Fprintln(stderr, "cloudtaskgen:", note)
	}
	return exitOK
}
