package main

import (
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// generate writes the code of all tasks. What the generator refuses is left out and noted, which it has to tell of all at
// once: a second run that refuses more is an error.
func (c *corpus) generate(packages []*taskPackage) error {
	c.generator = filepath.Join(c.dir, "bin", "cloudtaskgen")
	if err := command(c.root, "go", "build", "-o", c.generator, "./cmd/cloudtaskgen"); err != nil {
		return err
	}
	findings, code, err := output(c.dir, c.generator, "./...")
	if err != nil || code == 0 {
		return err
	}
	if code != 1 {
		return fmt.Errorf("the generator ends with %d:\n%s", code, findings)
	}
	if err := c.note(packages, findings); err != nil {
		return err
	}
	for _, p := range packages {
		if err := c.writeTasks(p); err != nil {
			return err
		}
	}
	if findings, code, err = output(c.dir, c.generator, "./..."); err == nil && code != 0 {
		return fmt.Errorf("what the first run left is refused by the second, which ends with %d:\n%s", code, findings)
	}
	return err
}

// taskNumber matches the name of a task. Its number depends on how many types are tried.
var taskNumber = regexp.MustCompile(`\b(Held|Embeds|Lenient)\d+\b`)

var finding = regexp.MustCompile(`^(p\d+)/tasks\.go:(\d+):\d+: (.*)$`)

// note notes which tasks the findings are about.
func (c *corpus) note(packages []*taskPackage, findings string) error {
	byDir := make(map[string]*taskPackage)
	owners := make(map[string][]string) // by package, the task that each line of tasks.go belongs to
	for _, p := range packages {
		byDir[p.dir] = p
		text, err := os.ReadFile(filepath.Join(c.dir, p.dir, "tasks.go"))
		if err != nil {
			return err
		}
		owners[p.dir] = ownersOf(string(text))
	}
	for line := range strings.Lines(findings) {
		m := finding.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if m == nil {
			return fmt.Errorf("not a finding of a task: %s", line)
		}
		n, err := strconv.Atoi(m[2])
		if err != nil || n >= len(owners[m[1]]) {
			return errors.Join(err, fmt.Errorf("no task stands at %s", line))
		}
		way, i, err := parseTask(owners[m[1]][n])
		if err != nil {
			return fmt.Errorf("%w: %s", err, line)
		}
		if refused := &byDir[m[1]].types[i].refused[way]; *refused == "" {
			*refused = taskNumber.ReplaceAllString(m[3], "$1")
		}
	}
	return nil
}

// ownersOf returns for each line of a file of tasks, counted from 1, the task that is declared there.
func ownersOf(text string) []string {
	owners := []string{""}
	task := ""
	for line := range strings.Lines(text) {
		if comment, ok := strings.CutPrefix(line, "// "); ok {
			task, _, _ = strings.Cut(comment, " ")
		}
		owners = append(owners, task)
	}
	return owners
}

// parseTask is the reverse of a task's name.
func parseTask(name string) (way, i int, err error) {
	for way, prefix := range taskNames {
		if digits, ok := strings.CutPrefix(name, prefix); ok {
			i, err := strconv.Atoi(digits)
			return way, i, err
		}
	}
	return 0, 0, fmt.Errorf("%q is no task", name)
}

const refusedFile = "refused.txt"

// noEffect is in the finding of a tag for what is decoded in one way only, with it or without.
const noEffect = `cloudtask:"lenient" has no effect`

// checkRefused compares what was refused with refused.txt, whose lines are sorted.
func (c *corpus) checkRefused(packages []*taskPackage) error {
	var got []string
	tasks := 0
	for _, p := range packages {
		for _, t := range p.types {
			for way, reason := range t.refused {
				if strings.Contains(reason, noEffect) {
					continue
				}
				tasks++
				if reason != "" {
					got = append(got, fmt.Sprintf("%s.%s, %s: %s", p.path, t.name, strings.ToLower(taskNames[way]), reason))
				}
			}
		}
	}
	slices.Sort(got)
	log.Printf("%d of %d tasks are refused", len(got), tasks)
	if c.update {
		return os.WriteFile(refusedFile, []byte(strings.Join(got, "\n")+"\n"), 0o666)
	}
	text, err := os.ReadFile(refusedFile)
	if err != nil {
		return err
	}
	known := strings.Split(string(text), "\n")
	var surprises []string
	for _, line := range got {
		if !slices.Contains(known, line) {
			surprises = append(surprises, line)
		}
	}
	if len(surprises) > 0 {
		return fmt.Errorf("not in %s:\n%s", refusedFile, strings.Join(surprises, "\n"))
	}
	return nil
}
