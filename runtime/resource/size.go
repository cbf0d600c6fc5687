package resource

import (
	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
)

// storedSize returns the size of a normalized task that [rules.MaxTaskSize] bounds.
func (t *Task) storedSize() int {
	h := t.Request()
	request := rules.BytesSize(len(h.URL)) + 2 // http_method is an enum below 128
	for k, v := range h.Header {
		request += rules.MessageSize(rules.MessageSize(len(k)) + rules.MessageSize(len(v))) // a map's entries have both, even if empty
	}
	request += rules.BytesSize(len(h.Body))
	switch {
	case t.AppEngine != nil:
		r := t.AppEngine.Routing
		request += rules.MessageSize(rules.BytesSize(len(r.Service)) + rules.BytesSize(len(r.Version)) +
			rules.BytesSize(len(r.Instance)) + rules.BytesSize(len(r.Host)))
	case h.OAuth != nil:
		request += rules.MessageSize(rules.BytesSize(len(h.OAuth.ServiceAccount)) + rules.BytesSize(len(h.OAuth.Scope)))
	case h.OIDC != nil:
		request += rules.MessageSize(rules.BytesSize(len(h.OIDC.ServiceAccount)) + rules.BytesSize(len(h.OIDC.Audience)))
	}
	size := rules.BytesSize(len(t.Name)) + rules.MessageSize(request) + rules.TimeSize(t.ScheduleTime) + rules.TimeSize(t.CreateTime) + 2 // view
	size += rules.DurationSize(t.DispatchDeadline)
	if t.Retry != nil {
		size += rules.MessageSize(retrySize(t.Retry))
	}
	return size
}

func retrySize(r *cloudtask.RetryConfig) int {
	return rules.IntSize(int64(r.MaxAttempts)) + rules.DurationSize(r.MaxRetryDuration) + rules.DurationSize(r.MinBackoff) +
		rules.DurationSize(r.MaxBackoff) + rules.IntSize(int64(r.MaxDoublings))
}
