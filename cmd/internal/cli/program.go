// Package cli is the framework of this module's commands: subcommands with flags and help, exit codes, standard streams, shell
// completion and version information.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// Program is an executable with subcommands. Every program has the commands help, version and completion as well.
type Program struct {
	Name     string
	Summary  string // one sentence, printed first by help
	Commands []Command
	Topics   []Topic

	// Default runs if the first argument does not name a command. If it is nil, that is an error.
	Default *Command

	// ExitCode returns the exit code for an error other than a UsageError or an Exit. If it is nil, the code is ExitFailed.
	ExitCode func(error) int
}

// Command is one subcommand.
type Command struct {
	Name    string // "" for Program.Default
	Usage   string // arguments and flags, for the first line of the help
	Summary string // one line
	Help    string // description, printed before the flags
	Flags   func(*flag.FlagSet) Runner

	Args       Words            // completes arguments; nil: file names
	FlagValues map[string]Words // complete the values of flags, by flag name
}

// Runner runs a command. args are its arguments without flags, which have been parsed.
type Runner func(ctx context.Context, args []string, std Streams) error

// Topic is a help topic that is not a command.
type Topic struct {
	Name    string
	Summary string // one line
	Write   func(io.Writer) error
}

const helpSummary = "describe a command and its flags"

// Run runs the program and returns its exit code. args does not include the program's name.
func (p *Program) Run(ctx context.Context, args []string, std Streams) int {
	c, args, err := p.choose(args, std)
	if c == nil {
		return p.fail(err, p.Name, std)
	}
	return p.runCommand(ctx, c, args, std)
}

// choose returns the command that args select, and its arguments. A nil command means that there is nothing left to run.
func (p *Program) choose(args []string, std Streams) (c *Command, rest []string, err error) {
	first := ""
	if len(args) > 0 {
		first = args[0]
	}
	isHelp := slices.Contains([]string{"help", "-h", "-help", "--help"}, first)
	switch c := p.command(first); {
	case first == completeCommand:
		p.complete(args[1:], std.Out)
		return nil, nil, nil
	case isHelp && len(args) == 1:
		p.printOverview(std.Out)
		return nil, nil, nil
	case isHelp:
		return p.help(args[1:], std.Out)
	case c != nil:
		return c, args[1:], nil
	case p.Default != nil:
		return p.Default, args, nil
	case first == "":
		p.printOverview(std.Err)
		return nil, nil, Exit(ExitUsage)
	}
	return nil, nil, BadUsage("unknown command %q", first)
}

// help prints a topic, or returns the command to describe with the argument -h.
func (p *Program) help(args []string, out io.Writer) (c *Command, rest []string, err error) {
	if err := WantArgs(args, 1, "command"); err != nil {
		return nil, nil, err
	}
	name := args[0]
	for _, t := range p.Topics {
		if t.Name == name {
			return nil, nil, t.Write(out)
		}
	}
	if c := p.command(name); c != nil {
		return c, []string{"-h"}, nil
	}
	return nil, nil, BadUsage("unknown command %q", name)
}

// command returns the command with the given name, or nil.
func (p *Program) command(name string) *Command {
	all := p.all()
	if i := slices.IndexFunc(all, func(c Command) bool { return c.Name == name }); i >= 0 {
		return &all[i]
	}
	return nil
}

// all returns the program's own commands, then those of every program except help.
func (p *Program) all() []Command {
	return append(slices.Clone(p.Commands), p.completionCommand(), p.versionCommand())
}

// title returns the name of the program and the command, as in "cloudtask ls".
func (p *Program) title(c *Command) string {
	return strings.TrimSpace(p.Name + " " + c.Name)
}

func (p *Program) runCommand(ctx context.Context, c *Command, args []string, std Streams) int {
	flags := flag.NewFlagSet(p.title(c), flag.ContinueOnError)
	flags.SetOutput(io.Discard) // fail prints errors, and help goes to standard output
	flags.Usage = func() {}
	run := c.Flags(flags)
	args, err := parseFlags(flags, args)
	if errors.Is(err, flag.ErrHelp) {
		p.printHelp(std.Out, c, flags)
		return ExitOK
	}
	if err != nil {
		err = UsageError{err}
	} else {
		err = run(ctx, args, std)
	}
	return p.fail(err, p.title(c), std)
}

// fail prints err, prefixed with title, and returns its exit code.
func (p *Program) fail(err error, title string, std Streams) int {
	var usage UsageError
	var exit Exit
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &exit):
		return int(exit)
	}
	fmt.Fprintf(std.Err, "%s: %v\n", title, err)
	switch {
	case errors.As(err, &usage):
		help := strings.Replace(title, p.Name, p.Name+" help", 1)
		fmt.Fprintf(std.Err, "Run %q for usage.\n", help)
		return ExitUsage
	case p.ExitCode != nil:
		return p.ExitCode(err)
	}
	return ExitFailed
}

// printOverview prints the program's summary, commands and default flags.
func (p *Program) printOverview(w io.Writer) {
	fmt.Fprintf(w, "%s\n\n", p.Summary)
	if p.Default != nil {
		fmt.Fprintf(w, "usage: %s %s\n       %s COMMAND [flags]\n\n", p.Name, p.Default.Usage, p.Name)
	} else {
		fmt.Fprintf(w, "usage: %s COMMAND [flags]\n\n", p.Name)
	}
	fmt.Fprint(w, "Commands:\n\n")
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range p.all() {
		fmt.Fprintf(table, "  %s\t%s\n", c.Name, c.Summary)
	}
	fmt.Fprintf(table, "  help\t%s\n", helpSummary)
	for _, t := range p.Topics {
		fmt.Fprintf(table, "  help %s\t%s\n", t.Name, t.Summary)
	}
	_ = table.Flush() // nobody could be told about an error of w
	if p.Default != nil {
		flags := flag.NewFlagSet("", flag.ContinueOnError)
		p.Default.Flags(flags)
		fmt.Fprintf(w, "\n%s\n\n", strings.TrimSpace(p.Default.Help))
		fmt.Fprint(w, "Flags:\n\n")
		printFlags(w, flags)
	}
	fmt.Fprintf(w, "\nRun \"%s help COMMAND\" for more about a command.\n", p.Name)
}

func (p *Program) printHelp(w io.Writer, c *Command, flags *flag.FlagSet) {
	if c.Name == "" {
		p.printOverview(w)
		return
	}
	fmt.Fprintf(w, "usage: %s %s\n\n%s\n", p.title(c), c.Usage, strings.TrimSpace(c.Help))
	fmt.Fprint(w, "\nFlags:\n\n")
	printFlags(w, flags)
}

// printFlags prints the flags that have a usage text. Those without one exist only to be rejected with a helpful error.
func printFlags(w io.Writer, flags *flag.FlagSet) {
	shown := flag.NewFlagSet("", flag.ContinueOnError)
	shown.SetOutput(w)
	flags.VisitAll(func(f *flag.Flag) {
		if f.Usage != "" {
			shown.Var(f.Value, f.Name, f.Usage)
		}
	})
	shown.PrintDefaults()
}
