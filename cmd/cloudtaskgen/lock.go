package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/cmd/internal/cli"
	"github.com/cloudtaskgen/cloudtaskgen/gen/lock"
)

const lockHelp = `
Keeps cloudtask.lock.json, which is committed: what the payloads of all tasks of the module look like. It finds the changes that
tasks in flight or a rolling deploy would not survive, and writes nothing where there is one. With -check it writes nothing at all.

The default is all packages of the module. Codecs are tried by running them: the packages have to build.

Exit status: 0 fine; 1 problems in the source, a break that has not been accepted, or -check found the lock out of date; 2 wrong usage
or an I/O error.

Rules, and what their breaks are about:

`

// lockCommand writes the lock, or checks it.
func lockCommand() cli.Command {
	var rules strings.Builder
	_ = lock.WriteRules(&rules) // a Builder does not fail
	return cli.Command{
		Name:    "lock",
		Usage:   "[-check] [-against REF] [-accept RULE:SUBJECT -reason TEXT]... [-prune DAY] [-json] [-github] [-o file] [-tags tag,...] [packages]",
		Summary: "keep payloads compatible with tasks in flight and the version before",
		Help:    lockHelp + rules.String(),
		Flags: func(flags *flag.FlagSet) cli.Runner {
			opts := lock.Options{Now: time.Now()}
			var out findings
			addTags(flags, &opts.Gen)
			check := flags.Bool("check", false, "write nothing; print a diff of what is out of date")
			flags.StringVar(&opts.Against, "against", "", "compare with the lock at a git `revision`, such as origin/main")
			accept := cli.StringsFlag(flags, "accept", "record a break that is meant, as `RULE:SUBJECT`; may be repeated")
			flags.StringVar(&opts.Reason, "reason", "", "why it is meant: a `text` for the lock")
			flags.StringVar(&opts.Prune, "prune", "", "forget versions that were replaced before this `day`, as 2006-01-02, at least 31 days ago")
			flags.StringVar(&opts.File, "o", "", "the lock's `file`; default cloudtask.lock.json beside go.mod")
			out.addFlags(flags)
			return func(ctx context.Context, args []string, std cli.Streams) error {
				opts.Gen.Patterns, opts.Write, opts.Accept = args, !*check, *accept
				if err := out.start(std); err != nil {
					return err
				}
				if err := checkLockOptions(&opts); err != nil {
					return err
				}
				return checkLock(ctx, opts, &out)
			}
		},
	}
}

func checkLock(ctx context.Context, opts lock.Options, out *findings) error {
	res, err := lock.Check(ctx, opts)
	if err != nil {
		return err
	}
	for _, note := range res.Notes {
		fmt.Fprintln(out.std.Err, "cloudtaskgen lock:", note)
	}
	switch {
	case len(res.Diagnostics) > 0:
		return out.report(res.Dir, res.Diagnostics)
	case len(res.Breaks) > 0:
		err := out.report(res.Dir, res.Findings())
		fmt.Fprintf(out.std.Err, "cloudtaskgen lock: to record that a break is meant: %s -accept %s -reason '…'\n", res.Command, res.Breaks[0].Quoted())
		return err
	}
	return out.finish(res.Dir, res, !opts.Write)
}

// checkLockOptions reports flags that exclude each other, and reads what day it is.
func checkLockOptions(opts *lock.Options) error {
	if !opts.Write && (len(opts.Accept) > 0 || opts.Prune != "") {
		return errors.New("lock -check writes nothing: leave out -accept and -prune")
	}
	if epoch := os.Getenv("SOURCE_DATE_EPOCH"); epoch != "" { // as reproducible builds have it
		seconds, err := strconv.ParseInt(epoch, 10, 64)
		if err != nil {
			return fmt.Errorf("SOURCE_DATE_EPOCH=%s: want seconds since 1970", epoch)
		}
		opts.Now = time.Unix(seconds, 0)
	}
	return nil
}
