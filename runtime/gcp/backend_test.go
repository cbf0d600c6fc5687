package gcp_test

import (
	"context"
	"crypto/x509"
	"errors"
	"math"
	"net"
	"testing"
	"time"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/gcp"
)

const (
	queueName = "projects/p/locations/l/queues/q"
	taskName  = queueName + "/tasks/t1"
)

var (
	scheduled = time.Date(2026, 11, 23, 10, 0, 0, 123456000, time.UTC)
	created   = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
)

// storedTask is a task as the service returns it after a failed attempt, and what it is in core types.
func storedTask() (*cloudtaskspb.Task, *cloudtask.Task) {
	return &cloudtaskspb.Task{
			Name: taskName,
			MessageType: &cloudtaskspb.Task_HttpRequest{HttpRequest: &cloudtaskspb.HttpRequest{
				Url:        "https://worker.example/tasks/Mail",
				HttpMethod: cloudtaskspb.HttpMethod_POST,
				Headers:    map[string]string{"traceparent": "00-1", "User-Agent": "Google-Cloud-Tasks"},
				Body:       []byte(`{"user_id":7}`),
				AuthorizationHeader: &cloudtaskspb.HttpRequest_OidcToken{OidcToken: &cloudtaskspb.OidcToken{
					ServiceAccountEmail: "run@p.iam.gserviceaccount.com", Audience: "https://worker.example",
				}},
			}},
			ScheduleTime:     timestamppb.New(scheduled),
			CreateTime:       timestamppb.New(created),
			DispatchDeadline: durationpb.New(90 * time.Second),
			DispatchCount:    2,
			ResponseCount:    1,
			FirstAttempt:     &cloudtaskspb.Attempt{DispatchTime: timestamppb.New(created.Add(time.Second))},
			LastAttempt: &cloudtaskspb.Attempt{
				ScheduleTime:   timestamppb.New(created.Add(2 * time.Second)),
				DispatchTime:   timestamppb.New(created.Add(3 * time.Second)),
				ResponseTime:   timestamppb.New(created.Add(4 * time.Second)),
				ResponseStatus: &rpcstatus.Status{Code: 13, Message: "INTERNAL(13): HTTP status code 500"},
			},
			View:        cloudtaskspb.Task_FULL,
			RetryConfig: &cloudtaskspb.RetryConfig{MaxAttempts: -1, MinBackoff: durationpb.New(time.Second)},
		}, &cloudtask.Task{
			Name:             taskName,
			URL:              "https://worker.example/tasks/Mail",
			Header:           map[string]string{"traceparent": "00-1", "User-Agent": "Google-Cloud-Tasks"},
			Body:             []byte(`{"user_id":7}`),
			ScheduleTime:     scheduled,
			DispatchDeadline: 90 * time.Second,
			ServiceAccount:   "run@p.iam.gserviceaccount.com",
			Audience:         "https://worker.example",
			Retry:            &cloudtask.RetryConfig{MaxAttempts: -1, MinBackoff: time.Second},
			CreateTime:       created,
			DispatchCount:    2,
			ResponseCount:    1,
			FirstAttempt:     created.Add(time.Second),
			LastAttempt: &cloudtask.Attempt{
				ScheduleTime: created.Add(2 * time.Second),
				DispatchTime: created.Add(3 * time.Second),
				ResponseTime: created.Add(4 * time.Second),
				Code:         cloudtask.Internal,
				Message:      "INTERNAL(13): HTTP status code 500",
			},
		}
}

func answerWith(resp proto.Message) func(context.Context, proto.Message) (proto.Message, error) {
	return func(context.Context, proto.Message) (proto.Message, error) { return resp, nil }
}

func failWith(err error) func(context.Context, proto.Message) (proto.Message, error) {
	return func(context.Context, proto.Message) (proto.Message, error) { return nil, err }
}

// onlyCall returns the one call that the service got, after checking the credentials and the routing header that
// Google's front end needs.
func onlyCall(t *testing.T, f *fakeService, method, routing string) proto.Message {
	t.Helper()
	calls := f.received()
	if len(calls) != 1 || calls[0].method != method {
		t.Fatalf("the service received %d calls (%v), want one %s", len(calls), calls, method)
	}
	if got := calls[0].header.Get("authorization"); !cmp.Equal(got, []string{"Bearer " + testToken}) {
		t.Errorf("authorization %q, want the injected bearer token", got)
	}
	if got := calls[0].header.Get("x-goog-request-params"); !cmp.Equal(got, []string{routing}) {
		t.Errorf("x-goog-request-params %q, want %q", got, routing)
	}
	return calls[0].req
}

