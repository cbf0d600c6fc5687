package emulator_test

import (
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	cloudtasks "cloud.google.com/go/cloudtasks/apiv2"
	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/emulator"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// BenchmarkCreateTaskDurable compares CreateTask over gRPC, by 16 clients that each wait for their answers, of a queue in
// memory with that of a queue that has a directory. The two take turns of a thousand calls. What is reported of each is the
// median of its turns, and of each pair of turns the durable queue's rate in parts of the other's.
func BenchmarkCreateTaskDurable(b *testing.B) {
	const clients, turn = 16, 1000
	for _, connections := range []int{1, clients} {
		b.Run(fmt.Sprintf("connections=%d", connections), func(b *testing.B) {
			memory := newCreateBench(b, clients, connections)
			durable := newCreateBench(b, clients, connections, localqueue.WithDir(b.TempDir()))
			var inMemory, onDisk, ratios []float64
			b.ResetTimer()
			for range max(1, b.N/turn) {
				m, d := memory.run(b, turn), durable.run(b, turn)
				inMemory, onDisk, ratios = append(inMemory, m), append(onDisk, d), append(ratios, d/m)
			}
			b.ReportMetric(median(inMemory), "memory-tasks/s")
			b.ReportMetric(median(onDisk), "durable-tasks/s")
			b.ReportMetric(median(ratios), "durable/memory")
		})
	}
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// createBench is a queue behind the wire API, with clients that create tasks in it.
type createBench struct {
	clients []*cloudtasks.Client
	later   *timestamppb.Timestamp
}

func newCreateBench(b *testing.B, clients, connections int, opts ...localqueue.Option) *createBench {
	b.Helper()
	silent := slog.New(slog.DiscardHandler)
	queue, err := localqueue.New(append(opts, localqueue.WithLogger(silent), localqueue.WithQueues(resource.Queue{Name: queueName}))...)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { queue.Close() })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := emulator.Serve(queue, listener, emulator.WithLogger(silent))
	b.Cleanup(func() { server.Close() })
	c := &createBench{later: timestamppb.New(time.Now().Add(24 * time.Hour))}
	for i := range clients {
		if i < connections {
			c.clients = append(c.clients, dial(b, listener.Addr().String()))
		} else {
			c.clients = append(c.clients, c.clients[i%connections])
		}
	}
	return c
}

// run has the clients make that many calls together, and returns how many they made a second.
func (c *createBench) run(b *testing.B, calls int64) float64 {
	var made atomic.Int64
	var running sync.WaitGroup
	began := time.Now()
	for _, client := range c.clients {
		running.Go(func() {
			for made.Add(1) <= calls {
				_, err := client.CreateTask(b.Context(), &cloudtaskspb.CreateTaskRequest{Parent: queueName, Task: &cloudtaskspb.Task{
					ScheduleTime: c.later,
					MessageType:  &cloudtaskspb.Task_HttpRequest{HttpRequest: &cloudtaskspb.HttpRequest{Url: "http://localhost/", Body: make([]byte, 256)}},
				}})
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	running.Wait()
	return float64(calls) / time.Since(began).Seconds()
}
