package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

// The types of what -json prints, which docs/command.md documents. Programs rely on them: fields may be added, but not changed.

// queueInfo describes a queue.
type queueInfo struct {
	Name                    string    `json:"name"`
	Project                 string    `json:"project"`
	Location                string    `json:"location"`
	ID                      string    `json:"id"`
	State                   string    `json:"state"`
	Tasks                   *int      `json:"tasks,omitempty"`     // nil: not counted
	MoreTasks               bool      `json:"moreTasks,omitempty"` // there are more than Tasks
	MaxDispatchesPerSecond  float64   `json:"maxDispatchesPerSecond"`
	MaxBurstSize            int       `json:"maxBurstSize"`
	MaxConcurrentDispatches int       `json:"maxConcurrentDispatches"`
	Retry                   retryInfo `json:"retry"`
	PurgeTime               time.Time `json:"purgeTime,omitzero"`
}

// retryInfo describes how tasks are retried.
type retryInfo struct {
	MaxAttempts      int      `json:"maxAttempts"` // -1: unlimited
	MaxRetryDuration duration `json:"maxRetryDuration,omitzero"`
	MinBackoff       duration `json:"minBackoff"`
	MaxBackoff       duration `json:"maxBackoff"`
	MaxDoublings     int      `json:"maxDoublings"`
}

// taskInfo describes a task.
type taskInfo struct {
	Name             string       `json:"name"`
	Queue            string       `json:"queue"` // id
	ID               string       `json:"id"`
	Type             string       `json:"type"`
	State            string       `json:"state"` // scheduled, due, held or running
	Target           string       `json:"target"`
	Method           string       `json:"method"`
	URL              string       `json:"url"` // of an App Engine task: its path
	CreateTime       time.Time    `json:"createTime,omitzero"`
	ScheduleTime     time.Time    `json:"scheduleTime,omitzero"`
	DispatchDeadline duration     `json:"dispatchDeadline,omitzero"`
	Dispatches       int          `json:"dispatches"`
	Responses        int          `json:"responses"`
	FirstAttempt     time.Time    `json:"firstAttempt,omitzero"`
	LastAttempt      *attemptInfo `json:"lastAttempt,omitempty"`
	ServiceAccount   string       `json:"serviceAccount,omitempty"`
	Audience         string       `json:"audience,omitempty"`
	Retry            *retryInfo   `json:"retry,omitempty"` // the task's own; absent: the queue's apply

	// Only in the output of show.

	Attempts []pastAttempt     `json:"attempts,omitempty"` // those that an embedded queue remembers
	Headers  map[string]string `json:"headers,omitempty"`
	Payload  json.RawMessage   `json:"payload,omitempty"` // the body if it is JSON
	Body     []byte            `json:"body,omitempty"`    // the body if it is not
}

// attemptInfo describes an attempt.
type attemptInfo struct {
	ScheduleTime time.Time `json:"scheduleTime,omitzero"`
	DispatchTime time.Time `json:"dispatchTime,omitzero"`
	ResponseTime time.Time `json:"responseTime,omitzero"`
	Status       int       `json:"status,omitempty"` // HTTP status, if the message has it
	Code         string    `json:"code,omitempty"`   // gRPC code
	Message      string    `json:"message,omitempty"`
}

// duration is a duration that JSON has in Go's syntax, such as "1h30m0s".
type duration time.Duration

func (d duration) String() string { return time.Duration(d).String() }

