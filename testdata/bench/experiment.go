package main

import (
	"encoding/json"
	"io"
	"os"
	"slices"
	"strings"
)

const v2 = "encoding/json/v2"

// An experimentResult is how encoding/json/v2 fared in a process of its own.
type experimentResult struct {
	Nanos, Speed  float64 // Speed is relative to ours
	Allocs, Bytes uint64
	Accepted      []string // n_ files of JSONTestSuite
	Rejected      []string // y_ files
}

// scaled is r as a result beside those of the parent process.
func (r experimentResult) scaled(results []result) result {
	i := slices.IndexFunc(results, func(r result) bool { return r.peer == ours })
	us := results[i]
	return result{
		peer: v2, nanos: us.nanos / r.Speed, speed: us.speed * r.Speed, limit: us.limit * r.Speed,
		allocs: r.Allocs, bytes: r.Bytes,
	}
}

// printRatios measures encoding/json/v2 and us, and prints JSON for the parent process.
func printRatios(w io.Writer, set settings, suite string) error {
	all := make(map[string]experimentResult)
	for _, c := range cases() {
		if !strings.Contains(c.name, set.only) {
			continue
		}
		c.peers = slices.DeleteFunc(c.peers, func(p contender) bool { return p.peer != v2 && p.peer != ours })
		slices.SortFunc(c.peers, func(a, b contender) int { return strings.Compare(a.peer, b.peer) })
		r := c.measure(set)[1] // after ours, whose name comes first
		all[c.name] = experimentResult{Nanos: r.nanos, Speed: r.speed, Allocs: r.allocs, Bytes: r.bytes}
	}
	accepted, rejected, err := judge(experimental()[0].unmarshal, suite)
	if err != nil {
		return err
	}
	all[suiteName] = experimentResult{Accepted: accepted, Rejected: rejected}
	return json.NewEncoder(os.Stdout).Encode(all)
}
