package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

const (
	largeHeap     = 256 << 20 // bytes
	largeHeapGOGC = 50
	defaultGOGC   = 100
)

// tuneGC lowers GOGC while the live heap is large, unless the environment sets it. A queue with a million tasks then takes 1.5
// times the memory of its tasks instead of twice, and a small queue spends no more time on garbage collection.
func tuneGC() {
	if os.Getenv("GOGC") != "" {
		return
	}
	percent := defaultGOGC
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	var watch func(*[16]byte)
	watch = func(*[16]byte) {
		metrics.Read(live)
		want := defaultGOGC
		if live[0].Value.Kind() == metrics.KindUint64 && live[0].Value.Uint64() > largeHeap {
			want = largeHeapGOGC
		}
		if want != percent {
			percent = want
			debug.SetGCPercent(want)
		}
		runtime.SetFinalizer(new([16]byte), watch) // unreachable at once, so watch runs after the next collection
	}
	watch(nil)
}
