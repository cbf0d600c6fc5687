// Command cloudtaskgen writes enqueue functions, JSON codecs and routes for structs that are declared as tasks.
//
// "cloudtaskgen help" says what it does, "cloudtaskgen help directives" what the directives are.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/cloudtaskgen/cloudtaskgen/gen"
)

const usage = `cloudtaskgen writes enqueue functions, JSON codecs and routes for structs with a //cloudtask:task directive.

usage:
  cloudtaskgen [-check] [-json] [-github] [-o file] [-tags tag,...] [packages]
                                                               write generated code (or, -check, verify it)
  cloudtaskgen list [-json] [-path-prefix path] [packages]     print the route table
  cloudtaskgen queues [-format form] [packages]                print the queues that directives name: see queues -h
  cloudtaskgen lock [-check] [-against REF] [packages]         keep payloads compatible: see lock -h
  cloudtaskgen help [directives]                               explain the command, or the directives

Packages are import paths or patterns as the go command takes them, such as ./...; the default is the package in the
current directory.

Exit status: 0 fine; 1 problems in the source, or -check found a difference; 2 wrong usage or an I/O error.
`

// Exit codes.
const (
	exitOK = iota
	exitFindings
	exitUsage
)

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200) // it does not run for long, and spends a sixth of it on garbage otherwise
	}
	os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}

// A command is what the first argument may choose. Its arguments are the others.
type command func(ctx context.Context, args []string, stdout, stderr io.Writer) int

// commands are all of them by their names. Without one, the arguments are those of generate.
func commands() map[string]command {
	return map[string]command{
		"help":   help,
		"list":   list,
		"lock":   lockPayloads,
		"queues": queues,
	}
}

// run is the program without the process.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 {
		if cmd := commands()[args[0]]; cmd != nil {
			return cmd(ctx, args[1:], stdout, stderr)
		}
	}
	return generate(ctx, args, stdout, stderr)
}

// generate writes generated code, or compares it with what is there.
func generate(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var opts gen.Options
	flags := newFlags(&opts, stderr)
	check := flags.Bool("check", false, "write nothing; print a diff of what is missing, stale or orphaned")
	flags.StringVar(&opts.Output, "o", gen.DefaultOutput, "`file` name of the output in each package")
	out := &findings{stdout: stdout, stderr: stderr}
	out.addFlags(flags)
	if code, done := parse(flags, args, stdout, stderr); done {
		return code
	}
	if err := out.checkFlags(); err != nil {
		return fail(err, stderr)
	}
	opts.Patterns = flags.Args()
	moment := new(gen.Moment)
	if *check {
		var unchanged bool
		if moment, unchanged = gen.UserMemory().Recall(ctx, opts); unchanged {
			return out.report("", nil)
		}
		opts = moment.Options()
	}
	res, err := gen.Generate(ctx, opts)
	switch {
	case err != nil && len(opts.Patterns) > 0 && !strings.ContainsAny(opts.Patterns[0], "./\\"):
		return fail(fmt.Errorf("%w; the commands are %s", err, strings.Join(slices.Sorted(maps.Keys(commands())), ", ")), stderr)
	case err != nil:
		return fail(err, stderr)
	case len(res.Diagnostics) > 0:
		return out.report(res.Dir, res.Diagnostics)
	}
	code := out.finish(res.Dir, res, *check)
	if *check && code == exitOK {
		moment.Remember(res)
	}
	return code
}

// list prints the route table.
func list(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var opts gen.Options
	flags := newFlags(&opts, stderr)
	asJSON := flags.Bool("json", false, "print a JSON array")
	pathPrefix := flags.String("path-prefix", gen.DefaultPathPrefix, "the program's Config.PathPrefix, for the `path` of each task's URL")
	if code, done := parse(flags, args, stdout, stderr); done {
		return code
	}
	opts.Patterns = flags.Args()
	res, code := load(ctx, opts, stdout, stderr)
	if code != exitOK {
		return code
	}
	var err error
	if *asJSON {
		err = res.WriteRoutesJSON(stdout, *pathPrefix)
	} else {
		err = res.WriteRoutes(stdout)
	}
	if err != nil {
		return fail(err, stderr)
	}
	return exitOK
}

// load reads the tasks that a command prints something of. The code is not exitOK when it cannot.
func load(ctx context.Context, opts gen.Options, stdout, stderr io.Writer) (*gen.Result, int) {
	res, err := gen.Load(ctx, opts)
	if err != nil {
		return nil, fail(err, stderr)
	}
	out := &findings{stdout: stdout, stderr: stderr}
	return res, out.report(res.Dir, res.Diagnostics)
}

// help explains the command or a topic.
func help(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	switch {
	case len(args) == 0:
		return generate(ctx, []string{"-h"}, stdout, stderr)
	case len(args) > 1 || args[0] != "directives":
		fmt.Fprintf(stderr, "cloudtaskgen: no help on %s: there is cloudtaskgen help directives, and cloudtaskgen -h\n", strings.Join(args, " "))
		return exitUsage
	}
	if err := gen.WriteDirectiveHelp(stdout); err != nil {
		return fail(err, stderr)
	}
	return exitOK
}

// newFlags returns a flag set with the flags that every command has.
func newFlags(opts *gen.Options, stderr io.Writer) *flag.FlagSet {
	flags := flag.NewFlagSet("cloudtaskgen", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {}
	flags.StringVar(&opts.Tags, "tags", "", "comma-separated build `tags`")
	return flags
}

// parse parses flags; done means that the command ends with code.
func parse(flags *flag.FlagSet, args []string, stdout, stderr io.Writer) (code int, done bool) {
	return parseWith(flags, usage, args, stdout, stderr)
}

// parseWith is parse for a command with a usage of its own.
func parseWith(flags *flag.FlagSet, usage string, args []string, stdout, stderr io.Writer) (code int, done bool) {
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, usage, "\nFlags:\n")
		flags.SetOutput(stdout)
		flags.PrintDefaults()
		return exitOK, true
	case err != nil:
		fmt.Fprintf(stderr, "run %s -h for help\n", flags.Name())
		return exitUsage, true
	}
	return exitOK, false
}

func fail(err error, stderr io.Writer) int {
	fmt.Fprintln(stderr, "cloudtaskgen:", err)
	return exitUsage
}