//nolint:unparam // an [encoding.TextMarshaler]
func (d duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

const (
	stateScheduled = "scheduled"
	stateDue       = "due"
	stateHeld      = "held" // due, but its queue is paused
	stateRunning   = "running"
)

func newQueueInfo(q *cloudtaskspb.Queue) queueInfo {
	limits := q.GetRateLimits()
	info := queueInfo{
		Name: q.GetName(), State: q.GetState().String(),
		MaxDispatchesPerSecond:  limits.GetMaxDispatchesPerSecond(),
		MaxBurstSize:            int(limits.GetMaxBurstSize()),
		MaxConcurrentDispatches: int(limits.GetMaxConcurrentDispatches()),
		Retry:                   newRetryInfo(q.GetRetryConfig()),
		PurgeTime:               fromTimestamp(q.GetPurgeTime()),
	}
	info.Project, info.Location, info.ID = splitQueue(q.GetName())
	return info
}

func newRetryInfo(r *cloudtaskspb.RetryConfig) retryInfo {
	return retryInfo{
		MaxAttempts: int(r.GetMaxAttempts()), MaxDoublings: int(r.GetMaxDoublings()),
		MaxRetryDuration: fromDuration(r.GetMaxRetryDuration()), MinBackoff: fromDuration(r.GetMinBackoff()), MaxBackoff: fromDuration(r.GetMaxBackoff()),
	}
}

// newTaskInfo returns the fields of a task that lists have. paused tells whether its queue is paused.
func newTaskInfo(task *cloudtaskspb.Task, now time.Time, paused bool) taskInfo {
	request := requestOf(task)
	info := taskInfo{
		Name: task.GetName(), Queue: lastSegment(queueOf(task.GetName())), ID: lastSegment(task.GetName()),
		Type: typeOf(task), Target: request.target, Method: request.method, URL: request.url,
		CreateTime: fromTimestamp(task.GetCreateTime()), ScheduleTime: fromTimestamp(task.GetScheduleTime()),
		DispatchDeadline: fromDuration(task.GetDispatchDeadline()),
		Dispatches:       int(task.GetDispatchCount()), Responses: int(task.GetResponseCount()),
		FirstAttempt:   fromTimestamp(task.GetFirstAttempt().GetDispatchTime()),
		ServiceAccount: request.account, Audience: request.audience,
	}
	if task.GetRetryConfig() != nil {
		retry := newRetryInfo(task.GetRetryConfig())
		info.Retry = &retry
	}
	if last := task.GetLastAttempt(); last != nil {
		info.LastAttempt = newAttemptInfo(last)
	}
	switch {
	case isRunning(task):
		info.State = stateRunning
	case info.ScheduleTime.After(now):
		info.State = stateScheduled
	case paused:
		info.State = stateHeld
	default:
		info.State = stateDue
	}
	return info
}

// isRunning reports whether an attempt has been dispatched and has no outcome yet.
func isRunning(task *cloudtaskspb.Task) bool {
	last := task.GetLastAttempt()
	return last.GetDispatchTime() != nil && last.GetResponseTime() == nil && last.GetResponseStatus().GetCode() == 0 && last.GetResponseStatus().GetMessage() == ""
}

func newAttemptInfo(a *cloudtaskspb.Attempt) *attemptInfo {
	info := &attemptInfo{
		ScheduleTime: fromTimestamp(a.GetScheduleTime()), DispatchTime: fromTimestamp(a.GetDispatchTime()), ResponseTime: fromTimestamp(a.GetResponseTime()),
		Message: a.GetResponseStatus().GetMessage(),
	}
	if info.Message != "" || a.GetResponseStatus().GetCode() != 0 {
		info.Code = cloudtask.Code(a.GetResponseStatus().GetCode()).String()
	}
	// Only the message has the status, as in "INTERNAL(13): HTTP status code 500".
	if _, text, found := strings.Cut(info.Message, "HTTP status code "); found {
		info.Status, _ = strconv.Atoi(text) // 0 if it is not a number
	}
	return info
}

// taskRequest is the request of a task with an HTTP or an App Engine target.
type taskRequest struct {
	target, method, url string
	headers             map[string]string
	body                []byte
	account, audience   string // of the OIDC token
}

func requestOf(task *cloudtaskspb.Task) taskRequest {
	if app := task.GetAppEngineHttpRequest(); app != nil {
		return taskRequest{target: "appengine", method: app.GetHttpMethod().String(), url: app.GetRelativeUri(), headers: app.GetHeaders(), body: app.GetBody()}
	}
	r := task.GetHttpRequest()
	return taskRequest{
		target: "http", method: r.GetHttpMethod().String(), url: r.GetUrl(), headers: r.GetHeaders(), body: r.GetBody(),
		account: r.GetOidcToken().GetServiceAccountEmail(), audience: r.GetOidcToken().GetAudience(),
	}
}

// typeOf returns the task's type: the last segment of its URL's path, which is where generated code puts it.
func typeOf(task *cloudtaskspb.Task) string {
	u, err := url.Parse(requestOf(task).url)
	if err != nil {
		return ""
	}
	return lastSegment(u.Path)
}

func fromTimestamp(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}

func fromDuration(d *durationpb.Duration) duration { return duration(d.AsDuration()) }

// writeJSON prints v as indented JSON.
func writeJSON(w io.Writer, v any) error {
	text, err := encodeJSON(v, "")
	if err != nil {
		return err
	}
	_, err = w.Write(append(text, '\n'))
	return err
}

// encodeJSON returns v as indented JSON, with prefix before each line but the first. Unprintable characters, all of which are in
// strings, are escaped because they could control a terminal.
func encodeJSON(v any, prefix string) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	indented := indentJSON(bytes.TrimSuffix(text.Bytes(), []byte("\n")), prefix)
	out := make([]byte, 0, len(indented))
	for _, r := range string(indented) {
		if r == '\n' || unicode.IsPrint(r) {
			out = utf8.AppendRune(out, r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			out = fmt.Appendf(out, `\u%04x`, unit)
		}
	}
	return out, nil
}

// maxIndented is the largest depth of JSON that is indented. Indentation grows with the square of the depth.
const maxIndented = 64

// indentJSON indents valid JSON, with prefix before each line but the first. It returns JSON deeper than maxIndented as it is.
func indentJSON(text []byte, prefix string) []byte {
	depth, inString := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > maxIndented {
				return text
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	var out bytes.Buffer
	if err := json.Indent(&out, text, prefix, "  "); err != nil {
		return text // cannot happen: it is valid
	}
	return out.Bytes()
}

// jsonList prints a JSON array element by element, so a long one is not kept in memory.
type jsonList struct {
	w     io.Writer
	begun bool
}

func (l *jsonList) add(v any) error {
	text, err := encodeJSON(v, "  ")
	if err != nil {
		return err
	}
	before := "[\n  "
	if l.begun {
		before = ",\n  "
	}
	l.begun = true
	_, err = io.WriteString(l.w, before+string(text))
	return err
}

func (l *jsonList) end() error {
	end := "[]\n"
	if l.begun {
		end = "\n]\n"
	}
	_, err := io.WriteString(l.w, end)
	return err
}
