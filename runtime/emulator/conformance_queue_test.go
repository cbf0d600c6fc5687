package emulator_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/api/iterator"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

const (
	newName        = locationName + "/queues/new"
	queueExistsMsg = "Queue already exists"
	queueTooRecent = "The queue cannot be created because a queue with this name existed too recently."
	taskExists     = "Requested entity already exists"
)

func wantStatus(t *testing.T, err error, code codes.Code, message string) {
	t.Helper()
	if st := status.Convert(err); st.Code() != code || st.Message() != message {
		t.Errorf("%v %q,\nwant %v %q", st.Code(), st.Message(), code, message)
	}
}

// methodCases are those of the methods that concern queues, locations and operations.
func methodCases() cases {
	return cases{
		"1.1/20 methods": testEveryMethodAnswers,
		"1.1/GetOperation of a malformed name": func(t *testing.T) {
			e := fresh(t, setup{})
			for _, name := range []string{"nonsense", "projects/p/locations/l/l/operations/x"} {
				_, err := e.client.GetOperation(t.Context(), &longrunningpb.GetOperationRequest{Name: name})
				if st := status.Convert(err); st.Code() != codes.InvalidArgument || !strings.Contains(st.Message(), name) {
					t.Errorf("%s: %v", name, err)
				}
			}
		},
		"1.1/GetOperation of an operation that never was": func(t *testing.T) {
			_, err := fresh(t, setup{}).client.GetOperation(t.Context(), &longrunningpb.GetOperationRequest{Name: locationName + "/operations/never"})
			wantStatus(t, err, codes.NotFound, notFound)
		},
		"1.1/names of tasks stay taken for 24 hours": func(t *testing.T) {
			e := fresh(t, setup{})
			e.create(t, named("t"))
			if err := e.client.DeleteTask(t.Context(), &cloudtaskspb.DeleteTaskRequest{Name: named("t").GetName()}); err != nil {
				t.Fatal(err)
			}
			e.advance(t, 24*anHour-time.Second)
			_, err := e.client.CreateTask(t.Context(), &cloudtaskspb.CreateTaskRequest{Parent: queueName, Task: named("t")})
			wantStatus(t, err, codes.AlreadyExists, taskExists)
			e.advance(t, time.Second)
			_, err = e.client.GetTask(t.Context(), &cloudtaskspb.GetTaskRequest{Name: named("t").GetName()})
			wantStatus(t, err, codes.NotFound, notFound)
			if got := e.create(t, named("t")); got.GetName() != named("t").GetName() {
				t.Errorf("created %v", got)
			}
		},
		"1.1/names of queues stay taken for 3 days": func(t *testing.T) {
			e := fresh(t, setup{})
			e.deleteQueue(t)
			e.advance(t, 3*24*anHour-time.Second)
			_, err := e.client.CreateQueue(t.Context(), &cloudtaskspb.CreateQueueRequest{Parent: locationName, Queue: &cloudtaskspb.Queue{Name: queueName}})
			wantStatus(t, err, codes.FailedPrecondition, queueTooRecent)
			e.advance(t, time.Second)
			got, err := e.client.CreateQueue(t.Context(), &cloudtaskspb.CreateQueueRequest{Parent: locationName, Queue: &cloudtaskspb.Queue{Name: queueName}})
			if diff := cmp.Diff(defaultQueue(queueName), got, protocmp.Transform()); diff != "" || err != nil {
				t.Errorf("%v; created (-want +got):\n%s", err, diff)
			}
		},
		"1.2/ListQueues by page, by name": func(t *testing.T) {
			e := fresh(t, setup{})
			var want []string
			for _, id := range []string{"q3", "q10", "Q", "a", "q2", "q-1", "q1"} {
				e.newQueueNamed(t, "projects/p/locations/many/queues/"+id)
				want = append(want, "projects/p/locations/many/queues/"+id)
			}
			slices.Sort(want)
			pager := iterator.NewPager(e.client.ListQueues(t.Context(), &cloudtaskspb.ListQueuesRequest{Parent: "projects/p/locations/many"}), 3, "")
			var got, sizes []string
			for token := "first"; token != ""; {
				var page []*cloudtaskspb.Queue
				var err error
				if token, err = pager.NextPage(&page); err != nil {
					t.Fatal(err)
				}
				sizes = append(sizes, fmt.Sprint(len(page)))
				for _, queue := range page {
					got = append(got, queue.GetName())
				}
			}
			wantStrings(t, "queues", got, want...)
			wantStrings(t, "page sizes", sizes, "3", "3", "1")
		},
		"1.2/ListQueues by filter":                      testListQueuesFilter,
		"1.2/ListQueues with a token of another filter": testPageTokensAreBoundToTheirFilter,
		"1.2/ListQueues is of one location": func(t *testing.T) {
			e := fresh(t, setup{})
			e.newQueueNamed(t, "projects/p/locations/l2/queues/other")
			listed, err := e.client.ListQueues(t.Context(), &cloudtaskspb.ListQueuesRequest{Parent: "projects/p/locations/l2"}).Next()
			if err != nil || listed.GetName() != "projects/p/locations/l2/queues/other" {
				t.Errorf("%v, %v", listed, err)
			}
			if more, err := e.client.ListQueues(t.Context(), &cloudtaskspb.ListQueuesRequest{Parent: "projects/p/locations/none"}).Next(); !errors.Is(err, iterator.Done) {
				t.Errorf("a location without queues lists %v, %v", more, err)
			}
		},
		"1.10/ListQueues of 100,000 a page": func(t *testing.T) {
			exchange{path: locationPath + "/queues?pageSize=100000&fields=queues/name,nextPageToken", status: 200,
				want: `{"queues": [{"name": "` + queueName + `"}]}`}.check(t, fresh(t, setup{}).addr)
		},
		"1.2/CreateQueue": func(t *testing.T) {
			e := fresh(t, setup{})
			got, err := e.client.CreateQueue(t.Context(), &cloudtaskspb.CreateQueueRequest{Parent: locationName, Queue: &cloudtaskspb.Queue{Name: newName}})
			if diff := cmp.Diff(defaultQueue(newName), got, protocmp.Transform()); diff != "" || err != nil {
				t.Errorf("%v; created (-want +got):\n%s", err, diff)
			}
			got, err = e.client.GetQueue(t.Context(), &cloudtaskspb.GetQueueRequest{Name: newName})
			if diff := cmp.Diff(defaultQueue(newName), got, protocmp.Transform()); diff != "" || err != nil {
				t.Errorf("%v; GetQueue (-want +got):\n%s", err, diff)
			}
		},
		"1.2/UpdateQueue creates": func(t *testing.T) {
			e := fresh(t, setup{})
			want := defaultQueue(newName)
			want.RetryConfig.MaxAttempts = 7
			got, err := e.client.UpdateQueue(t.Context(), &cloudtaskspb.UpdateQueueRequest{Queue: &cloudtaskspb.Queue{Name: newName, RetryConfig: &cloudtaskspb.RetryConfig{MaxAttempts: 7}}})
			if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" || err != nil {
				t.Errorf("%v; (-want +got):\n%s", err, diff)
			}
			if listed, err := e.client.GetQueue(t.Context(), &cloudtaskspb.GetQueueRequest{Name: newName}); err != nil || listed.GetRetryConfig().GetMaxAttempts() != 7 {
				t.Errorf("GetQueue: %v, %v", listed, err)
			}
		},
		"1.2/UpdateQueue does not create what was deleted": func(t *testing.T) {
			e := fresh(t, setup{})
			e.deleteQueue(t)
			_, err := e.client.UpdateQueue(t.Context(), &cloudtaskspb.UpdateQueueRequest{Queue: &cloudtaskspb.Queue{Name: queueName}})
			wantStatus(t, err, codes.FailedPrecondition, queueTooRecent)
		},
		"1.2/UpdateQueue without a mask is of all fields": func(t *testing.T) {
			e := fresh(t, setup{})
			e.update(t, &cloudtaskspb.Queue{
				RateLimits: &cloudtaskspb.RateLimits{MaxDispatchesPerSecond: 3}, RetryConfig: &cloudtaskspb.RetryConfig{MaxAttempts: 3},
				StackdriverLoggingConfig: &cloudtaskspb.StackdriverLoggingConfig{SamplingRatio: 1}, AppEngineRoutingOverride: &cloudtaskspb.AppEngineRouting{Service: "s"},
				HttpTarget: &cloudtaskspb.HttpTarget{HttpMethod: cloudtaskspb.HttpMethod_PUT},
			})
			got := e.update(t, &cloudtaskspb.Queue{RateLimits: &cloudtaskspb.RateLimits{MaxDispatchesPerSecond: 50}})
			want := defaultQueue(queueName)
			want.RateLimits.MaxDispatchesPerSecond, want.RateLimits.MaxBurstSize = 50, 10
			if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		},
		"1.2/UpdateQueue with a mask of * is of all fields": func(t *testing.T) {
			e := fresh(t, setup{})
			for rate, update := range map[float64]func(){
				3: func() {
					e.update(t, &cloudtaskspb.Queue{RateLimits: &cloudtaskspb.RateLimits{MaxDispatchesPerSecond: 3}}, "*")
				},
				4: func() {
					exchange{method: "PATCH", path: queuePath + "?updateMask=*&fields=name", body: `{"rateLimits": {"maxDispatchesPerSecond": 4}}`, status: 200, want: `{"name": "` + queueName + `"}`}.check(t, e.addr)
				},
			} {
				e.update(t, &cloudtaskspb.Queue{RetryConfig: &cloudtaskspb.RetryConfig{MaxAttempts: 7}})
				update()
				want := defaultQueue(queueName)
				want.RateLimits.MaxDispatchesPerSecond, want.RateLimits.MaxBurstSize = rate, 10
				got, err := e.client.GetQueue(t.Context(), &cloudtaskspb.GetQueueRequest{Name: queueName})
				if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" || err != nil {
					t.Errorf("%v; (-want +got):\n%s", err, diff)
				}
			}
		},
		"1.2/UpdateQueue of one field": func(t *testing.T) {
			e := fresh(t, setup{})
			e.update(t, &cloudtaskspb.Queue{RateLimits: &cloudtaskspb.RateLimits{MaxDispatchesPerSecond: 3}, RetryConfig: &cloudtaskspb.RetryConfig{MaxAttempts: 3}})
			got := e.update(t, &cloudtaskspb.Queue{RateLimits: &cloudtaskspb.RateLimits{MaxDispatchesPerSecond: 1, MaxConcurrentDispatches: 9}}, "rate_limits.max_concurrent_dispatches")
			want := defaultQueue(queueName)
			want.RateLimits = &cloudtaskspb.RateLimits{MaxDispatchesPerSecond: 3, MaxBurstSize: 10, MaxConcurrentDispatches: 9}
			want.RetryConfig.MaxAttempts = 3
			if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		},
		"1.2/UpdateQueue of a message": func(t *testing.T) {
			e := fresh(t, setup{})
			e.update(t, &cloudtaskspb.Queue{RetryConfig: &cloudtaskspb.RetryConfig{MaxAttempts: 3}}, "retry_config")
			got := e.update(t, &cloudtaskspb.Queue{RetryConfig: &cloudtaskspb.RetryConfig{MaxDoublings: 2}}, "retry_config")
			want := defaultQueue(queueName)
			want.RetryConfig.MaxDoublings = 2 // and the attempts are the default's
			if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		},
		"1.2/UpdateQueue leaves what is output only": func(t *testing.T) {
			e := fresh(t, setup{})
			for _, mask := range [][]string{nil, {"state"}, {"purge_time", "rate_limits.max_burst_size", "name"}} {
				got := e.update(t, &cloudtaskspb.Queue{State: cloudtaskspb.Queue_PAUSED, PurgeTime: timestamppb.Now(), RateLimits: &cloudtaskspb.RateLimits{MaxBurstSize: 77}}, mask...)
				if diff := cmp.Diff(defaultQueue(queueName), got, protocmp.Transform()); diff != "" {
					t.Errorf("mask %v (-want +got):\n%s", mask, diff)
				}
			}
		},
		"1.2/UpdateQueue keeps purge_time": func(t *testing.T) {
			e := fresh(t, setup{})
			purged, err := e.client.PurgeQueue(t.Context(), &cloudtaskspb.PurgeQueueRequest{Name: queueName})
			if err != nil {
				t.Fatal(err)
			}
			if got := e.update(t, &cloudtaskspb.Queue{}); !cmp.Equal(purged.GetPurgeTime(), got.GetPurgeTime(), protocmp.Transform()) || got.GetPurgeTime() == nil {
				t.Errorf("purge time %v, was %v", got.GetPurgeTime(), purged.GetPurgeTime())
			}
		},
		"1.2/UpdateQueue that is refused changes nothing": func(t *testing.T) {
			e := fresh(t, setup{})
			_, err := e.client.UpdateQueue(t.Context(), &cloudtaskspb.UpdateQueueRequest{Queue: &cloudtaskspb.Queue{
				Name: queueName, RetryConfig: &cloudtaskspb.RetryConfig{MaxAttempts: 3}, RateLimits: &cloudtaskspb.RateLimits{MaxDispatchesPerSecond: 501},
			}})
			wantStatus(t, err, codes.InvalidArgument, "RateLimits.maxDispatchesPerSecond must be less than or equal to 500.")
			got, err := e.client.GetQueue(t.Context(), &cloudtaskspb.GetQueueRequest{Name: queueName})
			if diff := cmp.Diff(defaultQueue(queueName), got, protocmp.Transform()); diff != "" || err != nil {
				t.Errorf("%v; (-want +got):\n%s", err, diff)
			}
		},
		"1.2/UpdateQueue keeps a queue paused": func(t *testing.T) {
			e := fresh(t, setup{})
			e.pause(t)
			if got := e.update(t, &cloudtaskspb.Queue{State: cloudtaskspb.Queue_RUNNING}); got.GetState() != cloudtaskspb.Queue_PAUSED {
				t.Errorf("%v", got)
			}
		},
		"1.2/DeleteQueue with its tasks": func(t *testing.T) {
			p := play(t, always(200))
			name := p.create(t, p.task("t")).GetName()
			p.deleteQueue(t)
			if n := p.run(t, anHour); n != 0 {
				t.Errorf("%d attempts of a deleted queue's task", n)
			}
			_, err := p.client.GetTask(t.Context(), &cloudtaskspb.GetTaskRequest{Name: name})
			wantStatus(t, err, codes.NotFound, notFound)
			_, err = p.client.ListTasks(t.Context(), &cloudtaskspb.ListTasksRequest{Parent: queueName}).Next()
			wantStatus(t, err, codes.NotFound, queueMissing)
		},
		"1.2/PurgeQueue": func(t *testing.T) {
			p := play(t, always(200))
			p.pause(t)
			before := p.create(t, p.task("before")).GetName()
			purged, err := p.client.PurgeQueue(t.Context(), &cloudtaskspb.PurgeQueueRequest{Name: queueName})
			if want := timestamppb.New(restClock().Truncate(time.Microsecond)); err != nil || !cmp.Equal(want, purged.GetPurgeTime(), protocmp.Transform()) {
				t.Errorf("purge time %v, %v, want %v", purged.GetPurgeTime(), err, want)
			}
			if purged.GetState() != cloudtaskspb.Queue_PAUSED {
				t.Errorf("a purge made a paused queue %v", purged.GetState())
			}
			p.create(t, p.task("after"))
			p.resume(t)
			p.run(t, anHour)
			wantStrings(t, "tasks", p.header("X-CloudTasks-TaskName"), "after")
			p.wantGone(t, before)
			if got, err := p.client.GetQueue(t.Context(), &cloudtaskspb.GetQueueRequest{Name: queueName}); err != nil || !cmp.Equal(purged.GetPurgeTime(), got.GetPurgeTime(), protocmp.Transform()) {
				t.Errorf("purge time %v later, %v", got.GetPurgeTime(), err)
			}
		},
		"1.2/PurgeQueue again": func(t *testing.T) {
			e := fresh(t, setup{})
			for _, want := range []string{"2026-11-23T09:30:15.987654Z", "2026-11-23T09:30:18.487654Z"} {
				exchange{path: queuePath + ":purge?fields=purgeTime", body: "{}", status: 200, want: `{"purgeTime": "` + want + `"}`}.check(t, e.addr)
				e.advance(t, 2500*time.Millisecond)
			}
		},
		"1.2/purge_time is unset before a purge": func(t *testing.T) {
			exchange{path: queuePath + "?fields=name,purgeTime", status: 200, want: `{"name": "` + queueName + `"}`}.check(t, fresh(t, setup{}).addr)
		},
		"1.2/PauseQueue and ResumeQueue are idempotent": func(t *testing.T) {
			e := fresh(t, setup{})
			for range 2 {
				if got, err := e.client.PauseQueue(t.Context(), &cloudtaskspb.PauseQueueRequest{Name: queueName}); err != nil || got.GetState() != cloudtaskspb.Queue_PAUSED {
					t.Errorf("PauseQueue: %v, %v", got, err)
				}
			}
			for range 2 {
				if got, err := e.client.ResumeQueue(t.Context(), &cloudtaskspb.ResumeQueueRequest{Name: queueName}); err != nil || got.GetState() != cloudtaskspb.Queue_RUNNING {
					t.Errorf("ResumeQueue: %v, %v", got, err)
				}
			}
		},
		"1.2/PAUSED accepts tasks": func(t *testing.T) {
			e := fresh(t, setup{})
			e.pause(t)
			name := e.create(t, named("t")).GetName()
			e.run(t, anHour)
			if got := e.get(t, name); got.GetDispatchCount() != 0 {
				t.Errorf("a paused queue attempted %v", got)
			}
		},
	}
}

