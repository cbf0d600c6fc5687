// Command cloudtask is the operator's command of cloudtaskgen.
//
//	cloudtask dev     serve the embedded queue on the wire API of Cloud Tasks
//	cloudtask help    describe a command
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// command is one subcommand.
type command struct {
	name    string
	usage   string // arguments, for the first line of its help
	summary string // one line
	help    string // what the flags do not say
	flags   func(*flag.FlagSet) runner
}

// runner does what a command is for, once its flags are parsed.
type runner func(args []string, stdout, stderr io.Writer) error

// usageError is a mistake on the command line that only the command itself can see.
type usageError struct{ error }

func commands() []command {
	return []command{devCommand()}
}

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(args []string, stdout, stderr io.Writer) int {
	name, asked := "", false
	if len(args) > 0 {
		name, args = args[0], args[1:]
	}
	switch name {
	case "help", "-h", "-help", "--help":
		if len(args) == 0 {
			printUsage(stdout)
			return exitOK
		}
		name, args, asked = args[0], nil, true
	case "":
		printUsage(stderr)
		return exitUsage
	}
	for _, c := range commands() {
		if c.name == name {
			if asked {
				args = []string{"-h"}
			}
			return c.run(args, stdout, stderr)
		}
	}
	fmt.Fprintf(stderr, "cloudtask: unknown command %q\n", name)
	printUsage(stderr)
	return exitUsage
}

func (c command) run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("cloudtask "+c.name, flag.ContinueOnError)
	flags.SetOutput(io.Discard) // errors are printed below, and help goes where it belongs
	flags.Usage = func() {}
	execute := c.flags(flags)
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		c.printHelp(stdout, flags)
		return exitOK
	}
	if err != nil {
		err = usageError{err}
	} else {
		err = execute(flags.Args(), stdout, stderr)
	}
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(stderr, "cloudtask %s: %v\n", c.name, err)
	var usage usageError
	if errors.As(err, &usage) {
		c.printHelp(stderr, flags)
		return exitUsage
	}
	return exitFailed
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
		fmt.Fprintf(w, "  %-8s %s\n", c.name, c.summary)
	}
	fmt.Fprint(w, "\n\"cloudtask help COMMAND\" describes a command and its flags.\n")
}
