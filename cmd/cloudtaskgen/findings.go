package main

import (
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/cloudtaskgen/cloudtaskgen/cmd/internal/cli"
	"github.com/cloudtaskgen/cloudtaskgen/gen/diag"
)

// findings prints diagnostics in the form that flags choose.
type findings struct {
	std          cli.Streams
	json, github bool
}

func (f *findings) addFlags(flags *flag.FlagSet) {
	flags.BoolVar(&f.json, "json", false, "for editors: print what is found as a JSON array on standard output, and nothing else")
	flags.BoolVar(&f.github, "github", false, "for GitHub Actions: print what is found as annotations too, on standard output")
}

// start begins a command once its flags are parsed.
func (f *findings) start(std cli.Streams) error {
	f.std = std
	if f.json && f.github {
		return errors.New("-json and -github exclude each other")
	}
	return nil
}

// An output is what a command writes, or compares with what is there.
type output interface {
	Commit() (notes []diag.Diagnostic, err error)
	Diff(w io.Writer) ([]diag.Diagnostic, error)
}

// finish writes output, or checks it.
func (f *findings) finish(dir string, o output, check bool) error {
	if !check {
		notes, err := o.Commit()
		if err != nil {
			return err
		}
		return f.report(dir, notes)
	}
	diff := f.std.Out
	if f.json {
		diff = io.Discard
	}
	differs, err := o.Diff(diff)
	if err != nil {
		return err
	}
	return f.report(dir, differs)
}

// report prints diagnostics. Editors get an array whether or not anything was found. The error is an exit code unless all are notes.
func (f *findings) report(dir string, list []diag.Diagnostic) error {
	var err error
	if f.json {
		err = diag.WriteJSON(f.std.Out, dir, list)
	} else {
		err = diag.Write(f.std.Err, dir, list)
	}
	if f.github && err == nil {
		err = diag.WriteGitHub(f.std.Out, repository(dir), list)
	}
	if err == nil && slices.ContainsFunc(list, func(d diag.Diagnostic) bool { return !d.Note }) {
		return cli.Exit(exitFindings)
	}
	return err
}

// repository returns the root of the checkout that a job of GitHub Actions works in, and dir where that is none above it.
func repository(dir string) string {
	root := os.Getenv("GITHUB_WORKSPACE")
	if rel, err := filepath.Rel(root, dir); root == "" || err != nil || !filepath.IsLocal(rel) {
		return dir
	}
	return root
}
