package emulator

import (
	"cmp"
	"fmt"
	"math"
	"time"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// taskFromProto is the task of a create request, to be answered in view. Everything may be missing: what is required is
// the engine's to say, and so is that a time or a duration is none, of which the task has an error.
func taskFromProto(p *cloudtaskspb.Task, view cloudtaskspb.Task_View) *resource.Task {
	task := &resource.Task{Name: p.GetName(), View: resource.View(view)}
	if req := p.GetHttpRequest(); req != nil {
		task.HTTP = &resource.HTTPRequest{URL: req.GetUrl(), Header: req.GetHeaders(), Body: req.GetBody()}
		task.HTTP.Method = methodFromProto(req.GetHttpMethod())
		if token := req.GetOidcToken(); token != nil {
			task.HTTP.OIDC = &resource.OIDCToken{ServiceAccount: token.GetServiceAccountEmail(), Audience: token.GetAudience()}
		}
		if token := req.GetOauthToken(); token != nil {
			task.HTTP.OAuth = &resource.OAuthToken{ServiceAccount: token.GetServiceAccountEmail(), Scope: token.GetScope()}
		}
	}
	if req := p.GetAppEngineHttpRequest(); req != nil {
		task.AppEngine = appEngineFromProto(req)
	}
	var invalidTime, invalidDeadline, invalidRetry error
	if t := p.GetScheduleTime(); t != nil {
		if err := t.CheckValid(); err != nil {
			invalidTime = invalid("Task.scheduleTime is invalid: %v", err)
		}
		task.ScheduleTime = t.AsTime()
	}
	task.DispatchDeadline, invalidDeadline = durationFromProto("Task.dispatchDeadline", p.GetDispatchDeadline())
	if p.GetRetryConfig() != nil {
		task.Retry = new(cloudtask.RetryConfig)
		*task.Retry, invalidRetry = retryFromProto(p.GetRetryConfig())
	}
	task.Err = cmp.Or(invalidTime, invalidDeadline, invalidRetry)
	return task
}

func invalid(format string, args ...any) error {
	return &cloudtask.StatusError{Code: cloudtask.InvalidArgument, Message: fmt.Sprintf(format, args...)}
}

func taskToProto(task *resource.Task) *cloudtaskspb.Task {
	p := &cloudtaskspb.Task{
		Name:             task.Name,
		ScheduleTime:     timeToProto(task.ScheduleTime),
		CreateTime:       timeToProto(task.CreateTime),
		DispatchDeadline: durationToProto(task.DispatchDeadline),
		DispatchCount:    countToProto(task.DispatchCount),
		ResponseCount:    countToProto(task.ResponseCount),
		LastAttempt:      attemptToProto(task.LastAttempt),
		View:             cloudtaskspb.Task_View(task.View),
	}
	if !task.FirstAttempt.IsZero() {
		p.FirstAttempt = &cloudtaskspb.Attempt{DispatchTime: timeToProto(task.FirstAttempt)}
	}
	if task.Retry != nil {
		p.RetryConfig = retryToProto(*task.Retry)
	}
	if req := task.AppEngine; req != nil {
		p.MessageType = &cloudtaskspb.Task_AppEngineHttpRequest{AppEngineHttpRequest: appEngineToProto(req)}
	}
	if req := task.HTTP; req != nil {
		p.MessageType = &cloudtaskspb.Task_HttpRequest{HttpRequest: requestToProto(req)}
	}
	return p
}

func requestToProto(req *resource.HTTPRequest) *cloudtaskspb.HttpRequest {
	p := &cloudtaskspb.HttpRequest{
		Url:        req.URL,
		HttpMethod: methodToProto(req.Method),
		Headers:    req.Header,
		Body:       req.Body,
	}
	switch {
	case req.OIDC != nil:
		p.AuthorizationHeader = &cloudtaskspb.HttpRequest_OidcToken{OidcToken: &cloudtaskspb.OidcToken{
			ServiceAccountEmail: req.OIDC.ServiceAccount,
			Audience:            req.OIDC.Audience,
		}}
	case req.OAuth != nil:
		p.AuthorizationHeader = &cloudtaskspb.HttpRequest_OauthToken{OauthToken: &cloudtaskspb.OAuthToken{
			ServiceAccountEmail: req.OAuth.ServiceAccount,
			Scope:               req.OAuth.Scope,
		}}
	}
	return p
}

func attemptToProto(attempt *cloudtask.Attempt) *cloudtaskspb.Attempt {
	if attempt == nil {
		return nil
	}
	p := &cloudtaskspb.Attempt{
		ScheduleTime: timeToProto(attempt.ScheduleTime),
		DispatchTime: timeToProto(attempt.DispatchTime),
		ResponseTime: timeToProto(attempt.ResponseTime),
	}
	if attempt.Message != "" { // it has an outcome
		p.ResponseStatus = &rpcstatus.Status{Code: int32(attempt.Code), Message: attempt.Message}
	}
	return p
}

func queueFromProto(p *cloudtaskspb.Queue) (*resource.Queue, error) {
	retry, err := retryFromProto(p.GetRetryConfig())
	if err != nil {
		return nil, err
	}
	queue := &resource.Queue{
		Name: p.GetName(),
		RateLimits: resource.RateLimits{
			MaxDispatchesPerSecond:  p.GetRateLimits().GetMaxDispatchesPerSecond(),
			MaxConcurrentDispatches: int(p.GetRateLimits().GetMaxConcurrentDispatches()),
		},
		Retry:            retry,
		HTTPTarget:       targetFromProto(p.GetHttpTarget()),
		AppEngineRouting: routingFromProto(p.GetAppEngineRoutingOverride()),
	}
	if logging := p.GetStackdriverLoggingConfig(); logging != nil {
		ratio := logging.GetSamplingRatio()
		queue.SamplingRatio = &ratio
	}
	return queue, nil
}

func queueToProto(queue *resource.Queue) *cloudtaskspb.Queue {
	p := &cloudtaskspb.Queue{
		Name: queue.Name,
		RateLimits: &cloudtaskspb.RateLimits{
			MaxDispatchesPerSecond:  queue.RateLimits.MaxDispatchesPerSecond,
			MaxBurstSize:            countToProto(queue.RateLimits.MaxBurstSize),
			MaxConcurrentDispatches: countToProto(queue.RateLimits.MaxConcurrentDispatches),
		},
		RetryConfig:              retryToProto(queue.Retry),
		State:                    cloudtaskspb.Queue_State(queue.State),
		PurgeTime:                timeToProto(queue.PurgeTime),
		HttpTarget:               targetToProto(queue.HTTPTarget),
		AppEngineRoutingOverride: routingToProto(queue.AppEngineRouting),
	}
	if queue.SamplingRatio != nil {
		p.StackdriverLoggingConfig = &cloudtaskspb.StackdriverLoggingConfig{SamplingRatio: *queue.SamplingRatio}
	}
	return p
}

func retryFromProto(p *cloudtaskspb.RetryConfig) (cloudtask.RetryConfig, error) {
	retry := cloudtask.RetryConfig{MaxAttempts: int(p.GetMaxAttempts()), MaxDoublings: int(p.GetMaxDoublings())}
	for _, field := range []struct {
		name string
		from *durationpb.Duration
		to   *time.Duration
	}{
		{"RetryConfig.maxRetryDuration", p.GetMaxRetryDuration(), &retry.MaxRetryDuration},
		{"RetryConfig.minBackoff", p.GetMinBackoff(), &retry.MinBackoff},
		{"RetryConfig.maxBackoff", p.GetMaxBackoff(), &retry.MaxBackoff},
	} {
		var err error
		if *field.to, err = durationFromProto(field.name, field.from); err != nil {
			return retry, err
		}
		back := durationpb.New(*field.to)
		if field.from.GetSeconds() > 0 && (back.GetSeconds() != field.from.GetSeconds() || back.GetNanos() != field.from.GetNanos()) {
			return retry, invalid("%s is %d s, and the embedded queue keeps at most %d s, which are 292 "+
				"years.", field.name, field.from.GetSeconds(), int64(math.MaxInt64/time.Second))
		}
	}
	return retry, nil
}

func retryToProto(retry cloudtask.RetryConfig) *cloudtaskspb.RetryConfig {
	return &cloudtaskspb.RetryConfig{
		MaxAttempts:      countToProto(retry.MaxAttempts),
		MaxRetryDuration: durationToProto(retry.MaxRetryDuration),
		MinBackoff:       durationToProto(retry.MinBackoff),
		MaxBackoff:       durationToProto(retry.MaxBackoff),
		MaxDoublings:     countToProto(retry.MaxDoublings),
	}
}

// durationFromProto saturates at the 292 years that a time.Duration holds. Unset and zero are the same to the engine.
func durationFromProto(field string, p *durationpb.Duration) (time.Duration, error) {
	if p == nil {
		return 0, nil
	}
	if err := p.CheckValid(); err != nil {
		return 0, invalid("%s is invalid: %v", field, err)
	}
	return p.AsDuration(), nil
}

func durationToProto(d time.Duration) *durationpb.Duration {
	if d == 0 {
		return nil
	}
	return durationpb.New(d)
}

func timeToProto(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// countToProto saturates: a queue defined in Go may have limits beyond the wire's.
func countToProto(n int) int32 { return int32(max(math.MinInt32, min(n, math.MaxInt32))) }
