//go:build unix

package localqueue_test

import (
	"syscall"
	"testing"
	"time"
)

// reportCPU reports the processor time that f's runs take, in milliseconds each: on a machine with other work to do it
// says more than the time that passes.
func reportCPU(b *testing.B, f func()) {
	before := processorTime(b)
	f()
	b.ReportMetric(float64((processorTime(b)-before).Microseconds())/1e3/float64(b.N), "cpu-ms/op")
}

func processorTime(t testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
