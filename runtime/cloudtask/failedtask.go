package cloudtask

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
)

// FailedTask is a failed attempt of a task as the handler saw it, saved in a file of [Config].SaveFailures. It holds everything that is
// needed to send the request again, to a handler under a debugger or in a test. Cloud Tasks forgets tasks that have no attempts left, and
// discarded ones at once; only the file remains.
type FailedTask struct {
	Name    string    // full resource name where the configuration has project and location, else the task's id
	Queue   string    // short queue id
	Type    string    // the task's name in URLs
	Time    time.Time // when the attempt ended
	Attempt int       // 1 for the first
	Outcome string    // as in the log: failed, panicked, timed out, canceled, discarded, bad payload or unknown task
	Status  int       // that it was answered with
	Error   string

	Method string
	URL    string // Config.BaseURL with the path and query of the request
	// Header is the request's, those of the queue service included, without those that [IsSecretHeader] reports.
	Header http.Header
	Body   []byte

	// Redacted names what was taken out of the request before it was saved, such as "header X-Api-Key" and "payload
	// card.number": sent again, it is not what the task was. What authorized the request is not named.
	Redacted []string

	ServiceAccount string // whose token the handler expected, "" where it expects none
	Audience       string // of that token
}

// failedTaskJSON is a [FailedTask] in its file. A payload that is JSON, written as compactly as generated codecs write
// it, stands there as JSON, for people to read and edit; any other is in base64.
type failedTaskJSON struct {
	Name           string          `json:"name"`
	Queue          string          `json:"queue"`
	Type           string          `json:"type"`
	Time           time.Time       `json:"time"`
	Attempt        int             `json:"attempt"`
	Outcome        string          `json:"outcome"`
	Status         int             `json:"status"`
	Error          string          `json:"error"`
	Method         string          `json:"method"`
	URL            string          `json:"url"`
	Headers        http.Header     `json:"headers"`
	Payload        json.RawMessage `json:"payload,omitempty"`
	Body           []byte          `json:"body,omitempty"`
	Redacted       []string        `json:"redacted,omitempty"`
	ServiceAccount string          `json:"serviceAccount,omitempty"`
	Audience       string          `json:"audience,omitempty"`
}

// ReadFailedTask reads a file of [Config].SaveFailures.
func ReadFailedTask(r io.Reader) (*FailedTask, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("reading a failed task: %w", err)
	}
	var f failedTaskJSON
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, fmt.Errorf("this is not a file of a failed task: %w", err)
	}
	switch u, err := url.Parse(f.URL); {
	case f.Method == "" || f.URL == "":
		return nil, errors.New(`this is not a file of a failed task: it has no "method" or no "url"`)
	case err != nil || u.Host == "":
		return nil, fmt.Errorf(`the failed task's "url" is %q: want an absolute URL`, f.URL)
	case f.Payload != nil && f.Body != nil:
		return nil, errors.New(`the failed task has both a "payload" and a "body": leave one of them`)
	}
	t := &FailedTask{
		Name: f.Name, Queue: f.Queue, Type: f.Type, Time: f.Time, Attempt: f.Attempt, Outcome: f.Outcome, Status: f.Status, Error: f.Error,
		Method: f.Method, URL: f.URL, Header: f.Headers, Body: f.Body, Redacted: f.Redacted,
		ServiceAccount: f.ServiceAccount, Audience: f.Audience,
	}
	if f.Payload != nil {
		var compact bytes.Buffer
		if err := json.Compact(&compact, f.Payload); err != nil {
			return nil, fmt.Errorf(`the failed task's "payload": %w`, err)
		}
		t.Body = compact.Bytes()
	}
	return t, nil
}

// encode returns the file's content.
func (t *FailedTask) encode() ([]byte, error) {
	f := failedTaskJSON{
		Name: t.Name, Queue: t.Queue, Type: t.Type, Time: t.Time, Attempt: t.Attempt, Outcome: t.Outcome, Status: t.Status, Error: t.Error,
		Method: t.Method, URL: t.URL, Headers: t.Header, Redacted: t.Redacted, ServiceAccount: t.ServiceAccount, Audience: t.Audience,
	}
	if isCompactJSON(t.Body) {
		f.Payload = t.Body
	} else {
		f.Body = t.Body
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false) // it would change the payload's bytes
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(f); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// isCompactJSON reports whether the body is JSON without any space, so that indenting it loses nothing, and without the
// line separators that encoding/json escapes when it is built with GOEXPERIMENT=jsonv2.
func isCompactJSON(body []byte) bool {
	var compact bytes.Buffer
	return utf8.Valid(body) && !bytes.Contains(body, []byte("\u2028")) && !bytes.Contains(body, []byte("\u2029")) &&
		json.Compact(&compact, body) == nil && compact.Len() > 0 && bytes.Equal(compact.Bytes(), body)
}

// replayHeader marks a request that repeats a task's and does not come from its queue.
const replayHeader = "Cloudtask-Replay"

// Request returns the request again, for a handler that runs elsewhere, marked so that [Metadata.Replay] and the
// handler's log tell it from the queue's own. base is where that handler is, such as http://localhost:8080: the path and
// query of the task's URL are appended to it; a base that has a path of its own is used as it is. "" keeps the URL.
//
// The request carries no token: put one into its Authorization header, or have that handler run with
// Config.InsecureNoAuth.
func (t *FailedTask) Request(ctx context.Context, base string) (*http.Request, error) {
	target, err := url.Parse(rules.EncodeURL(t.URL)) // as the queue service does
	if err != nil {
		return nil, fmt.Errorf("the task's URL: %w", err)
	}
	if base != "" {
		to, err := url.Parse(base)
		if err != nil || to.Host == "" || to.Scheme != "http" && to.Scheme != "https" {
			return nil, fmt.Errorf("cannot send to %q: want an http or https URL, such as http://localhost:8080", base)
		}
		if to.Path == "" || to.Path == "/" {
			to.Path, to.RawPath, to.RawQuery = target.Path, target.RawPath, target.RawQuery
		}
		target = to
	}
	r, err := http.NewRequestWithContext(ctx, t.Method, target.String(), bytes.NewReader(t.Body))
	if err != nil {
		return nil, fmt.Errorf("the task's request: %w", err)
	}
	for name, values := range t.Header {
		if !ofOneConnection(name) {
			r.Header[http.CanonicalHeaderKey(name)] = slices.Clone(values)
		}
	}
	r.Header.Set(replayHeader, "true")
	return r, nil
}

// ofOneConnection reports whether a header is about the connection or the form in which a request came, not about the
// request.
func ofOneConnection(name string) bool {
	switch http.CanonicalHeaderKey(name) {
	case "Host", "Content-Length", "Accept-Encoding", "Expect":
		return true
	}
	return rules.IsConnectionHeader(name)
}
