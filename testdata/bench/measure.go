package main

import (
	"math"
	"runtime"
	"slices"
	"time"
)

// A comparison is one operation on one payload, by every peer.
type comparison struct {
	name  string // such as "decode tiny"
	bytes int    // of the payload's JSON
	peers []contender
}

// A contender does the operation once.
type contender struct {
	peer string
	do   func()
}

type result struct {
	peer   string
	nanos  float64 // median
	speed  float64 // how many times that of the first contender, median of the rounds
	limit  float64 // how many times that of the codec by hand, median of the rounds; NaN where there is none
	allocs uint64
	bytes  uint64
}

// measure runs every contender in turn, round by round.
func (c comparison) measure(set settings) []result {
	if set.peers != nil {
		c.peers = slices.DeleteFunc(c.peers, func(p contender) bool { return p.peer != "encoding/json" && !slices.Contains(set.peers, p.peer) })
	}
	counts := make([]int, len(c.peers))
	for i, p := range c.peers {
		counts[i] = calibrate(p.do, set.slice)
	}
	nanos := make([][]float64, len(c.peers))
	for range set.rounds {
		for i, p := range c.peers {
			nanos[i] = append(nanos[i], perOp(p.do, counts[i]))
		}
	}
	hand := slices.IndexFunc(c.peers, func(p contender) bool { return p.peer == byHand })
	results := make([]result, len(c.peers))
	for i, p := range c.peers {
		r := result{peer: p.peer, nanos: median(nanos[i]), speed: median(ratios(nanos[0], nanos[i])), limit: math.NaN()}
		if hand >= 0 {
			r.limit = median(ratios(nanos[hand], nanos[i]))
		}
		r.allocs, r.bytes = allocations(p.do)
		results[i] = r
	}
	return results
}

// calibrate returns how often do can be called in about d.
func calibrate(do func(), d time.Duration) int {
	for n := 1; ; n *= 2 {
		start := time.Now()
		for range n {
			do()
		}
		if took := time.Since(start); took >= d/8 {
			return max(1, int(float64(n)*float64(d)/float64(took)))
		}
	}
}

func perOp(do func(), n int) float64 {
	runtime.GC() // so that nobody pays for the garbage of the one before
	start := cpuTime()
	for range n {
		do()
	}
	return float64(cpuTime()-start) / float64(n)
}

func allocations(do func()) (count, bytes uint64) {
	const n = 100
	var before, after runtime.MemStats
	do()
	runtime.ReadMemStats(&before)
	for range n {
		do()
	}
	runtime.ReadMemStats(&after)
	return (after.Mallocs - before.Mallocs) / n, (after.TotalAlloc - before.TotalAlloc) / n
}

// ratios returns a[i]/b[i].
func ratios(a, b []float64) []float64 {
	r := make([]float64, len(a))
	for i := range a {
		r[i] = a[i] / b[i]
	}
	return r
}

func median(values []float64) float64 {
	values = slices.Sorted(slices.Values(values))
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}
