package main

import (
	"context"
	"flag"
	"fmt"
	"strings"

	"github.com/cloudtaskgen/cloudtaskgen/cmd/internal/cli"
	"github.com/cloudtaskgen/cloudtaskgen/gen"
	"github.com/cloudtaskgen/cloudtaskgen/gen/memory"
)

const generateHelp = `
Packages are import paths or patterns as the go command takes them, such as ./...; the default is the package in the
current directory.

Exit status: 0 fine; 1 problems in the source, or -check found a difference; 2 wrong usage or an I/O error.
`

// generateCommand writes generated code, or compares it with what is there.
func generateCommand() cli.Command {
	return cli.Command{
		Usage: "[-check] [-json] [-github] [-o file] [-tags tag,...] [packages]",
		Help:  generateHelp,
		Flags: func(flags *flag.FlagSet) cli.Runner {
			var opts gen.Options
			var out findings
			addTags(flags, &opts)
			check := flags.Bool("check", false, "write nothing; print a diff of what is missing, stale or orphaned")
			flags.StringVar(&opts.Output, "o", gen.DefaultOutput, "`file` name of the output in each package")
			out.addFlags(flags)
			return func(ctx context.Context, args []string, std cli.Streams) error {
				opts.Patterns = args
				if err := out.start(std); err != nil {
					return err
				}
				return generate(ctx, opts, &out, *check)
			}
		},
	}
}

func generate(ctx context.Context, opts gen.Options, out *findings, check bool) error {
	moment := new(memory.Moment)
	if check {
		var unchanged bool
		if moment, unchanged = memory.User().Recall(ctx, opts); unchanged {
			return out.report("", nil)
		}
		opts = moment.Options()
	}
	res, err := gen.Generate(ctx, opts)
	switch {
	case err != nil && len(opts.Patterns) > 0 && !strings.ContainsAny(opts.Patterns[0], "./\\"):
		return fmt.Errorf("%w; \"cloudtaskgen help\" lists the commands", err)
	case err != nil:
		return err
	case len(res.Diagnostics) > 0:
		return out.report(res.Dir, res.Diagnostics)
	}
	err = out.finish(res.Dir, res, check)
	if check && err == nil {
		moment.Remember(res)
	}
	return err
}

// addTags adds the flag that every command has which reads packages.
func addTags(flags *flag.FlagSet, opts *gen.Options) {
	flags.StringVar(&opts.Tags, "tags", "", "comma-separated build `tags`")
}

// load reads the tasks that a command prints something of.
func load(ctx context.Context, opts gen.Options, std cli.Streams) (*gen.Result, error) {
	res, err := gen.Load(ctx, opts)
	if err != nil {
		return nil, err
	}
	out := &findings{std: std}
	return res, out.report(res.Dir, res.Diagnostics)
}
