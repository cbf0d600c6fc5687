//go:build !goexperiment.jsonv2

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
)

// In a program that is built with GOEXPERIMENT=jsonv2, encoding/json is another one, which could not be what all are
// compared with. So a child that is built with it compares encoding/json/v2 with us.

func experimental() []peer { return nil }

// experiment runs the child and returns what it measured, by case.
func experiment(set settings) (map[string]experimentResult, error) {
	cmd := exec.Command("go", "run", ".", "-child", "-rounds", strconv.Itoa(set.rounds), "-slice", set.slice.String(), "-only", set.only)
	cmd.Env = append(os.Environ(), "GOEXPERIMENT=jsonv2")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("run with GOEXPERIMENT=jsonv2: %w", err)
	}
	var results map[string]experimentResult
	return results, json.Unmarshal(out, &results)
}
