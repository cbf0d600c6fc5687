// Command corpus tries the generator and its codecs on public types. The exported structs of the packages in sources.go
// become payloads: as fields, as elements, behind pointers, embedded, and lenient. The program generates code for them, vets
// it, locks the payloads, and compares the codecs with encoding/json. The types that the generator refuses are listed in
// refused.txt with the reasons.
//
// It runs in its own directory and writes to a temporary one.
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
	flag.BoolVar(&c.sample, "sample", false, "try only the packages marked sample, and a fifth of their structs")
	flag.StringVar(&c.only, "only", "", "try only the packages whose path contains `text`")
	flag.StringVar(&c.dir, "dir", "", "write the module of tasks to this `directory` and keep it")
	flag.BoolVar(&c.update, "update", false, "write refused.txt")
	flag.StringVar(&c.compareFlags, "compare", "", "`flags` of the comparison, such as \"-values 100 -damages 20\"")
	flag.Parse()
	if err := c.run(); err != nil {
		log.Fatal(err)
	}
}

// A corpus is one run of the program.
type corpus struct {
	sample       bool
	only         string
	dir          string // the module of tasks
	update       bool
	compareFlags string

	here, root string // the directories of this module and of the project
	generator  string // cloudtaskgen
}

// whole reports whether all packages are tried.
func (c *corpus) whole() bool { return !c.sample && c.only == "" }

func (c *corpus) run() error {
	if c.update && !c.whole() {
		return errors.New("-update needs all packages: drop -sample and -only")
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
		{"write tasks", func() error { return c.writeModule(packages) }},
		{"generate", func() error { return c.generate(packages) }},
		{"refused types", func() error { return c.checkRefused(packages) }},
		{"vet", func() error { return command(c.dir, "go", "vet", "./...") }},
		{"lock", c.checkLock},
		{"compare with encoding/json", func() error {
			return command(c.dir, "go", append([]string{"run", "./compare"}, strings.Fields(c.compareFlags)...)...)
		}},
	} {
		start := time.Now()
		if err := step.do(); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		log.Printf("%s: %.1f s", step.name, time.Since(start).Seconds())
	}
	return nil
}

// command runs a program in dir and shows what it prints.
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
