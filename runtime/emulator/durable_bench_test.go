package emulator_test

import (
	"fmt"
	"net"
	"runtime"
	"testing"
	"time"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/emulator"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
)

// BenchmarkCreateTaskDurable compares CreateTask over gRPC, by 16 clients that each wait for their answer, with a queue in
// memory and with one that has a directory.
func BenchmarkCreateTaskDurable(b *testing.B) {
	for _, durable := range []bool{false, true} {
		b.Run(fmt.Sprintf("durable=%v", durable), func(b *testing.B) {
			opts := []localqueue.Option{localqueue.WithQueues(localqueue.Queue{Name: queueName})}
			if durable {
				opts = append(opts, localqueue.WithDir(b.TempDir()))
			}
			queue, err := localqueue.New(opts...)
			if err != nil {
				b.Fatal(err)
			}
			defer queue.Close()
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			server := emulator.Serve(queue, listener)
			defer server.Close()
			client := dial(b, listener.Addr().String())
			later := timestamppb.New(time.Now().Add(time.Hour))
			b.SetParallelism(16 / runtime.GOMAXPROCS(0))
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					_, err := client.CreateTask(b.Context(), &cloudtaskspb.CreateTaskRequest{Parent: queueName, Task: &cloudtaskspb.Task{
						ScheduleTime: later,
						MessageType:  &cloudtaskspb.Task_HttpRequest{HttpRequest: &cloudtaskspb.HttpRequest{Url: "http://localhost/", Body: make([]byte, 256)}},
					}})
					if err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tasks/s")
		})
	}
}
