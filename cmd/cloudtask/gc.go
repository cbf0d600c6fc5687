package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

const (
	manyLive    = 256 << 20 // bytes
	fewGarbage  = 50        // per cent of what is live
	muchGarbage = 100       // Go's default
)

// boundGarbage has less garbage gather while much is alive: a queue with a million tasks then takes half as much again
// as they do, not twice as much, and one with few pays nothing for it. A setting of GOGC is left alone.
func boundGarbage() {
	if os.Getenv("GOGC") != "" {
		return
	}
	percent := muchGarbage
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	var watch func(*[16]byte)
	watch = func(*[16]byte) {
		metrics.Read(live)
		want := muchGarbage
		if live[0].Value.Kind() == metrics.KindUint64 && live[0].Value.Uint64() > manyLive {
			want = fewGarbage
		}
		if want != percent {
			percent = want
			debug.SetGCPercent(want)
		}
		runtime.SetFinalizer(new([16]byte), watch) // garbage at once: called after the next collection
	}
	watch(nil)
}
