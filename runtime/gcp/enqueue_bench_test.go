//go:build unix

package gcp_test

import (
	"context"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	cloudtasks "cloud.google.com/go/cloudtasks/apiv2"
	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/gcp"
	"github.com/cloudtaskgen/cloudtaskgen/testdata/codec/payloads"
)

// BenchmarkEnqueue is the processor time and the allocations of a generated enqueue function, next to those of the
// official client's CreateTask with a request of the same bytes, which has the payload's JSON already. The two take turns
// within each run, so that whatever else the machine does befalls both; what is reported is the median of the turns.
//
// Each call comes after system calls, so that little of it is in the processor's caches: encoding the order takes several
// times as long here as in a loop of its own. "encoding the order" is the share of that: the official client's call after it.
func BenchmarkEnqueue(b *testing.B) {
	bare, client := connectNoop(b)
	tiny, order := payloads.NewTiny(), payloads.NewOrder()
	b.Run("tiny", func(b *testing.B) {
		compareEnqueue(b, bareCreate(b, bare, "Tiny", tiny, payloads.AppendTiny), func() error {
			_, err := payloads.EnqueueTinyAsap(context.Background(), client, *tiny)
			return err
		})
	})
	b.Run("order", func(b *testing.B) {
		compareEnqueue(b, bareCreate(b, bare, "MeasuredOrder", order, payloads.AppendOrder), func() error {
			_, err := payloads.EnqueueOrderAsap(context.Background(), client, *order)
			return err
		})
	})
	b.Run("encoding the order", func(b *testing.B) {
		create := bareCreate(b, bare, "MeasuredOrder", order, payloads.AppendOrder)
		var buf []byte
		compareEnqueue(b, create, func() (err error) {
			if buf, err = payloads.AppendOrder(buf[:0], order); err != nil {
				return err
			}
			return create()
		})
	})
}

// TestEnqueueAllocations checks that a generated enqueue function allocates at most eight times more often than the official
// client's CreateTask by itself.
func TestEnqueueAllocations(t *testing.T) {
	bare, client := connectNoop(t)
	tiny := payloads.NewTiny()
	allocations := func(call func() error) float64 {
		return testing.AllocsPerRun(200, func() {
			if err := call(); err != nil {
				t.Fatal(err)
			}
		})
	}
	base := allocations(bareCreate(t, bare, "Tiny", tiny, payloads.AppendTiny))
	n := allocations(func() error {
		_, err := payloads.EnqueueTinyAsap(context.Background(), client, *tiny)
		return err
	})
	if n > base+8 {
		t.Errorf("enqueueing allocates %v times, the official client %v times", n, base)
	}
}

// connectNoop returns the official client, and ours, both connected to a server that does nothing.
func connectNoop(t testing.TB) (*cloudtasks.Client, *cloudtask.Client) {
	t.Helper()
	addr := startNoop(t)
	opts := []option.ClientOption{
		option.WithEndpoint(addr),
		option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())),
	}
	bare, err := cloudtasks.NewClient(t.Context(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	cfg := cloudtask.Config{Project: "p", Location: "l", Queue: "q", BaseURL: "https://worker.example.com", InsecureNoAuth: true}
	backend, err := gcp.NewBackend(t.Context(), cfg, opts...)
	if err != nil {
		t.Fatal(err)
	}
	client, err := cloudtask.NewClient(backend, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { bare.Close(); client.Close() })
	return bare, client
}

// bareCreate is what a program does that uses the official client itself.
func bareCreate[T any](t testing.TB, client *cloudtasks.Client, name string, task *T, appendT func([]byte, *T) ([]byte, error)) func() error {
	body, err := appendT(nil, task)
	if err != nil {
		t.Fatal(err)
	}
	return func() error {
		_, err := client.CreateTask(context.Background(), &cloudtaskspb.CreateTaskRequest{
			Parent: "projects/p/locations/l/queues/q",
			Task: &cloudtaskspb.Task{
				MessageType: &cloudtaskspb.Task_HttpRequest{HttpRequest: &cloudtaskspb.HttpRequest{
					Url:        "https://worker.example.com/tasks/" + name,
					HttpMethod: cloudtaskspb.HttpMethod_POST,
					Headers:    map[string]string{"Content-Type": "application/json", "Cloudtask-Timeout": "10m0s"},
					Body:       body,
				}},
				DispatchDeadline: durationpb.New(10 * time.Minute),
			},
			ResponseView: cloudtaskspb.Task_BASIC,
		})
		return err
	}
}

func compareEnqueue(b *testing.B, sides ...func() error) {
	const turn = 500
	names := []string{"bare", "enqueue"}
	cpu := [2][]float64{} // ns of one call, by turn
	allocs := [2][]float64{}
	measure := func(i, n int) {
		var before, after runtime.MemStats
		runtime.GC() // so that neither pays for the other's garbage
		runtime.ReadMemStats(&before)
		start := processorTime(b)
		for range n {
			if err := sides[i](); err != nil {
				b.Fatal(err)
			}
		}
		cpu[i] = append(cpu[i], float64(processorTime(b)-start)/float64(n))
		runtime.ReadMemStats(&after)
		allocs[i] = append(allocs[i], float64(after.Mallocs-before.Mallocs)/float64(n))
	}
	b.ResetTimer()
	for done, first := 0, 0; done < b.N; done, first = done+turn, 1-first {
		n := min(turn, b.N-done)
		measure(first, n)
		measure(1-first, n)
	}
	ratios := make([]float64, len(cpu[0]))
	for i := range ratios {
		ratios[i] = cpu[1][i] / cpu[0][i]
	}
	for i, name := range names {
		b.ReportMetric(median(cpu[i]), name+"-cpu-ns/op")
		b.ReportMetric(median(allocs[i]), name+"-allocs/op")
	}
	b.ReportMetric(median(ratios), "×bare")
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
