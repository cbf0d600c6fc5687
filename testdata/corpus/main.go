// Command corpus tries the generator and its codecs on other people's types: the exported structs of the packages in
// sources.go become payloads, as fields, elements and embedded. It generates code for them, vets it, and compares it with
// encoding/json. What the generator refuses must be in refused.txt, with the reason.
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	log.SetFlags(0)
	var c corpus
	flag.BoolVar(&c.sample, "sample", false, "only the packages marked as sample, and fewer types of each")
	flag.IntVar(&c.perPackage, "types", 0, "structs of a package at most; 0: 60, of a sample 12")
	flag.StringVar(&c.only, "only", "", "packages whose path has this in it")
	flag.StringVar(&c.dir, "dir", "", "where to write the module of tasks, which is kept then")
	flag.BoolVar(&c.update, "update", false, "write refused.txt")
	flag.StringVar(&c.flags, "compare", "", "flags of the comparison, such as \"-values 100 -damages 20\"")
	flag.Parse()
	if err := c.run(); err != nil {
		log.Fatal(err)
	}
}

// A corpus is one trial.
type corpus struct {
	sample     bool
	perPackage int
	only       string
	dir        string // the module of tasks
	update     bool
	flags      string

	here, root string // this module and the one it tries
	generator  string // cloudtaskgen
}

func (c *corpus) run() error {
	if c.perPackage == 0 {
		c.perPackage = 60
		if c.sample {
			c.perPackage = 12
		}
	}
	var err error
	if c.here, err = os.Getwd(); err != nil {
		return err
	}
	c.root = filepath.Join(c.here, "..", "..")
	if c.dir == "" {
		if c.dir, err = os.MkdirTemp("", "corpus"); err != nil {
			return err
		}
		defer os.RemoveAll(c.dir)
	}
	if c.dir, err = filepath.Abs(c.dir); err != nil {
		return err
	}

	var packages []*taskPackage
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"find types", func() (err error) { packages, err = c.find(); return err }},
		{"write tasks", func() error { return c.module(packages) }},
		{"generate", func() error { return c.generate(packages) }},
		{"vet", func() error { return command(c.dir, "go", "vet", "./...") }},
		{"compare with encoding/json", func() error {
			return command(c.dir, "go", append([]string{"run", "./compare"}, strings.Fields(c.flags)...)...)
		}},
		{"what is refused", func() error { return c.checkRefused(packages) }},
	} {
		start := time.Now()
		if err := step.do(); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		log.Printf("%s: %.1f s", step.name, time.Since(start).Seconds())
	}
	return nil
}

// command runs a program in dir, with what it prints shown.
func command(dir, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return nil
}

// output runs a program in dir and returns what it prints and its exit code.
func output(dir, name string, args ...string) (string, int, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return string(out), exit.ExitCode(), nil
	}
	return string(out), 0, err
}
