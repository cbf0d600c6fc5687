package main

import (
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/cloudtaskgen/cloudtaskgen/gen"
)

// findings says where and in which form diagnostics are printed.
type findings struct {
	stdout, stderr io.Writer
	json, github   bool
}

func (f *findings) addFlags(flags *flag.FlagSet) {
	flags.BoolVar(&f.json, "json", false, "for editors: print what is found as a JSON array on standard output, and nothing else")
	flags.BoolVar(&f.github, "github", false, "for GitHub Actions: print what is found as annotations too, on standard output")
}

// checkFlags says what is wrong with the flags.
func (f *findings) checkFlags() error {
	if f.json && f.github {
		return errors.New("-json and -github exclude each other")
	}
	return nil
}

// An output is what a command writes, or compares with what is there.
type output interface {
	Commit() (notes []gen.Diagnostic, err error)
	Diff(w io.Writer) ([]gen.Diagnostic, error)
}

// finish writes output, or checks it, and returns the exit code.
func (f *findings) finish(dir string, o output, check bool) int {
	if !check {
		notes, err := o.Commit()
		if err != nil {
			return fail(err, f.stderr)
		}
		return f.report(dir, notes)
	}
	diff := f.stdout
	if f.json {
		diff = io.Discard
	}
	differs, err := o.Diff(diff)
	if err != nil {
		return fail(err, f.stderr)
	}
	return f.report(dir, differs)
}

// report prints diagnostics and returns the exit code. Editors get an array whether or not anything was found.
func (f *findings) report(dir string, list []gen.Diagnostic) int {
	var err error
	if f.json {
		err = gen.WriteDiagnosticsJSON(f.stdout, dir, list)
	} else {
		err = gen.WriteDiagnostics(f.stderr, dir, list)
	}
	if f.github && err == nil {
		err = gen.WriteDiagnosticsGitHub(f.stdout, repository(dir), list)
	}
	switch {
	case err != nil:
		return fail(err, f.stderr)
	case slices.ContainsFunc(list, func(d gen.Diagnostic) bool { return !d.Note }):
		return exitFindings
	}
	return exitOK
}

// repository returns the root of the checkout that a job of GitHub Actions works in, and dir where that is none above it.
func repository(dir string) string {
	root := os.Getenv("GITHUB_WORKSPACE")
	if rel, err := filepath.Rel(root, dir); root == "" || err != nil || !filepath.IsLocal(rel) {
		return dir
	}
	return root
}
