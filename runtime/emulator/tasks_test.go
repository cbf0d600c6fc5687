package emulator_test

import (
	"fmt"
	"testing"
	"time"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
)

// Clients that are not Google's refuse answers of more than gRPC's default 4 MiB.
func TestPagesFitGRPCsDefaultLimit(t *testing.T) {
	t.Parallel()
	e := serve(t, localqueue.WithVirtualClock(time.Unix(1e9, 0)))
	want := make(map[string]bool)
	const largest = 1_048_569 // bytes of a stored task
	room := 0                 // for the body
	for i := range 9 {
		task := named(fmt.Sprint("t", i))
		task.GetHttpRequest().Body = make([]byte, 100_000+room)
		created, err := e.client.CreateTask(t.Context(), &cloudtaskspb.CreateTaskRequest{Parent: queueName, Task: task, ResponseView: cloudtaskspb.Task_FULL})
		if err != nil {
			t.Fatal(err)
		}
		want[created.GetName()] = true
		if i == 0 {
			room = largest - proto.Size(created)
		} else if size := proto.Size(created); size < largest-8 {
			t.Fatalf("a task of %d bytes is not the largest", size)
		}
	}
	conn, err := grpc.NewClient(e.addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	client := cloudtaskspb.NewCloudTasksClient(conn)
	got := make(map[string]bool)
	req := &cloudtaskspb.ListTasksRequest{Parent: queueName, ResponseView: cloudtaskspb.Task_FULL}
	for {
		resp, err := client.ListTasks(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		for _, task := range resp.GetTasks() {
			got[task.GetName()] = true
		}
		if req.PageToken = resp.GetNextPageToken(); req.PageToken == "" {
			break
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tasks (-want +got):\n%s", diff)
	}
}
