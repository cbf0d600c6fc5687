// Command cloudtask is the operator's command of cloudtaskgen.
//
//	cloudtask dev                 serve the embedded queue on the wire API of Cloud Tasks
//	cloudtask ls [queues|tasks]   list queues or tasks
//	cloudtask show TASK           show all of a task
//	cloudtask run TASK            have a task attempted now
//	cloudtask discard TASK...     delete tasks, or with -type all of a type
//	cloudtask pause QUEUE         stop dispatching from a queue
//	cloudtask resume QUEUE        start dispatching again
//	cloudtask purge QUEUE         delete all tasks of a queue
//	cloudtask replay TASK|FILE    send a task's request to a server on this machine
//	cloudtask completion SHELL    print the completion script of bash, zsh or fish
//	cloudtask help COMMAND        describe a command
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

// command is one subcommand.
type command struct {
	name    string
	usage   string // arguments, for the first line of its help
	summary string // one line
	help    string // what the flags do not say
	flags   func(*flag.FlagSet) runner

	args       words            // what can stand as an argument, for completion
	flagValues map[string]words // what can stand as a flag's value
}

// runner does what a command is for, once its flags are parsed.
type runner func(args []string, std streams) error

func commands() []command {
	return []command{
		devCommand(), lsCommand(), showCommand(), runCommand(), discardCommand(),
		pauseCommand(), resumeCommand(), purgeCommand(), replayCommand(), completionCommand(),
	}
}

func main() {
	os.Exit(run(os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}

func run(args []string, std streams) int {
	name, asked := "", false
	if len(args) > 0 {
		name, args = args[0], args[1:]
	}
	switch name {
	case "help", "-h", "-help", "--help":
		if len(args) == 0 {
			printUsage(std.out)
			return exitOK
		}
		name, args, asked = args[0], nil, true
	case "":
		printUsage(std.err)
		return exitUsage
	case completeCommand:
		complete(args, std.out)
		return exitOK
	}
	if c, ok := commandNamed(name); ok {
		if asked {
			args = []string{"-h"}
		}
		return c.run(args, std)
	}
	fmt.Fprintf(std.err, "cloudtask: unknown command %q\n", name)
	printUsage(std.err)
	return exitUsage
}

func commandNamed(name string) (command, bool) {
	for _, c := range commands() {
		if c.name == name {
			return c, true
		}
	}
	return command{}, false
}

func (c command) run(args []string, std streams) int {
	flags := flag.NewFlagSet("cloudtask "+c.name, flag.ContinueOnError)
	flags.SetOutput(io.Discard) // errors are printed below, and help goes where it belongs
	flags.Usage = func() {}
	execute := c.flags(flags)
	args, err := parseFlags(flags, args)
	if errors.Is(err, flag.ErrHelp) {
		c.printHelp(std.out, flags)
		return exitOK
	}
	if err != nil {
		err = usageError{err}
	} else {
		err = execute(args, std)
	}
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(std.err, "cloudtask %s: %v\n", c.name, err)
	var usage usageError
	if errors.As(err, &usage) {
		fmt.Fprintf(std.err, "usage: cloudtask %s %s\n\"cloudtask help %s\" says more.\n", c.name, c.usage, c.name)
	}
	return exitCode(err)
}

// parseFlags parses flags wherever they stand, as in "purge emails -yes", and returns the arguments between them. After
// "--" nothing is a flag.
func parseFlags(flags *flag.FlagSet, args []string) (positional []string, err error) {
	for {
		if err := flags.Parse(args); err != nil {
			return nil, err
		}
		rest := flags.Args()
		if len(rest) == 0 {
			return positional, nil
		}
		if parsed := len(args) - len(rest); parsed > 0 && args[parsed-1] == "--" {
			return append(positional, rest...), nil
		}
		positional, args = append(positional, rest[0]), rest[1:]
	}
}

func (c command) printHelp(w io.Writer, flags *flag.FlagSet) {
	fmt.Fprintf(w, "usage: cloudtask %s %s\n\n%s\n\n", c.name, c.usage, strings.TrimSpace(c.help))
	shown := flag.NewFlagSet("", flag.ContinueOnError)
	shown.SetOutput(w)
	flags.VisitAll(func(f *flag.Flag) {
		if f.Usage != "" { // one without is known only to be refused well
			shown.Var(f.Value, f.Name, f.Usage)
		}
	})
	shown.PrintDefaults()
}

func printUsage(w io.Writer) {
	fmt.Fprint(w, "usage: cloudtask COMMAND [flags]\n\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-11s %s\n", c.name, c.summary)
	}
	fmt.Fprint(w, "\n\"cloudtask help COMMAND\" describes a command and its flags.\n")
}
