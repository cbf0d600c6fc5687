package cloudtask

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
)

// asStored returns the task as Cloud Tasks stores it, with the view FULL.
func asStored(task *Task, queueName string) *cloudtaskspb.Task {
	name := task.Name
	if name == "" {
		name = queueName + "/tasks/" + strings.Repeat("9", 20)
	}
	headers := map[string]string{"User-Agent": "Google-Cloud-Tasks"}
	maps.Copy(headers, task.Header)
	request := &cloudtaskspb.HttpRequest{Url: task.URL, HttpMethod: cloudtaskspb.HttpMethod_POST, Headers: headers, Body: task.Body}
	if task.ServiceAccount != "" {
		request.AuthorizationHeader = &cloudtaskspb.HttpRequest_OidcToken{
			OidcToken: &cloudtaskspb.OidcToken{ServiceAccountEmail: task.ServiceAccount, Audience: task.Audience},
		}
	}
	stored := &cloudtaskspb.Task{
		Name:             name,
		MessageType:      &cloudtaskspb.Task_HttpRequest{HttpRequest: request},
		CreateTime:       timestamppb.New(time.Date(2026, 11, 23, 16, 0, 0, 0, time.UTC)),
		ScheduleTime:     timestamppb.New(time.Date(2026, 11, 23, 16, 0, 0, 999_999_000, time.UTC)),
		DispatchDeadline: durationpb.New(task.DispatchDeadline.Truncate(time.Millisecond)),
		View:             cloudtaskspb.Task_FULL,
	}
	if !task.ScheduleTime.IsZero() {
		stored.ScheduleTime = timestamppb.New(task.ScheduleTime.Truncate(time.Microsecond))
	}
	if r := task.Retry; r != nil {
		duration := func(d time.Duration) *durationpb.Duration {
			if d == 0 {
				return nil
			}
			return durationpb.New(d)
		}
		stored.RetryConfig = &cloudtaskspb.RetryConfig{
			MaxAttempts: int32(r.MaxAttempts), MaxRetryDuration: duration(r.MaxRetryDuration), MinBackoff: duration(r.MinBackoff),
			MaxBackoff: duration(r.MaxBackoff), MaxDoublings: int32(r.MaxDoublings),
		}
	}
	return stored
}

func TestStoredSizeIsThatOfTheProto(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	text := func(most int) string { return strings.Repeat("x", random.IntN(most+1)) }
	sometimes := func(d time.Duration) time.Duration {
		if random.IntN(2) == 0 {
			return 0
		}
		return time.Duration(random.Int64N(int64(d)))
	}
	for n := range 3000 {
		queueName := "projects/p" + text(200) + "/locations/l/queues/q" + text(99)
		task := &Task{URL: "https://" + text(2000), Header: map[string]string{}, DispatchDeadline: rules.MinDeadline + time.Duration(random.Int64N(int64(rules.MaxDeadline-rules.MinDeadline)))}
		if random.IntN(2) == 0 {
			task.Name = queueName + "/tasks/t" + text(499)
		}
		for i := range random.IntN(4) {
			task.Header[fmt.Sprint("X-", i)+text(200)] = text(300)
		}
		if random.IntN(4) > 0 {
			task.Body = []byte(text(1 << random.IntN(20)))
		}
		if random.IntN(2) == 0 {
			task.ScheduleTime = time.Unix(1_700_000_000+random.Int64N(1e9), random.Int64N(1e9)>>random.IntN(30))
		}
		if random.IntN(2) == 0 {
			task.ServiceAccount, task.Audience = "a"+text(200), text(2)
		}
		if random.IntN(2) == 0 {
			task.Retry = &RetryConfig{
				MaxAttempts: random.IntN(300) - 1, MaxRetryDuration: sometimes(30 * 24 * time.Hour), MinBackoff: sometimes(time.Hour),
				MaxBackoff: sometimes(time.Hour), MaxDoublings: random.IntN(20),
			}
		}
		if got, want := storedSize(task, queueName), proto.Size(asStored(task, queueName)); got != want {
			t.Fatalf("task %d: %d bytes, proto.Size says %d of %+v", n, got, want, task)
		}
	}
}
