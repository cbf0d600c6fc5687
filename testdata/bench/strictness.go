package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const suiteName = "JSONTestSuite"

// A judgement is what a peer makes of the files of JSONTestSuite when it decodes them into an any.
type judgement struct {
	peer               string
	accepted, rejected []string // n_ files, y_ files
}

func judgements(suite string, extra map[string]experimentResult) ([]judgement, error) {
	var all []judgement
	for _, p := range append(libraries(), easyJSON(), peer{name: ours, unmarshal: unmarshalOurs}) {
		accepted, rejected, err := judge(p.unmarshal, suite)
		if err != nil {
			return nil, err
		}
		all = append(all, judgement{p.name, accepted, rejected})
	}
	if child, ok := extra[suiteName]; ok {
		all = append(all, judgement{v2, child.Accepted, child.Rejected})
	}
	return all, nil
}

// invalid returns how many invalid files the peer accepts. The codecs by hand decode no any; what they make of the files as
// a field that they do not know is what the generated ones make of them, as the tests of package byhand check.
func invalid(all []judgement, peer string) string {
	i := slices.IndexFunc(all, func(j judgement) bool { return j.peer == peer })
	if i < 0 {
		return "-"
	}
	return strconv.Itoa(len(all[i].accepted))
}

func printStrictness(w io.Writer, all []judgement) {
	fmt.Fprintf(w, "\nJSONTestSuite\tinvalid files accepted\tvalid files rejected\tsome of them\n")
	for _, j := range all {
		some := slices.Concat(j.accepted, j.rejected)
		fmt.Fprintf(w, "%s\t%d\t%d\t%s\n", j.peer, len(j.accepted), len(j.rejected), strings.Join(some[:min(4, len(some))], ", "))
	}
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
