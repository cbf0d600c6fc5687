package main

import (
	"context"
	"flag"

	"github.com/cloudtaskgen/cloudtaskgen/cmd/internal/cli"
	"github.com/cloudtaskgen/cloudtaskgen/gen"
)

const listHelp = `
Prints the routes of the tasks: name, queue, timeout, type, what runs it, and where it is declared. With -json also path, retry
settings and uniqueness, for programs.

Exit status: 0 fine; 1 problems in the source; 2 wrong usage or an I/O error.
`

// listCommand prints the route table.
func listCommand() cli.Command {
	return cli.Command{
		Name:    "list",
		Usage:   "[-json] [-path-prefix path] [-tags tag,...] [packages]",
		Summary: "print the route table",
		Help:    listHelp,
		Flags: func(flags *flag.FlagSet) cli.Runner {
			var opts gen.Options
			addTags(flags, &opts)
			asJSON := flags.Bool("json", false, "print a JSON array")
			pathPrefix := flags.String("path-prefix", gen.DefaultPathPrefix, "the program's Config.PathPrefix, for the `path` of each task's URL")
			return func(ctx context.Context, args []string, std cli.Streams) error {
				opts.Patterns = args
				res, err := load(ctx, opts, std)
				switch {
				case err != nil:
					return err
				case *asJSON:
					return res.WriteRoutesJSON(std.Out, *pathPrefix)
				}
				return res.WriteRoutes(std.Out)
			}
		},
	}
}