func (e *emulated) deleteQueue(t *testing.T) {
	t.Helper()
	if err := e.client.DeleteQueue(t.Context(), &cloudtaskspb.DeleteQueueRequest{Name: queueName}); err != nil {
		t.Fatal(err)
	}
}

// testEveryMethodAnswers calls what the API has with an empty request, which every method refuses in words of its own.
func testEveryMethodAnswers(t *testing.T) {
	e := fresh(t, setup{})
	conn, err := grpc.NewClient(e.addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	n := 0
	for _, method := range allMethods(t) {
		if method.Parent().Name() == "Operations" && method.Name() != "GetOperation" {
			continue
		}
		n++
		err := conn.Invoke(t.Context(), fmt.Sprintf("/%s/%s", method.Parent().FullName(), method.Name()), newMessage(t, method.Input()), newMessage(t, method.Output()))
		if st := status.Convert(err); st.Code() != codes.InvalidArgument || st.Message() == "" {
			t.Errorf("%s: %v", method.Name(), err)
		}
	}
	if n != 23 {
		t.Errorf("%d methods, want 20 of CloudTasks, 2 of Locations and GetOperation", n)
	}
}

// queueCases are those of a queue's fields.
func queueCases() cases {
	all := make(cases)
	for name, change := range map[string]func(in, want *cloudtaskspb.Queue){
		"a rate of 0.25": func(in, want *cloudtaskspb.Queue) {
			in.RateLimits = &cloudtaskspb.RateLimits{MaxDispatchesPerSecond: 0.25}
			want.RateLimits.MaxDispatchesPerSecond, want.RateLimits.MaxBurstSize = 0.25, 10
		},
		"greatest limits": func(in, want *cloudtaskspb.Queue) {
			in.RateLimits = &cloudtaskspb.RateLimits{MaxDispatchesPerSecond: 500, MaxConcurrentDispatches: 5000}
			want.RateLimits.MaxConcurrentDispatches = 5000
		},
		"zero limits are unset": func(in, want *cloudtaskspb.Queue) { in.RateLimits = &cloudtaskspb.RateLimits{} },
		"zero retries are unset": func(in, want *cloudtaskspb.Queue) {
			in.RetryConfig = &cloudtaskspb.RetryConfig{MinBackoff: &durationpb.Duration{}, MaxBackoff: &durationpb.Duration{}, MaxRetryDuration: &durationpb.Duration{}}
		},
		"max_attempts of -1": func(in, want *cloudtaskspb.Queue) {
			in.RetryConfig = &cloudtaskspb.RetryConfig{MaxAttempts: -1}
			want.RetryConfig.MaxAttempts = -1
		},
		"max_retry_duration in whole seconds": func(in, want *cloudtaskspb.Queue) {
			in.RetryConfig = &cloudtaskspb.RetryConfig{MaxRetryDuration: durationpb.New(90*time.Second + 999*time.Millisecond)}
			want.RetryConfig.MaxRetryDuration = durationpb.New(90 * time.Second)
		},
		"back-off below a second": func(in, want *cloudtaskspb.Queue) {
			in.RetryConfig = &cloudtaskspb.RetryConfig{MinBackoff: durationpb.New(1500 * time.Millisecond), MaxBackoff: durationpb.New(2500 * time.Millisecond), MaxDoublings: 3}
			want.RetryConfig.MinBackoff, want.RetryConfig.MaxBackoff, want.RetryConfig.MaxDoublings = in.RetryConfig.MinBackoff, in.RetryConfig.MaxBackoff, 3
		},
		"equal back-offs": func(in, want *cloudtaskspb.Queue) {
			in.RetryConfig = &cloudtaskspb.RetryConfig{MinBackoff: durationpb.New(time.Minute), MaxBackoff: durationpb.New(time.Minute)}
			want.RetryConfig.MinBackoff, want.RetryConfig.MaxBackoff = in.RetryConfig.MinBackoff, in.RetryConfig.MaxBackoff
		},
		"sampling_ratio": func(in, want *cloudtaskspb.Queue) {
			in.StackdriverLoggingConfig = &cloudtaskspb.StackdriverLoggingConfig{SamplingRatio: 1}
			want.StackdriverLoggingConfig = in.StackdriverLoggingConfig
		},
		"state is ignored":      func(in, want *cloudtaskspb.Queue) { in.State = cloudtaskspb.Queue_PAUSED },
		"purge_time is ignored": func(in, want *cloudtaskspb.Queue) { in.PurgeTime = timestamppb.Now() },
		"app_engine_routing_override": func(in, want *cloudtaskspb.Queue) {
			in.AppEngineRoutingOverride = &cloudtaskspb.AppEngineRouting{Service: "s", Version: "v", Instance: "i", Host: "ignored"}
			want.AppEngineRoutingOverride = &cloudtaskspb.AppEngineRouting{Service: "s", Version: "v", Instance: "i", Host: "i.v.s.p.appspot.com"}
		},
		"http_target": func(in, want *cloudtaskspb.Queue) {
			in.HttpTarget = &cloudtaskspb.HttpTarget{
				UriOverride: &cloudtaskspb.UriOverride{
					Scheme: cloudtaskspb.UriOverride_HTTP.Enum(), Host: new("h"), Port: new(int64(8080)), PathOverride: &cloudtaskspb.PathOverride{Path: "/p"},
					QueryOverride: &cloudtaskspb.QueryOverride{QueryParams: "a=b"}, UriOverrideEnforceMode: cloudtaskspb.UriOverride_IF_NOT_EXISTS,
				},
				HttpMethod:          cloudtaskspb.HttpMethod_PATCH,
				AuthorizationHeader: &cloudtaskspb.HttpTarget_OidcToken{OidcToken: &cloudtaskspb.OidcToken{ServiceAccountEmail: "a@b", Audience: "c"}},
			}
			want.HttpTarget = in.HttpTarget
		},
		"http_target, reserved headers": func(in, want *cloudtaskspb.Queue) {
			header := func(keys ...string) *cloudtaskspb.HttpTarget {
				target := &cloudtaskspb.HttpTarget{}
				for _, key := range keys {
					target.HeaderOverrides = append(target.HeaderOverrides, &cloudtaskspb.HttpTarget_HeaderOverride{Header: &cloudtaskspb.HttpTarget_Header{Key: key, Value: "v"}})
				}
				return target
			}
			in.HttpTarget = header("Host", "kept", "content-length", "User-Agent", "X-Google-A", "x-appengine-b", "X-CloudTasks-TaskName", "X-CloudTasks-Other")
			want.HttpTarget = header("kept", "X-CloudTasks-Other")
		},
	} {
		all["1.3/"+name] = func(t *testing.T) {
			e := fresh(t, setup{})
			in, want := &cloudtaskspb.Queue{Name: newName}, defaultQueue(newName)
			change(in, want)
			created, err := e.client.CreateQueue(t.Context(), &cloudtaskspb.CreateQueueRequest{Parent: locationName, Queue: in})
			if err != nil {
				t.Fatal(err)
			}
			got, err := e.client.GetQueue(t.Context(), &cloudtaskspb.GetQueueRequest{Name: newName})
			if err != nil {
				t.Fatal(err)
			}
			for call, queue := range map[string]*cloudtaskspb.Queue{"CreateQueue": created, "GetQueue": got} {
				if diff := cmp.Diff(want, queue, protocmp.Transform()); diff != "" {
					t.Errorf("%s (-want +got):\n%s", call, diff)
				}
			}
		}
	}
	for rate, want := range map[float64]int32{500: 100, 100: 20, 50: 10, 1: 10, 0.25: 10} {
		for _, given := range []int32{0, 5, -1} {
			all[fmt.Sprintf("1.3/burst size at %v a second, given %d", rate, given)] = func(t *testing.T) {
				got := fresh(t, setup{}).update(t, &cloudtaskspb.Queue{RateLimits: &cloudtaskspb.RateLimits{MaxDispatchesPerSecond: rate, MaxBurstSize: given}})
				if got.GetRateLimits().GetMaxBurstSize() != want {
					t.Errorf("%v, want %d", got.GetRateLimits(), want)
				}
			}
		}
	}
	for what, name := range map[string]string{
		"id of 100 characters":      locationName + "/queues/" + strings.Repeat("x", 100),
		"id of all characters":      locationName + "/queues/Az-09",
		"project of all characters": "projects/example.com:P-1.x/locations/l/queues/q",
	} {
		all["1.3/name, "+what] = func(t *testing.T) {
			e := fresh(t, setup{})
			e.newQueueNamed(t, name)
			if got, err := e.client.GetQueue(t.Context(), &cloudtaskspb.GetQueueRequest{Name: name}); err != nil || got.GetName() != name {
				t.Errorf("%v, %v", got, err)
			}
		}
	}
	return all
}
