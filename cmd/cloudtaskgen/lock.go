package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/gen/lock"
)

const lockUsage = `cloudtaskgen lock keeps cloudtask.lock.json, which is committed: what the payloads of all tasks of the module look like.
It finds the changes that tasks in flight or a rolling deploy would not survive, and writes nothing where there is one.

usage:
  cloudtaskgen lock [-against REF] [-accept RULE:SUBJECT -reason TEXT]... [-prune DAY] [-o file] [-tags tag,...] [packages]
  cloudtaskgen lock -check [-against REF] [-json] [-github] [-o file] [-tags tag,...] [packages]

The default is all packages of the module. Codecs are tried by running them: the packages have to build.

Exit status: 0 fine; 1 problems in the source, a break that has not been accepted, or -check found the lock out of date; 2 wrong usage
or an I/O error.

Rules, and what their breaks are about:

%s`

// lockPayloads writes the lock, or checks it.
func lockPayloads(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	opts := lock.Options{Now: time.Now()}
	flags := newFlags(&opts.Gen, stderr)
	flags.Init("cloudtaskgen lock", flag.ContinueOnError)
	check := flags.Bool("check", false, "write nothing; print a diff of what is out of date")
	flags.StringVar(&opts.Against, "against", "", "compare with the lock at a git `revision`, such as origin/main")
	flags.Func("accept", "record a break that is meant, as `RULE:SUBJECT`; may be repeated", func(text string) error {
		opts.Accept = append(opts.Accept, text)
		return nil
	})
	flags.StringVar(&opts.Reason, "reason", "", "why it is meant: a `text` for the lock")
	flags.StringVar(&opts.Prune, "prune", "", "forget versions that were replaced before this `day`, as 2006-01-02, at least 31 days ago")
	flags.StringVar(&opts.File, "o", "", "the lock's `file`; default cloudtask.lock.json beside go.mod")
	out := &findings{stdout: stdout, stderr: stderr}
	out.addFlags(flags)
	var rules strings.Builder
	if err := lock.WriteRules(&rules); err != nil {
		return fail(err, stderr)
	}
	if code, done := parseWith(flags, fmt.Sprintf(lockUsage, rules.String()), args, stdout, stderr); done {
		return code
	}
	opts.Gen.Patterns, opts.Write = flags.Args(), !*check
	if err := checkLockFlags(&opts, out); err != nil {
		return fail(err, stderr)
	}
	res, err := lock.Check(ctx, opts)
	if err != nil {
		return fail(err, stderr)
	}
	for _, note := range res.Notes {
		fmt.Fprintln(stderr, "cloudtaskgen:", note)
	}
	switch {
	case len(res.Diagnostics) > 0:
		return out.report(res.Dir, res.Diagnostics)
	case len(res.Breaks) > 0:
		code := out.report(res.Dir, res.Findings())
		fmt.Fprintf(stderr, "cloudtaskgen: to record that a break is meant: %s -accept %s -reason '…'\n", res.Command, res.Breaks[0].Quoted())
		return code
	}
	return out.finish(res.Dir, res, *check)
}

// checkLockFlags says which flags exclude each other, and reads what day it is.
func checkLockFlags(opts *lock.Options, out *findings) error {
	if err := out.checkFlags(); err != nil {
		return err
	}
	if !opts.Write && (len(opts.Accept) > 0 || opts.Prune != "") {
		return errors.New("lock -check writes nothing, so that there is no use in -accept and -prune")
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
