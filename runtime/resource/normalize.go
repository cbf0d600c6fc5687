package resource

import (
	"maps"
	"strings"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
)

// Normalize checks a task that is to be created in queue and returns it as the service stores it, with the service's defaults,
// precision and headers, and the task's id. A task without a name gets the id that newID returns. The result shares in's body.
func Normalize(queue string, in *Task, now time.Time, newID func() string) (t *Task, id string, err error) {
	if in == nil {
		return nil, "", Invalid("Task is required.")
	}
	if in.Err != nil {
		return nil, "", in.Err
	}
	t = &Task{Name: in.Name, DispatchDeadline: in.DispatchDeadline, View: in.View, CreateTime: now.UTC().Truncate(time.Second)}
	if id, err = normalizeName(t, queue, newID); err != nil {
		return nil, "", err
	}
	if err = in.View.Check(); err != nil {
		return nil, "", err
	}
	switch {
	case in.HTTP != nil && in.AppEngine != nil:
		err = Invalid("Task must have one target: either HttpRequest or AppEngineHttpRequest.")
	case in.HTTP != nil:
		t.HTTP, err = normalizeRequest(in.HTTP)
	case in.AppEngine != nil:
		t.AppEngine, err = normalizeAppEngine(in.AppEngine, queue)
	default:
		err = Invalid("Task must have a target: HttpRequest or AppEngineHttpRequest is required.")
	}
	if err != nil {
		return nil, "", err
	}
	if err = normalizeTimes(t, in.ScheduleTime, now); err != nil {
		return nil, "", err
	}
	if in.Retry != nil {
		retry := *in.Retry
		retry.MaxRetryDuration = retry.MaxRetryDuration.Truncate(time.Second)
		if err := checkRetry(RetryDefaults(retry)); err != nil {
			return nil, "", err
		}
		t.Retry = &retry
	}
	if t.storedSize() > rules.MaxTaskSize {
		return nil, "", Invalid("Task size too large")
	}
	return t, id, nil
}

func normalizeName(t *Task, queue string, newID func() string) (id string, err error) {
	if t.Name == "" {
		id = newID()
		t.Name = queue + "/tasks/" + id
		return id, nil
	}
	own, id, err := ParseTaskName(t.Name)
	if err != nil {
		return "", err
	}
	if own != queue {
		return "", Invalid("The queue name from request ('%s') must be the same as the queue name in the named task ('%s').", queue, own)
	}
	return id, nil
}

func normalizeTimes(t *Task, schedule, now time.Time) error {
	if schedule.After(now.Add(rules.MaxScheduleAhead)) {
		return Invalid("The Task.scheduleTime, %s, is too far in the future. Schedule time must be no more than 720h in the future.",
			pacific(schedule).Format(time.RFC3339))
	}
	if schedule.Before(now) { // unset is before everything
		schedule = now
	}
	t.ScheduleTime = schedule.UTC().Truncate(time.Microsecond)
	t.DispatchDeadline = t.DispatchDeadline.Truncate(time.Millisecond)
	if t.AppEngine != nil {
		if d := t.DispatchDeadline; d != 0 && (d < rules.MinDeadline || d > maxAppEngineDeadline) {
			return Invalid("Task.dispatchDeadline must be between [15s, 24h15s].")
		}
		return nil
	}
	if t.DispatchDeadline == 0 {
		t.DispatchDeadline = rules.DefaultDeadline
	}
	if t.DispatchDeadline < rules.MinDeadline || t.DispatchDeadline > rules.MaxDeadline {
		return Invalid("Task.dispatchDeadline must be between [15s, 30m].")
	}
	return nil
}

func normalizeRequest(in *HTTPRequest) (*HTTPRequest, error) {
	h := *in
	switch {
	case h.URL == "":
		return nil, Invalid("HttpRequest.url is required.")
	case !strings.HasPrefix(h.URL, "http://") && !strings.HasPrefix(h.URL, "https://"):
		return nil, Invalid("HttpTarget.url must start with 'http://' or 'https://'.")
	}
	if n := rules.EncodedURLLength(h.URL); n > rules.MaxURLLength {
		return nil, Invalid("HttpRequest.url must be at most %d characters after encoding: it has %d.", rules.MaxURLLength, n)
	}
	if h.Method == "" {
		h.Method = "POST"
	}
	switch h.Method {
	case "POST", "PUT", "PATCH":
	case "GET", "HEAD", "DELETE", "OPTIONS":
		if len(h.Body) > 0 {
			return nil, Invalid("HttpRequest.body is only allowed with the HTTP methods POST, PUT and PATCH, not %s.", h.Method)
		}
	default:
		return nil, Invalid("HttpRequest.httpMethod %q is unknown: it must be POST, GET, HEAD, PUT, DELETE, PATCH or OPTIONS.", h.Method)
	}
	size := 0
	for k, v := range h.Header {
		size += len(k) + len(v)
	}
	if size >= rules.MaxHeaderBytes {
		return nil, Invalid("HttpRequest.headers must be less than 80KB in all: they have %d bytes.", size)
	}
	h.Header = storedHeader(h.Header)
	return &h, normalizeToken(&h)
}

func normalizeToken(h *HTTPRequest) error {
	switch {
	case h.OIDC != nil && h.OAuth != nil:
		return Invalid("HttpRequest must have at most one of oidcToken and oauthToken.")
	case h.OIDC != nil && h.OIDC.ServiceAccount == "":
		return Invalid("OidcToken.serviceAccountEmail is required.")
	case h.OAuth != nil && h.OAuth.ServiceAccount == "":
		return Invalid("OAuthToken.serviceAccountEmail is required.")
	}
	return nil
}

// storedHeader returns the headers that the service stores: the caller's as they are spelt, without those that are the
// service's own to set, now or when the task is dispatched.
func storedHeader(in map[string]string) map[string]string {
	out := make(map[string]string, len(in)+1)
	maps.Copy(out, in)
	maps.DeleteFunc(out, func(k, _ string) bool {
		return rules.IsServiceHeader(k)
	})
	out["User-Agent"] = rules.UserAgent
	return out
}
