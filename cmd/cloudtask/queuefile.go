package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// readFile reads queues with parse; the name "-" is standard input. Notes and errors get the file's name.
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

// route is what is read of a task in the output of cloudtaskgen list -json.
type route struct {
	Name  string `json:"name"`
	Queue string `json:"queue"`
}

// queuesOfRoutes returns the queues that the directives of tasks name, and tells of the tasks that name none.
func queuesOfRoutes(data []byte) (queues []resource.Queue, notes []string, err error) {
	var routes []route
	if err := json.Unmarshal(data, &routes); err != nil {
		return nil, nil, fmt.Errorf("this is not the output of cloudtaskgen list -json: %w", err)
	}
	seen := make(map[string]bool)
	var unnamed []string
	for _, r := range routes {
		switch {
		case r.Name == "":
			return nil, nil, fmt.Errorf("this is not the output of cloudtaskgen list -json: an element has no name")
		case r.Queue == "":
			unnamed = append(unnamed, r.Name)
		case !seen[r.Queue]:
			seen[r.Queue] = true
			queues = append(queues, resource.Queue{Name: r.Queue})
		}
	}
	if len(unnamed) > 0 {
		notes = append(notes, "no directive names the queue of "+strings.Join(unnamed, ", ")+": theirs is the client's default, which -queue can define")
	}
	return queues, notes, nil
}
