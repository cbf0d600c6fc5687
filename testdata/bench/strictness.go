package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const suiteName = "JSONTestSuite"

// printStrictness prints what each peer makes of the files of JSONTestSuite when it decodes them into an any.
func printStrictness(w io.Writer, suite string, extra map[string]experimentResult) error {
	fmt.Fprintf(w, "\nJSONTestSuite\tinvalid files accepted\tvalid files rejected\tsome of them\n")
	peers := append(libraries(), easyJSON(), peer{name: ours, unmarshal: unmarshalOurs})
	for _, p := range peers {
		accepted, rejected, err := judge(p.unmarshal, suite)
		if err != nil {
			return err
		}
		printJudgement(w, p.name, accepted, rejected)
	}
	if child, ok := extra[suiteName]; ok {
		printJudgement(w, v2, child.Accepted, child.Rejected)
	}
	return nil
}

func printJudgement(w io.Writer, name string, accepted, rejected []string) {
	some := slices.Concat(accepted, rejected)
	fmt.Fprintf(w, "%s\t%d\t%d\t%s\n", name, len(accepted), len(rejected), strings.Join(some[:min(4, len(some))], ", "))
}

// judge returns the n_ files that are accepted and the y_ files that are not.
func judge(unmarshal func(data []byte, v any) error, suite string) (accepted, rejected []string, err error) {
	files, err := filepath.Glob(filepath.Join(suite, "[ny]_*.json"))
	if err != nil || len(files) < 200 {
		return nil, nil, fmt.Errorf("found %d files in %s, error %v", len(files), suite, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, nil, err
		}
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		switch ok := accepts(unmarshal, data); {
		case ok && name[0] == 'n':
			accepted = append(accepted, name)
		case !ok && name[0] == 'y':
			rejected = append(rejected, name)
		}
	}
	return accepted, rejected, nil
}

// accepts reports whether there is no error; a panic counts as one.
func accepts(unmarshal func(data []byte, v any) error, data []byte) (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	var v any
	return unmarshal(data, &v) == nil
}
