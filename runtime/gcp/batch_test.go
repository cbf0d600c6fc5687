package gcp_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	"github.com/google/go-cmp/cmp"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

const operationName = "projects/p/locations/l/operations/o1"

func pack(t *testing.T, m proto.Message) *anypb.Any {
	t.Helper()
	packed, err := anypb.New(m)
	if err != nil {
		t.Fatal(err)
	}
	return packed
}

// outcome is a batch result in a form that compares: the name of the created task or the error's text.
func outcome(results []cloudtask.CreateResult) []string {
	var out []string
	for _, r := range results {
		switch {
		case r.Err != nil && r.Task != nil:
			out = append(out, "both a task and an error")
		case r.Err != nil:
			out = append(out, r.Err.Error())
		default:
			out = append(out, r.Task.Name)
		}
	}
	return out
}

func TestCreateTasks(t *testing.T) {
	t.Parallel()
	exists := &rpcstatus.Status{Code: int32(codes.AlreadyExists), Message: "Requested entity already exists"}
	tooBig := &rpcstatus.Status{Code: int32(codes.InvalidArgument), Message: "Task size too large"}
	tests := []struct {
		name    string
		tasks   []string // names asked for; "" lets the service choose
		created []string
		failed  map[int32]*rpcstatus.Status
		opErr   *rpcstatus.Status
		want    []string
	}{
		{
			name:    "all created",
			tasks:   []string{"", "", ""},
			created: []string{"1", "2", "3"},
			want:    []string{"1", "2", "3"},
		},
		{
			name:    "failures by index, the rest in order",
			tasks:   []string{"", "", "", ""},
			created: []string{"1", "2"},
			failed:  map[int32]*rpcstatus.Status{0: tooBig, 2: exists},
			want:    []string{"INVALID_ARGUMENT: Task size too large", "1", "ALREADY_EXISTS: Requested entity already exists", "2"},
		},
		{
			name:    "named tasks by name in whatever order",
			tasks:   []string{"a", "", "b", "c", ""},
			created: []string{"c", "9", "a", "8"},
			failed:  map[int32]*rpcstatus.Status{2: exists},
			want:    []string{"a", "9", "ALREADY_EXISTS: Requested entity already exists", "c", "8"},
		},
		{
			name:    "one name twice",
			tasks:   []string{"a", "a"},
			created: []string{"a"},
			failed:  map[int32]*rpcstatus.Status{1: exists},
			want:    []string{"a", "ALREADY_EXISTS: Requested entity already exists"},
		},
		{
			name:    "an answer that leaves tasks out",
			tasks:   []string{"a", "", "b"},
			created: []string{"b"},
			want: []string{
				"UNKNOWN: the answer to BatchCreateTasks says neither that this task was created nor that it failed",
				"UNKNOWN: the answer to BatchCreateTasks says neither that this task was created nor that it failed",
				"b",
			},
		},
		{
			name:   "none created",
			tasks:  []string{"a", "b"},
			failed: map[int32]*rpcstatus.Status{0: exists, 1: tooBig},
			opErr:  &rpcstatus.Status{Code: int32(codes.Aborted), Message: "None of the requests succeeded"},
			want:   []string{"ALREADY_EXISTS: Requested entity already exists", "INVALID_ARGUMENT: Task size too large"},
		},
		{
			name:   "the operation failed and says why for one only",
			tasks:  []string{"a", "b"},
			failed: map[int32]*rpcstatus.Status{0: exists},
			opErr:  &rpcstatus.Status{Code: int32(codes.Internal), Message: "broken"},
			want:   []string{"ALREADY_EXISTS: Requested entity already exists", "INTERNAL: broken"},
		},
		{
			name:    "a failure without a reason is not a success",
			tasks:   []string{""},
			created: []string{"1"},
			failed:  map[int32]*rpcstatus.Status{0: {}},
			want:    []string{"UNKNOWN: listed as failed without a reason"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			resp := &cloudtaskspb.BatchCreateTasksResponse{}
			for _, name := range test.created {
				resp.Tasks = append(resp.Tasks, &cloudtaskspb.Task{Name: name})
			}
			op := &longrunningpb.Operation{
				Name:     operationName,
				Done:     true,
				Metadata: pack(t, &cloudtaskspb.BatchCreateTasksMetadata{FailedRequests: test.failed}),
				Result:   &longrunningpb.Operation_Response{Response: pack(t, resp)},
			}
			if test.opErr != nil {
				op.Result = &longrunningpb.Operation_Error{Error: test.opErr}
			}
			service := &fakeService{answer: answerWith(op)}
			var tasks []*cloudtask.Task
			want := &cloudtaskspb.BatchCreateTasksRequest{Parent: queueName, RequestId: "request"}
			for _, name := range test.tasks {
				tasks = append(tasks, &cloudtask.Task{Name: name, URL: "http://h/"})
				want.Requests = append(want.Requests, &cloudtaskspb.CreateTaskRequest{
					Parent: queueName,
					Task: &cloudtaskspb.Task{Name: name, MessageType: &cloudtaskspb.Task_HttpRequest{HttpRequest: &cloudtaskspb.HttpRequest{
						Url: "http://h/", HttpMethod: cloudtaskspb.HttpMethod_POST,
					}}},
					ResponseView: cloudtaskspb.Task_BASIC,
				})
			}
			results, err := service.production(t).CreateTasks(t.Context(), queueName, "request", tasks)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, outcome(results)); diff != "" {
				t.Errorf("results (-want +got):\n%s", diff)
			}
			for _, r := range results {
				if open := r.Err != nil && strings.Contains(r.Err.Error(), "says neither"); errors.Is(r.Err, cloudtask.ErrOutcomeUnknown) != open {
					t.Errorf("%v has an unknown outcome: %t", r.Err, !open)
				}
			}
			req := onlyCall(t, service, "BatchCreateTasks", "parent=projects%2Fp%2Flocations%2Fl%2Fqueues%2Fq")
			if diff := cmp.Diff(proto.Message(want), req, protocmp.Transform()); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCreateTasksWaitsForTheOperation(t *testing.T) {
	t.Parallel()
	pending := &longrunningpb.Operation{Name: operationName, Metadata: pack(t, &cloudtaskspb.BatchCreateTasksMetadata{})}
	done := &longrunningpb.Operation{
		Name: operationName,
		Done: true,
		Result: &longrunningpb.Operation_Response{Response: pack(t, &cloudtaskspb.BatchCreateTasksResponse{
			Tasks: []*cloudtaskspb.Task{{Name: "1"}},
		})},
	}
	polls := 0
	service := &fakeService{}
	service.answer = func(_ context.Context, req proto.Message) (proto.Message, error) {
		poll, ok := req.(*longrunningpb.GetOperationRequest)
		if !ok {
			return pending, nil
		}
		if poll.GetName() != operationName {
			return nil, status.Errorf(codes.NotFound, "no operation %q", poll.GetName())
		}
		if polls++; polls < 3 {
			return pending, nil
		}
		return done, nil
	}
	results, err := service.production(t).CreateTasks(t.Context(), queueName, "", []*cloudtask.Task{{URL: "http://h/"}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"1"}, outcome(results)); diff != "" || polls != 3 {
		t.Errorf("%d polls, want 3; results (-want +got):\n%s", polls, diff)
	}
}

func TestCreateTasksFailsAsAWhole(t *testing.T) {
	t.Parallel()
	tasks := []*cloudtask.Task{{URL: "http://h/"}}
	t.Run("operation error", func(t *testing.T) {
		t.Parallel()
		service := &fakeService{answer: answerWith(&longrunningpb.Operation{
			Name: operationName, Done: true,
			Result: &longrunningpb.Operation_Error{Error: &rpcstatus.Status{Code: int32(codes.PermissionDenied), Message: "no"}},
		})}
		results, err := service.production(t).CreateTasks(t.Context(), queueName, "", tasks)
		if results != nil || cloudtask.StatusOf(err) != cloudtask.PermissionDenied || errors.Is(err, cloudtask.ErrOutcomeUnknown) {
			t.Errorf("%v, %v, want PERMISSION_DENIED", results, err)
		}
	})
	t.Run("poll refused", func(t *testing.T) {
		t.Parallel()
		service := &fakeService{}
		service.answer = func(_ context.Context, req proto.Message) (proto.Message, error) {
			if _, ok := req.(*longrunningpb.GetOperationRequest); ok {
				return nil, status.Error(codes.NotFound, "gone")
			}
			return &longrunningpb.Operation{Name: operationName}, nil
		}
		results, err := service.production(t).CreateTasks(t.Context(), queueName, "", tasks)
		if results != nil || cloudtask.StatusOf(err) != cloudtask.NotFound || !errors.Is(err, cloudtask.ErrOutcomeUnknown) {
			t.Errorf("%v, %v, want NOT_FOUND and an unknown outcome", results, err)
		}
	})
	t.Run("never done", func(t *testing.T) {
		t.Parallel()
		service := &fakeService{answer: answerWith(&longrunningpb.Operation{Name: operationName})}
		backend := service.production(t)
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		results, err := backend.CreateTasks(ctx, queueName, "", tasks)
		if results != nil || cloudtask.StatusOf(err) != cloudtask.DeadlineExceeded || !errors.Is(err, cloudtask.ErrOutcomeUnknown) {
			t.Errorf("%v, %v, want DEADLINE_EXCEEDED and an unknown outcome", results, err)
		}
	})
}

func TestBatchDeleteTasks(t *testing.T) {
	t.Parallel()
	gone := &rpcstatus.Status{Code: int32(codes.NotFound), Message: "Requested entity was not found."}
	denied := &rpcstatus.Status{Code: int32(codes.PermissionDenied), Message: "no"}
	aborted := &rpcstatus.Status{Code: int32(codes.Aborted), Message: "None of the requests succeeded"}
	tests := []struct {
		name    string
		failed  map[int32]*rpcstatus.Status
		opErr   *rpcstatus.Status
		refused bool // the operation may not be read
		want    []string
		code    cloudtask.Code // of the whole call
		unknown bool
	}{
		{name: "all deleted", want: []string{"", "", ""}},
		{name: "some", failed: map[int32]*rpcstatus.Status{0: gone, 2: denied}, want: []string{"NOT_FOUND: Requested entity was not found.", "", "PERMISSION_DENIED: no"}},
		{name: "none", failed: map[int32]*rpcstatus.Status{0: gone, 1: gone, 2: gone}, opErr: aborted, want: slices.Repeat([]string{"NOT_FOUND: Requested entity was not found."}, 3)},
		{name: "the operation failed", opErr: denied, code: cloudtask.PermissionDenied},
		{name: "the operation may not be read", refused: true, code: cloudtask.PermissionDenied, unknown: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			op := &longrunningpb.Operation{
				Name: operationName, Done: !test.refused,
				Metadata: pack(t, &cloudtaskspb.BatchDeleteTasksMetadata{FailedRequests: test.failed}),
			}
			if test.opErr != nil {
				op.Result = &longrunningpb.Operation_Error{Error: test.opErr}
			} else if op.Done {
				op.Result = &longrunningpb.Operation_Response{Response: pack(t, &emptypb.Empty{})}
			}
			service := &fakeService{answer: func(_ context.Context, req proto.Message) (proto.Message, error) {
				if _, ok := req.(*longrunningpb.GetOperationRequest); ok {
					return nil, status.Error(codes.PermissionDenied, "cloudtasks.operations.get")
				}
				return op, nil
			}}
			errs, err := service.production(t).BatchDeleteTasks(t.Context(), queueName, "request", []string{"a", "b", "c"})
			var got []string
			for _, err := range errs {
				text := ""
				if err != nil {
					text = err.Error()
				}
				got = append(got, text)
			}
			if diff := cmp.Diff(test.want, got); diff != "" || cloudtask.StatusOf(err) != test.code || errors.Is(err, cloudtask.ErrOutcomeUnknown) != test.unknown {
				t.Errorf("%v; results (-want +got):\n%s", err, diff)
			}
			want := &cloudtaskspb.BatchDeleteTasksRequest{Parent: queueName, RequestId: "request", Names: []string{"a", "b", "c"}}
			if diff := cmp.Diff(proto.Message(want), service.received()[0].req, protocmp.Transform()); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}
