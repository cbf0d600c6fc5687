package cloudtask

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
)

// timeoutHeader carries each task's dispatch deadline, in Go's duration syntax, so that the deadline of Run's context
// goes by it even when a deploy has changed the directive since the task was enqueued.
const timeoutHeader = "Cloudtask-Timeout"

// plainHeader returns the headers that every task has, with the default timeout.
func plainHeader() map[string]string {
	return map[string]string{"Content-Type": "application/json", timeoutHeader: rules.DefaultDeadline.String()}
}

// header is one header that an enqueue adds to its task.
type header struct{ name, value string }

// taskHeader returns the headers of a task: the payload's type, its timeout, the propagated headers of ctx and those
// of the caller, which win over propagated ones of the same name and keep their spelling. A token goes in tokenHeader.
func (c *Client) taskHeader(ctx context.Context, extra []header, timeout time.Duration, token string) (map[string]string, error) {
	captured := headersFrom(ctx)
	if len(captured) == 0 && len(extra) == 0 && timeout == rules.DefaultDeadline && token == "" {
		return c.header, nil
	}
	headers := make(map[string]string, 4+len(extra))
	maps.Copy(headers, c.header)
	if timeout != rules.DefaultDeadline {
		headers[timeoutHeader] = timeout.String()
	}
	if token != "" {
		headers[tokenHeader] = token
	}
	if len(captured) > 0 {
		for _, name := range c.cfg.PropagatedHeaders {
			value := strings.Join(captured[name], ", ")
			overridden := slices.ContainsFunc(extra, func(h header) bool { return strings.EqualFold(h.name, name) })
			// Whoever sent the request chose the value: an enqueue must not fail for it.
			if value != "" && !overridden && checkHeaderValue(value) == nil {
				headers[name] = value
			}
		}
	}
	for _, h := range extra {
		headers[h.name] = h.value
	}
	if len(headers) == len(c.header) {
		return headers, nil
	}
	size := len("User-Agent") + len(rules.UserAgent)
	for name, value := range headers {
		size += len(name) + len(value)
	}
	if size >= rules.MaxHeaderBytes {
		return nil, fmt.Errorf("the headers have %d bytes, they must have less than %d: %w", size, rules.MaxHeaderBytes, ErrTooLarge)
	}
	return headers, nil
}

// carried returns the propagated headers that a job carries on, nil without any.
func (c *Client) carried(j *job) http.Header {
	if len(j.task.Header) == len(c.header) {
		return nil
	}
	return c.propagated(j.task.Header)
}

// propagated returns the headers of a task that its Run sees in its metadata, nil without any.
func (c *Client) propagated(headers map[string]string) http.Header {
	var found http.Header
	for name, value := range headers {
		if name = http.CanonicalHeaderKey(name); slices.Contains(c.cfg.PropagatedHeaders, name) {
			if found == nil {
				found = make(http.Header, len(c.cfg.PropagatedHeaders))
			}
			found[name] = []string{value}
		}
	}
	return found
}

// checkHeader returns why a caller's header cannot go with a task, nil when it can.
func (c *Client) checkHeader(name, value string) error {
	if err := checkHeaderName(name, c.cfg.ServiceAccount != ""); err != nil {
		return fmt.Errorf("header %q: %w", name, err)
	}
	if err := checkHeaderValue(value); err != nil {
		return fmt.Errorf("header %q: value %s: %w", name, shorten(value), err)
	}
	return nil
}

// checkHeaderName returns why a task cannot have a header of this name. With a service account, Cloud Tasks sets the
// authorization.
func checkHeaderName(name string, serviceAccount bool) error {
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return !isTokenRune(r) }) {
		return errors.New("not a header name: want letters, digits and any of !#$%&'*+-.^_`|~")
	}
	lower := strings.ToLower(name)
	switch {
	case rules.IsRequestHeader(name), rules.IsDispatchHeader(name):
		return errors.New("is set by Cloud Tasks itself")
	case rules.IsConnectionHeader(name):
		return errors.New("is about one connection and cannot be stored with a task")
	case rules.IsReservedHeader(name):
		return errors.New("is dropped by Cloud Tasks, which reserves X-Google-* and X-AppEngine-*")
	case lower == "content-type":
		return errors.New("is always application/json, which the payload is")
	case lower == "authorization" && serviceAccount:
		return errors.New("is set by Cloud Tasks, to the token of the service account")
	case lower == strings.ToLower(timeoutHeader):
		return errors.New("carries the task's timeout: use WithTimeout")
	case lower == strings.ToLower(tokenHeader):
		return errors.New("marks the call that enqueued a task, and is set by the client")
	case lower == strings.ToLower(replayHeader):
		return errors.New("marks what cloudtask replay sends, which no queue does")
	}
	return nil
}

// checkHeaderValue returns why value cannot be a header's.
func checkHeaderValue(value string) error {
	for _, c := range []byte(value) {
		if c < ' ' && c != '\t' || c >= 0x7f {
			return fmt.Errorf("byte %#02x cannot stand in a header: want printable ASCII", c)
		}
	}
	return nil
}
