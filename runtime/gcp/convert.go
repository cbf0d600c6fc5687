package gcp

import (
	"context"
	"errors"
	"maps"
	"math"
	"time"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/ended"
)

// statusError reports what the official client returned for a call with ctx; nil stays nil. When ctx has ended, the error
// unwraps to the context's, and has its code unless the service has refused the call: gRPC may say anything then.
func statusError(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	st, ok := status.FromError(err)
	if !ok {
		st = status.FromContextError(err) // gax's pauses return the context's error as it is
	}
	code, message := st.Code(), st.Message()
	ctxErr := ended.Err(ctx)
	if ctxErr == nil && code == codes.DeadlineExceeded {
		ctxErr = context.DeadlineExceeded // of the official client's own time-out, or the service's
	}
	if ctxErr != nil {
		if !errors.Is(err, ctxErr) {
			err = errors.Join(err, ctxErr)
		}
		switch code {
		case codes.Unknown, codes.Internal, codes.Unavailable, codes.Aborted, codes.DataLoss, codes.Canceled, codes.DeadlineExceeded:
			code = status.FromContextError(ctxErr).Code()
		}
	}
	return &cloudtask.StatusError{Code: cloudtask.Code(code), Message: message, Err: err}
}

// createMessages are the messages of a CreateTaskRequest, which are allocated together.
type createMessages struct {
	request     cloudtaskspb.CreateTaskRequest
	task        cloudtaskspb.Task
	messageType cloudtaskspb.Task_HttpRequest
	http        cloudtaskspb.HttpRequest
	deadline    durationpb.Duration
}

// createRequest asks for task in queue and for an answer without its body.
func createRequest(queue string, task *cloudtask.Task) *cloudtaskspb.CreateTaskRequest {
	m := new(createMessages)
	m.request.Parent, m.request.Task, m.request.ResponseView = queue, &m.task, cloudtaskspb.Task_BASIC
	m.messageType.HttpRequest = &m.http
	m.http.Url, m.http.HttpMethod, m.http.Headers, m.http.Body = task.URL, cloudtaskspb.HttpMethod_POST, task.Header, task.Body
	if task.ServiceAccount != "" {
		m.http.AuthorizationHeader = &cloudtaskspb.HttpRequest_OidcToken{OidcToken: &cloudtaskspb.OidcToken{
			ServiceAccountEmail: task.ServiceAccount,
			Audience:            task.Audience,
		}}
	}
	m.task.Name, m.task.MessageType, m.task.RetryConfig = task.Name, &m.messageType, retryToProto(task.Retry)
	if d := task.DispatchDeadline; d != 0 { // 0 asks for the default
		m.deadline.Seconds, m.deadline.Nanos = int64(d/time.Second), int32(d%time.Second)
		m.task.DispatchDeadline = &m.deadline
	}
	if !task.ScheduleTime.IsZero() {
		m.task.ScheduleTime = timestamppb.New(task.ScheduleTime)
	}
	return &m.request
}

func fromProto(p *cloudtaskspb.Task) *cloudtask.Task {
	req := p.GetHttpRequest() // nil for App Engine tasks, which have no URL
	task := &cloudtask.Task{
		Name:             p.GetName(),
		URL:              req.GetUrl(),
		Header:           maps.Clone(req.GetHeaders()),
		Body:             req.GetBody(),
		ScheduleTime:     fromTimestamp(p.GetScheduleTime()),
		DispatchDeadline: p.GetDispatchDeadline().AsDuration(),
		ServiceAccount:   req.GetOidcToken().GetServiceAccountEmail(),
		Audience:         req.GetOidcToken().GetAudience(),
		CreateTime:       fromTimestamp(p.GetCreateTime()),
		DispatchCount:    int(p.GetDispatchCount()),
		ResponseCount:    int(p.GetResponseCount()),
		FirstAttempt:     fromTimestamp(p.GetFirstAttempt().GetDispatchTime()),
	}
	if p.GetRetryConfig() != nil {
		retry := retryFromProto(p.GetRetryConfig())
		task.Retry = &retry
	}
	if last := p.GetLastAttempt(); last != nil {
		task.LastAttempt = &cloudtask.Attempt{
			ScheduleTime: fromTimestamp(last.GetScheduleTime()),
			DispatchTime: fromTimestamp(last.GetDispatchTime()),
			ResponseTime: fromTimestamp(last.GetResponseTime()),
			Code:         cloudtask.Code(last.GetResponseStatus().GetCode()),
			Message:      last.GetResponseStatus().GetMessage(),
		}
	}
	return task
}

func retryToProto(retry *cloudtask.RetryConfig) *cloudtaskspb.RetryConfig {
	if retry == nil {
		return nil
	}
	return &cloudtaskspb.RetryConfig{
		MaxAttempts:      toInt32(retry.MaxAttempts),
		MaxRetryDuration: toDuration(retry.MaxRetryDuration),
		MinBackoff:       toDuration(retry.MinBackoff),
		MaxBackoff:       toDuration(retry.MaxBackoff),
		MaxDoublings:     toInt32(retry.MaxDoublings),
	}
}

func retryFromProto(p *cloudtaskspb.RetryConfig) cloudtask.RetryConfig {
	return cloudtask.RetryConfig{
		MaxAttempts:      int(p.GetMaxAttempts()),
		MaxRetryDuration: p.GetMaxRetryDuration().AsDuration(),
		MinBackoff:       p.GetMinBackoff().AsDuration(),
		MaxBackoff:       p.GetMaxBackoff().AsDuration(),
		MaxDoublings:     int(p.GetMaxDoublings()),
	}
}

// toInt32 saturates: more attempts or doublings than an int32 holds are as good as without limit.
func toInt32(n int) int32 { return int32(max(math.MinInt32, min(n, math.MaxInt32))) }

// toDuration leaves a zero duration unset, which is Cloud Tasks' way to ask for its default.
func toDuration(d time.Duration) *durationpb.Duration {
	if d == 0 {
		return nil
	}
	return durationpb.New(d)
}

// fromTimestamp makes an unset time the zero one, where AsTime alone makes it 1970.
func fromTimestamp(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}
