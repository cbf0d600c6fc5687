package emulator_test

import (
	"fmt"
	"testing"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func batchRequest(requestID string, ids ...string) *cloudtaskspb.BatchCreateTasksRequest {
	req := &cloudtaskspb.BatchCreateTasksRequest{Parent: queueName, RequestId: requestID}
	for _, id := range ids {
		req.Requests = append(req.Requests, &cloudtaskspb.CreateTaskRequest{Parent: queueName, Task: named(id)})
	}
	return req
}

func taskNames(tasks []*cloudtaskspb.Task) []string {
	var names []string
	for _, task := range tasks {
		names = append(names, task.GetName())
	}
	return names
}

func testBatchCreateTasks(t *testing.T) {
	e := fresh(t, setup{real: true})
	e.pause(t)
	e.create(t, named("taken"))
	op, err := e.client.BatchCreateTasks(t.Context(), batchRequest("first", "a", "taken", "b", "no.id"))
	if err != nil {
		t.Fatal(err)
	}
	if !op.Done() {
		t.Error("the operation is not done")
	}
	// The same operation, asked for again by name and by request id.
	byName := e.client.BatchCreateTasksOperation(op.Name())
	again, err := e.client.BatchCreateTasks(t.Context(), batchRequest("first", "c"))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := op.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{named("a").GetName(), named("b").GetName()}
	if diff := cmp.Diff(want, taskNames(resp.GetTasks())); diff != "" {
		t.Errorf("created (-want +got):\n%s", diff)
	}
	for call, wait := range map[string]func() (*cloudtaskspb.BatchCreateTasksResponse, error){
		"GetOperation":        func() (*cloudtaskspb.BatchCreateTasksResponse, error) { return byName.Wait(t.Context()) },
		"the same request id": func() (*cloudtaskspb.BatchCreateTasksResponse, error) { return again.Wait(t.Context()) },
	} {
		resp, err := wait()
		if err != nil {
			t.Fatalf("%s: %v", call, err)
		}
		if diff := cmp.Diff(want, taskNames(resp.GetTasks())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", call, diff)
		}
	}
	meta, err := op.Metadata()
	if err != nil {
		t.Fatal(err)
	}
	if meta.GetState() != cloudtaskspb.BatchCreateTasksMetadata_PARTIALLY_SUCCEEDED || meta.GetStartTime() == nil || meta.GetEndTime() == nil {
		t.Errorf("metadata %v", meta)
	}
	failed := meta.GetFailedRequests()
	if len(failed) != 2 || codes.Code(failed[1].GetCode()) != codes.AlreadyExists || codes.Code(failed[3].GetCode()) != codes.InvalidArgument ||
		failed[1].GetMessage() != "Requested entity already exists" || len(failed[3].GetDetails()) != 1 {
		t.Errorf("failed requests %v", failed)
	}
}

func testBatchCreateWithoutASuccess(t *testing.T) {
	e := fresh(t, setup{real: true})
	e.pause(t)
	e.create(t, named("taken"))
	create, err := e.client.BatchCreateTasks(t.Context(), batchRequest("", "taken"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = create.Wait(t.Context())
	if st := status.Convert(err); st.Code() != codes.Aborted ||
		st.Message() != "None of the requests succeeded, refer to BatchCreateTasksMetadata.failed_requests for individual error details" {
		t.Errorf("create: %v", err)
	}
	if meta, err := create.Metadata(); err != nil || len(meta.GetFailedRequests()) != 1 || meta.GetState() != cloudtaskspb.BatchCreateTasksMetadata_FAILED {
		t.Errorf("create: metadata %v, %v", meta, err)
	}
}

func testBatchDeleteWithoutASuccess(t *testing.T) {
	e := fresh(t, setup{})
	remove, err := e.client.BatchDeleteTasks(t.Context(), &cloudtaskspb.BatchDeleteTasksRequest{Parent: queueName, Names: []string{named("never").GetName()}})
	if err != nil {
		t.Fatal(err)
	}
	err = remove.Wait(t.Context())
	if st := status.Convert(err); st.Code() != codes.Aborted ||
		st.Message() != "None of the requests succeeded, refer to BatchDeleteTasksMetadata.failed_requests for individual error details" {
		t.Errorf("delete: %v", err)
	}
	if meta, err := remove.Metadata(); err != nil || codes.Code(meta.GetFailedRequests()[0].GetCode()) != codes.NotFound || meta.GetState() != cloudtaskspb.BatchDeleteTasksMetadata_FAILED {
		t.Errorf("delete: metadata %v, %v", meta, err)
	}
}

func testBatchDeleteTasks(t *testing.T) {
	e := fresh(t, setup{real: true})
	e.pause(t)
	var names []string
	for i := range 3 {
		names = append(names, e.create(t, named(fmt.Sprint("t", i))).GetName())
	}
	op, err := e.client.BatchDeleteTasks(t.Context(), &cloudtaskspb.BatchDeleteTasksRequest{
		Parent: queueName, Names: []string{names[0], named("never").GetName(), names[2]}, RequestId: "r/1 ü",
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.client.BatchDeleteTasksOperation(op.Name()).Wait(t.Context()); err != nil {
		t.Error(err)
	}
	meta, err := op.Metadata()
	if err != nil || meta.GetState() != cloudtaskspb.BatchDeleteTasksMetadata_PARTIALLY_SUCCEEDED ||
		len(meta.GetFailedRequests()) != 1 || codes.Code(meta.GetFailedRequests()[1].GetCode()) != codes.NotFound {
		t.Errorf("metadata %v, %v", meta, err)
	}
	for i, want := range []codes.Code{codes.NotFound, codes.OK, codes.NotFound} {
		if _, err := e.client.GetTask(t.Context(), &cloudtaskspb.GetTaskRequest{Name: names[i]}); status.Code(err) != want {
			t.Errorf("%s: %v, want %v", names[i], err, want)
		}
	}
}
