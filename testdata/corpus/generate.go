package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// generate generates the code of all tasks but the ones that the generator refuses. It has to report all of those in its
// first run: a second one that reports more is an error.
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
		return fmt.Errorf("the generator exits with %d:\n%s", code, findings)
	}
	if err := c.noteRefused(packages, findings); err != nil {
		return err
	}
	for _, p := range packages {
		if err := c.writeTasks(p); err != nil {
			return err
		}
	}
	if findings, code, err = output(c.dir, c.generator, "./..."); err == nil && code != 0 {
		return fmt.Errorf("the second run, without the tasks that the first one refuses, exits with %d:\n%s", code, findings)
	}
	return err
}

var finding = regexp.MustCompile(`^(p\d+)/tasks\.go:(\d+):\d+: (.*)$`)

// noteRefused notes in packages which tasks the findings are about.
func (c *corpus) noteRefused(packages []*taskPackage, findings string) error {
	owners := make(map[string][]*string) // by package, where to note the findings at each line of its tasks.go
	for _, p := range packages {
		text, err := os.ReadFile(filepath.Join(c.dir, p.dir, "tasks.go"))
		if err != nil {
			return err
		}
		owners[p.dir] = p.owners(string(text))
	}
	for line := range strings.Lines(findings) {
		m := finding.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if m == nil {
			return fmt.Errorf("not a finding in a tasks.go: %s", line)
		}
		n, err := strconv.Atoi(m[2])
		if err != nil || n >= len(owners[m[1]]) || owners[m[1]][n] == nil {
			return fmt.Errorf("not the line of a task: %s", line)
		}
		if refused := owners[m[1]][n]; *refused == "" {
			*refused = m[3]
		}
	}
	return nil
}

// owners returns for each line of p's tasks.go, counted from 1, where it is noted that the task on that line is refused.
func (p *taskPackage) owners(text string) []*string {
	tasks := make(map[string]*string)
	for _, t := range p.payloads {
		for i, w := range ways {
			tasks[w.name+t.name] = &t.refused[i]
		}
	}
	owners := []*string{nil}
	var owner *string
	for line := range strings.Lines(text) {
		if comment, ok := strings.CutPrefix(line, "// "); ok {
			name, _, _ := strings.Cut(comment, " ")
			owner = tasks[name]
		}
		owners = append(owners, owner)
	}
	return owners
}

const refusedFile = "refused.txt"

// checkRefused compares the refused tasks with refused.txt, whose lines are sorted.
func (c *corpus) checkRefused(packages []*taskPackage) error {
	got := make(map[string]bool)
	tried := make(map[string]bool)
	for _, p := range packages {
		for _, t := range p.payloads {
			tried[p.path+"."+t.name] = true
			for i, w := range ways {
				// A lenient field is refused for the reasons of any other, and where the tag has no effect, which is no fault.
				if reason := t.refused[i]; reason != "" && !(i == lenient && (t.refused[0] != "" || strings.Contains(reason, "has no effect"))) {
					got[fmt.Sprintf("%s.%s: %s: %s", p.path, t.name, strings.ToLower(w.name), reason)] = true
				}
			}
		}
	}
	fmt.Printf("%d tasks are refused\n", len(got))
	if c.update {
		lines := slices.Sorted(maps.Keys(got))
		return os.WriteFile(refusedFile, []byte(strings.Join(lines, "\n")+"\n"), 0o666)
	}
	text, err := os.ReadFile(refusedFile)
	if err != nil {
		return err
	}
	var differences []string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		name, _, _ := strings.Cut(line, ": ")
		if !got[line] && (c.whole() || tried[name]) {
			differences = append(differences, "- "+line)
		}
		delete(got, line)
	}
	for _, line := range slices.Sorted(maps.Keys(got)) {
		differences = append(differences, "+ "+line)
	}
	if len(differences) > 0 {
		return fmt.Errorf("differences from %s:\n%s", refusedFile, strings.Join(differences, "\n"))
	}
	return nil
}

// checkLock writes a lock of all payloads and checks that nothing differs from it.
func (c *corpus) checkLock() error {
	for _, args := range [][]string{{"lock"}, {"lock", "-check"}} {
		if findings, code, err := output(c.dir, c.generator, args...); err != nil || code != 0 {
			return errors.Join(err, fmt.Errorf("cloudtaskgen %s exits with %d:\n%s", strings.Join(args, " "), code, findings))
		}
	}
	info, err := os.Stat(filepath.Join(c.dir, "cloudtask.lock.json"))
	if err != nil {
		return err
	}
	fmt.Printf("the lock has %.1f MB\n", float64(info.Size())/1e6)
	return nil
}
