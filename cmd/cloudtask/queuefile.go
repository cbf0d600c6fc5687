package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// readFile parses queues from a file; the name "-" is standard input. It adds the file's name to notes and errors.
func readFile(name string, parse func([]byte) ([]resource.Queue, []string, error)) (queues []resource.Queue, notes []string, err error) {
	var data []byte
	if name == "-" {
		name = "standard input"
		data, err = io.ReadAll(os.Stdin)
	} else {
		data, err = os.ReadFile(name)
	}
	if err != nil {
		return nil, nil, err
	}
	queues, notes, err = parse(data)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	for i, note := range notes {
		notes[i] = name + ": " + note
	}
	return queues, notes, nil
}

// route is a task in the output of "cloudtaskgen list -json".
type route struct {
	Name  string `json:"name"`
	Queue string `json:"queue"`
}

// queuesOfRoutes parses the output of "cloudtaskgen list -json" and returns the queues that the tasks' directives name. notes tells
// of tasks whose directives name none.
func queuesOfRoutes(data []byte) (queues []resource.Queue, notes []string, err error) {
	var routes []route
	if err := json.Unmarshal(data, &routes); err != nil {
		return nil, nil, fmt.Errorf("not the output of \"cloudtaskgen list -json\": %w", err)
	}
	seen := make(map[string]bool)
	var unnamed []string
	for _, r := range routes {
		switch {
		case r.Name == "":
			return nil, nil, errors.New("not the output of \"cloudtaskgen list -json\": an element has no name")
		case r.Queue == "":
			unnamed = append(unnamed, r.Name)
		case !seen[r.Queue]:
			seen[r.Queue] = true
			queues = append(queues, resource.Queue{Name: r.Queue})
		}
	}
	if len(unnamed) > 0 {
		notes = append(notes, "the directives of "+strings.Join(unnamed, ", ")+" name no queue: they use the client's default queue, which -queue can create")
	}
	return queues, notes, nil
}