func TestCreateTask(t *testing.T) {
	t.Parallel()
	stored, storedCore := storedTask()
	tests := []struct {
		name string
		task *cloudtask.Task
		want *cloudtaskspb.Task
	}{
		{
			name: "smallest",
			task: &cloudtask.Task{URL: "http://h/"},
			want: &cloudtaskspb.Task{MessageType: &cloudtaskspb.Task_HttpRequest{HttpRequest: &cloudtaskspb.HttpRequest{
				Url: "http://h/", HttpMethod: cloudtaskspb.HttpMethod_POST,
			}}},
		},
		{
			name: "everything",
			task: &cloudtask.Task{
				Name: taskName, URL: "https://h/x", Header: map[string]string{"X-A": "1"}, Body: []byte("b"),
				ScheduleTime: scheduled, DispatchDeadline: 15 * time.Second, ServiceAccount: "a@b", Audience: "aud",
				Retry: &cloudtask.RetryConfig{
					MaxAttempts: 5, MaxRetryDuration: time.Hour, MinBackoff: time.Second, MaxBackoff: time.Minute, MaxDoublings: 3,
				},
				CreateTime: created, DispatchCount: 9, ResponseCount: 9, FirstAttempt: created, LastAttempt: &cloudtask.Attempt{},
			},
			want: &cloudtaskspb.Task{
				Name: taskName,
				MessageType: &cloudtaskspb.Task_HttpRequest{HttpRequest: &cloudtaskspb.HttpRequest{
					Url: "https://h/x", HttpMethod: cloudtaskspb.HttpMethod_POST, Headers: map[string]string{"X-A": "1"}, Body: []byte("b"),
					AuthorizationHeader: &cloudtaskspb.HttpRequest_OidcToken{OidcToken: &cloudtaskspb.OidcToken{
						ServiceAccountEmail: "a@b", Audience: "aud",
					}},
				}},
				ScheduleTime:     timestamppb.New(scheduled),
				DispatchDeadline: durationpb.New(15 * time.Second),
				RetryConfig: &cloudtaskspb.RetryConfig{
					MaxAttempts: 5, MaxRetryDuration: durationpb.New(time.Hour), MinBackoff: durationpb.New(time.Second),
					MaxBackoff: durationpb.New(time.Minute), MaxDoublings: 3,
				},
			},
		},
		{
			name: "counts beyond the wire's range saturate",
			task: &cloudtask.Task{URL: "http://h/", Retry: &cloudtask.RetryConfig{MaxAttempts: min(math.MaxInt, math.MaxInt32+1), MaxDoublings: math.MaxInt}},
			want: &cloudtaskspb.Task{
				MessageType: &cloudtaskspb.Task_HttpRequest{HttpRequest: &cloudtaskspb.HttpRequest{
					Url: "http://h/", HttpMethod: cloudtaskspb.HttpMethod_POST,
				}},
				RetryConfig: &cloudtaskspb.RetryConfig{MaxAttempts: math.MaxInt32, MaxDoublings: math.MaxInt32},
			},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			service := &fakeService{answer: answerWith(stored)}
			got, err := service.production(t).CreateTask(t.Context(), queueName, test.task)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(storedCore, got); diff != "" {
				t.Errorf("created task (-want +got):\n%s", diff)
			}
			want := &cloudtaskspb.CreateTaskRequest{Parent: queueName, Task: test.want, ResponseView: cloudtaskspb.Task_BASIC}
			req := onlyCall(t, service, "CreateTask", "parent=projects%2Fp%2Flocations%2Fl%2Fqueues%2Fq")
			if diff := cmp.Diff(proto.Message(want), req, protocmp.Transform()); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

func TestGetTask(t *testing.T) {
	t.Parallel()
	stored, storedCore := storedTask()
	appEngine := &cloudtaskspb.Task{
		Name:        taskName,
		MessageType: &cloudtaskspb.Task_AppEngineHttpRequest{AppEngineHttpRequest: &cloudtaskspb.AppEngineHttpRequest{RelativeUri: "/x"}},
	}
	tests := []struct {
		name   string
		answer *cloudtaskspb.Task
		want   *cloudtask.Task
	}{
		{"after an attempt", stored, storedCore},
		{"not of ours, without times", appEngine, &cloudtask.Task{Name: taskName}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			service := &fakeService{answer: answerWith(test.answer)}
			got, err := service.production(t).GetTask(t.Context(), taskName)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("task (-want +got):\n%s", diff)
			}
			req := onlyCall(t, service, "GetTask", "name=projects%2Fp%2Flocations%2Fl%2Fqueues%2Fq%2Ftasks%2Ft1")
			want := &cloudtaskspb.GetTaskRequest{Name: taskName, ResponseView: cloudtaskspb.Task_FULL}
			if diff := cmp.Diff(proto.Message(want), req, protocmp.Transform()); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

func TestListTasksReturnsOnePageACall(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		token     string
		answer    *cloudtaskspb.ListTasksResponse
		want      []*cloudtask.Task
		wantToken string
	}{
		{
			name:      "first of several",
			answer:    &cloudtaskspb.ListTasksResponse{Tasks: []*cloudtaskspb.Task{{Name: "a"}, {Name: "b"}}, NextPageToken: "next"},
			want:      []*cloudtask.Task{{Name: "a"}, {Name: "b"}},
			wantToken: "next",
		},
		{
			name:   "last",
			token:  "next",
			answer: &cloudtaskspb.ListTasksResponse{Tasks: []*cloudtaskspb.Task{{Name: "c"}}},
			want:   []*cloudtask.Task{{Name: "c"}},
		},
		{name: "empty", answer: &cloudtaskspb.ListTasksResponse{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			service := &fakeService{answer: answerWith(test.answer)}
			got, token, err := service.production(t).ListTasks(t.Context(), queueName, test.token)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" || token != test.wantToken {
				t.Errorf("token %q, want %q; tasks (-want +got):\n%s", token, test.wantToken, diff)
			}
			req := onlyCall(t, service, "ListTasks", "parent=projects%2Fp%2Flocations%2Fl%2Fqueues%2Fq")
			want := &cloudtaskspb.ListTasksRequest{Parent: queueName, ResponseView: cloudtaskspb.Task_BASIC, PageToken: test.token}
			if diff := cmp.Diff(proto.Message(want), req, protocmp.Transform()); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDeleteTask(t *testing.T) {
	t.Parallel()
	service := &fakeService{answer: answerWith(&emptypb.Empty{})}
	if err := service.production(t).DeleteTask(t.Context(), taskName); err != nil {
		t.Fatal(err)
	}
	req := onlyCall(t, service, "DeleteTask", "name=projects%2Fp%2Flocations%2Fl%2Fqueues%2Fq%2Ftasks%2Ft1")
	if diff := cmp.Diff(proto.Message(&cloudtaskspb.DeleteTaskRequest{Name: taskName}), req, protocmp.Transform()); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

func TestGetQueue(t *testing.T) {
	t.Parallel()
	service := &fakeService{answer: answerWith(&cloudtaskspb.Queue{
		Name: queueName,
		RetryConfig: &cloudtaskspb.RetryConfig{
			MaxAttempts: 100, MinBackoff: durationpb.New(100 * time.Millisecond), MaxBackoff: durationpb.New(time.Hour), MaxDoublings: 16,
		},
	})}
	got, err := service.production(t).GetQueue(t.Context(), queueName)
	if err != nil {
		t.Fatal(err)
	}
	want := &cloudtask.Queue{Name: queueName, Retry: cloudtask.RetryConfig{
		MaxAttempts: 100, MinBackoff: 100 * time.Millisecond, MaxBackoff: time.Hour, MaxDoublings: 16,
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("queue (-want +got):\n%s", diff)
	}
	onlyCall(t, service, "GetQueue", "name=projects%2Fp%2Flocations%2Fl%2Fqueues%2Fq")
}

// methods calls each method of a backend and returns its error.
var methods = []struct {
	name string
	call func(ctx context.Context, b cloudtask.Backend) error
}{
	{"CreateTask", func(ctx context.Context, b cloudtask.Backend) error {
		_, err := b.CreateTask(ctx, queueName, &cloudtask.Task{URL: "http://h/"})
		return err
	}},
	{"CreateTasks", func(ctx context.Context, b cloudtask.Backend) error {
		_, err := b.CreateTasks(ctx, queueName, "id", []*cloudtask.Task{{URL: "http://h/"}})
		return err
	}},
	{"GetTask", func(ctx context.Context, b cloudtask.Backend) error {
		_, err := b.GetTask(ctx, taskName)
		return err
	}},
	{"ListTasks", func(ctx context.Context, b cloudtask.Backend) error {
		_, _, err := b.ListTasks(ctx, queueName, "")
		return err
	}},
	{"BatchDeleteTasks", func(ctx context.Context, b cloudtask.Backend) error {
		_, err := b.(cloudtask.BatchDeleter).BatchDeleteTasks(ctx, queueName, "id", []string{taskName})
		return err
	}},
	{"DeleteTask", func(ctx context.Context, b cloudtask.Backend) error {
		return b.DeleteTask(ctx, taskName)
	}},
	{"GetQueue", func(ctx context.Context, b cloudtask.Backend) error {
		_, err := b.GetQueue(ctx, queueName)
		return err
	}},
}

func TestErrorsCarryTheServicesStatusAndAreNotRetried(t *testing.T) {
	t.Parallel()
	help := &errdetails.Help{Links: []*errdetails.Help_Link{{Description: "Definition of task ID", Url: "https://example.com"}}}
	for _, code := range []codes.Code{codes.Unavailable, codes.DeadlineExceeded, codes.Unimplemented, codes.AlreadyExists, codes.Unauthenticated} {
		st, err := status.New(code, "the service's own words").WithDetails(help)
		if err != nil {
			t.Fatal(err)
		}
		service := &fakeService{answer: failWith(st.Err())}
		backend := service.production(t)
		for i, method := range methods {
			t.Run(code.String()+"/"+method.name, func(t *testing.T) {
				err := method.call(t.Context(), backend)
				var statusErr *cloudtask.StatusError
				if !errors.As(err, &statusErr) {
					t.Fatalf("error %v (%T), want a *cloudtask.StatusError", err, err)
				}
				if statusErr.Code != cloudtask.Code(code) || statusErr.Message != "the service's own words" {
					t.Errorf("error %v: %q, want %v with the service's message", statusErr.Code, statusErr.Message, cloudtask.Code(code))
				}
				grpcStatus, ok := status.FromError(statusErr.Err)
				if !ok || len(grpcStatus.Details()) != 1 || !proto.Equal(grpcStatus.Details()[0].(proto.Message), help) {
					t.Errorf("unwraps to %v, want the gRPC status with its details", statusErr.Err)
				}
				if n := len(service.received()); n != i+1 {
					t.Errorf("the service received %d calls for %d of the backend's", n, i+1)
				}
			})
		}
	}
}

func TestContextEnds(t *testing.T) {
	t.Parallel()
	service := &fakeService{answer: func(ctx context.Context, _ proto.Message) (proto.Message, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	backend := service.production(t)
	if _, err := backend.GetTask(expired(t), taskName); cloudtask.StatusOf(err) != cloudtask.DeadlineExceeded {
		t.Fatalf("first call: %v", err)
	}
	for _, method := range methods {
		t.Run(method.name, func(t *testing.T) {
			t.Parallel()
			deadline, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
			defer cancel()
			err := method.call(deadline, backend)
			if cloudtask.StatusOf(err) != cloudtask.DeadlineExceeded { // from either end: the service knows the deadline too
				t.Errorf("deadline: %v, want DEADLINE_EXCEEDED", err)
			}
			cancelled, cancel := context.WithCancel(t.Context())
			time.AfterFunc(10*time.Millisecond, cancel)
			err = method.call(cancelled, backend)
			if cloudtask.StatusOf(err) != cloudtask.Canceled || !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled: %v, want CANCELLED that is context.Canceled", err)
			}
		})
	}
}

func expired(t *testing.T) context.Context {
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	t.Cleanup(cancel)
	return ctx
}

func TestUnreachableServiceIsUnavailable(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	listener.Close()
	backend, err := gcp.NewBackend(t.Context(), cloudtask.Config{}, productionOptions(addr, x509.NewCertPool())...)
	if err != nil {
		t.Fatal(err)
	}
	defer backend.Close()
	for _, method := range methods {
		if err := method.call(t.Context(), backend); cloudtask.StatusOf(err) != cloudtask.Unavailable {
			t.Errorf("%s: %v, want UNAVAILABLE", method.name, err)
		}
	}
}

func TestServersCertificateIsVerified(t *testing.T) {
	t.Parallel()
	service := &fakeService{answer: answerWith(&cloudtaskspb.Queue{})}
	addr, _ := service.serveTLS(t)
	backend, err := gcp.NewBackend(t.Context(), cloudtask.Config{}, productionOptions(addr, x509.NewCertPool())...)
	if err != nil {
		t.Fatal(err)
	}
	defer backend.Close()
	if _, err := backend.GetQueue(t.Context(), queueName); cloudtask.StatusOf(err) != cloudtask.Unavailable {
		t.Errorf("%v, want UNAVAILABLE", err)
	}
	if calls := service.received(); len(calls) != 0 {
		t.Errorf("an untrusted server received %v, credentials included", calls)
	}
}

func TestCredentialsNeverTravelInPlaintext(t *testing.T) {
	t.Parallel()
	service := &fakeService{answer: answerWith(&cloudtaskspb.Queue{})}
	_, pool := service.serveTLS(t)
	backend, err := gcp.NewBackend(t.Context(), cloudtask.Config{}, productionOptions(service.serve(t), pool)...)
	if err != nil {
		t.Fatal(err)
	}
	defer backend.Close()
	if _, err := backend.GetQueue(t.Context(), queueName); cloudtask.StatusOf(err) != cloudtask.Unavailable {
		t.Errorf("a server without TLS: %v, want UNAVAILABLE", err)
	}
	if calls := service.received(); len(calls) != 0 {
		t.Errorf("a server without TLS received %v", calls)
	}
}
