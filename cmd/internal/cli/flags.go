package cli

import "flag"

// parseFlags parses flags in any position, as in "purge emails -yes", and returns the other arguments. Everything after "--" is
// an argument.
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

// StringsFlag defines a flag that may be repeated, and returns its values.
func StringsFlag(flags *flag.FlagSet, name, usage string) *[]string {
	var values []string
	flags.Func(name, usage, func(value string) error {
		values = append(values, value)
		return nil
	})
	return &values
}

// WantArgs returns a UsageError unless there are n arguments. what names the missing one in the error.
func WantArgs(args []string, n int, what string) error {
	switch {
	case len(args) < n:
		return BadUsage("missing argument: %s", what)
	case len(args) > n:
		return BadUsage("unexpected argument %q", args[n])
	}
	return nil
}
