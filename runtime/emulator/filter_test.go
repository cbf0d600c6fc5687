package emulator_test

import (
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/api/iterator"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// filtered serves queues a, b and c, of which b is paused and c has been purged.
func filtered(t *testing.T) *emulated {
	t.Helper()
	e := fresh(t, setup{})
	for _, queue := range []*cloudtaskspb.Queue{
		{
			Name: "projects/p/locations/f/queues/a", RateLimits: &cloudtaskspb.RateLimits{MaxDispatchesPerSecond: 2.5, MaxConcurrentDispatches: 3},
			RetryConfig: &cloudtaskspb.RetryConfig{MinBackoff: durationpb.New(10 * time.Second)},
		},
		{Name: "projects/p/locations/f/queues/b", HttpTarget: &cloudtaskspb.HttpTarget{
			UriOverride: &cloudtaskspb.UriOverride{Host: new("worker.example")}, HttpMethod: cloudtaskspb.HttpMethod_PUT,
			HeaderOverrides: []*cloudtaskspb.HttpTarget_HeaderOverride{{Header: &cloudtaskspb.HttpTarget_Header{Key: "A", Value: "b"}}},
		}},
		{Name: "projects/p/locations/f/queues/c", StackdriverLoggingConfig: &cloudtaskspb.StackdriverLoggingConfig{SamplingRatio: 0.5}},
	} {
		if _, err := e.client.CreateQueue(t.Context(), &cloudtaskspb.CreateQueueRequest{Parent: "projects/p/locations/f", Queue: queue}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := e.client.PauseQueue(t.Context(), &cloudtaskspb.PauseQueueRequest{Name: "projects/p/locations/f/queues/b"}); err != nil {
		t.Fatal(err)
	}
	if _, err := e.client.PurgeQueue(t.Context(), &cloudtaskspb.PurgeQueueRequest{Name: "projects/p/locations/f/queues/c"}); err != nil {
		t.Fatal(err)
	}
	return e
}

func testListQueuesFilter(t *testing.T) {
	e := filtered(t)
	for filter, want := range map[string]string{
		"":                 "abc",
		" ":                "abc",
		"state: PAUSED":    "b",
		"state:paused":     "b",
		"state = RUNNING":  "ac",
		"state != PAUSED":  "ac",
		"NOT state:PAUSED": "ac",
		"-state:PAUSED":    "ac",
		"- (state:PAUSED)": "ac",
		"rate_limits.max_dispatches_per_second < 3":          "a",
		"rateLimits.maxDispatchesPerSecond >= 500":           "bc",
		"rate_limits.max_concurrent_dispatches<=3":           "a",
		"rate_limits.max_concurrent_dispatches > 2.5":        "abc",
		"retry_config.min_backoff >= 10s":                    "a",
		"retry_config.max_retry_duration:*":                  "",
		"purge_time:*":                                       "c",
		"purge_time > 2026-11-23T09:30:00Z":                  "c",
		`purge_time > "2026-11-23T09:31:00Z"`:                "",
		"http_target:*":                                      "b",
		"http_target.header_overrides:*":                     "b",
		"http_target.http_method = PUT":                      "b",
		"http_target.uri_override.host = worker.example":     "b",
		"http_target.uri_override.host != worker.example":    "ac",
		"stackdriver_logging_config.sampling_ratio = 0.5":    "c",
		"name: queues/b":                                     "b",
		"name = projects/p/locations/f/queues/c":             "c",
		`name = "projects/p/locations/f/queues/c"`:           "c",
		`name = *"queues/c"`:                                 "error",
		"name = */queues/*":                                  "abc",
		"name != */b":                                        "ac",
		"name < projects/p/locations/f/queues/b":             "a",
		"state:PAUSED OR name:queues/a":                      "ab",
		"state:RUNNING AND name:queues/a":                    "a",
		"state:RUNNING name:queues/c":                        "c",
		"name:queues/a OR name:queues/b AND state:RUNNING":   "a",
		"name:queues/a OR (name:queues/b AND state:RUNNING)": "a",
		"(name:queues/a AND state:RUNNING) OR name:queues/b": "ab",
		"NOT (name:queues/a OR name:queues/b)":               "c",
		"state":                                              "error",
		"state:":                                             "error",
		"state: RED":                                         "error",
		"state > PAUSED":                                     "error",
		"colour: blue":                                       "error",
		"rate_limits.rps = 1":                                "error",
		"rate_limits.max_dispatches_per_second = fast":       "error",
		"retry_config.min_backoff = 10":                      "error",
		"purge_time = yesterday":                             "error",
		"http_target = x":                                    "error",
		"http_target.header_overrides = x":                   "error",
		"http_target.header_overrides.header.key = A":        "error",
		"name ! x":         "error",
		"name = (x)":       "error",
		"(state:PAUSED":    "error",
		"state:PAUSED)":    "error",
		"state:PAUSED AND": "error",
		"AND":              "error",
		`name = "a`:        "error",
		strings.Repeat("(", 1000) + "a:b" + strings.Repeat(")", 1000):         "error",
		"app_engine_routing_override.service = x OR state_ = PAUSED":          "error",
		"app_engine_routing_override.service = x":                             "",
		"rate_limits.max_burst_size = 10 OR rate_limits.max_burst_size = 100": "abc",
	} {
		got := ""
		for queue, err := range e.client.ListQueues(t.Context(), &cloudtaskspb.ListQueuesRequest{Parent: "projects/p/locations/f", Filter: filter}).All() {
			if err != nil {
				if got = "error"; status.Code(err) != codes.InvalidArgument || !strings.HasPrefix(status.Convert(err).Message(), "Invalid filter: ") {
					t.Errorf("%s: %v", filter, err)
				}
				break
			}
			got += queue.GetName()[len("projects/p/locations/f/queues/"):]
		}
		if got != want {
			t.Errorf("%s: %q, want %q", filter, got, want)
		}
	}
}

func testPageTokensAreBoundToTheirFilter(t *testing.T) {
	e := filtered(t)
	list := func(filter, token string) ([]*cloudtaskspb.Queue, string, error) {
		var page []*cloudtaskspb.Queue
		queues := e.client.ListQueues(t.Context(), &cloudtaskspb.ListQueuesRequest{Parent: "projects/p/locations/f", Filter: filter})
		next, err := iterator.NewPager(queues, 1, token).NextPage(&page)
		return page, next, err
	}
	const filter = "state: RUNNING"
	first, token, err := list(filter, "")
	if err != nil || len(first) != 1 || token == "" {
		t.Fatalf("%v, %q, %v", first, token, err)
	}
	for _, other := range []string{"", "state:RUNNING", "state: PAUSED"} {
		if _, _, err := list(other, token); status.Code(err) != codes.InvalidArgument {
			t.Errorf("the token of %q with the filter %q: %v", filter, other, err)
		}
	}
	second, end, err := list(filter, token)
	if err != nil || len(second) != 1 || end != "" {
		t.Fatalf("%v, %q, %v", second, end, err)
	}
	got := []string{first[0].GetName(), second[0].GetName()}
	if diff := cmp.Diff([]string{"projects/p/locations/f/queues/a", "projects/p/locations/f/queues/c"}, got); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	e.advance(t, 2*time.Hour-time.Second)
	if _, _, err := list(filter, token); err != nil {
		t.Errorf("a token of less than two hours: %v", err)
	}
	e.advance(t, 2*time.Second)
	if _, _, err := list(filter, token); status.Code(err) != codes.InvalidArgument {
		t.Errorf("a token of more than two hours: %v", err)
	}
}
