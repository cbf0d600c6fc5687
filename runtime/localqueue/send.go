package localqueue

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/failedanswer"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
)

// send sends the task's request, follows redirects and reads the response.
func (s *Service) send(ctx context.Context, a *attempt, c *contents) outcome {
	target, header, err := s.prepare(ctx, a, c)
	if err != nil {
		return outcome{countsAs: countsAsUnreachable, err: err}
	}
	for hop := 0; ; hop++ {
		resp, err := s.transport.RoundTrip(newRequest(ctx, target, header, c))
		if err != nil {
			return outcome{countsAs: countsAsUnreachable, err: err}
		}
		next := redirection(resp, target)
		if next == nil || hop == maxRedirects || c.token == tokenAppEngine {
			return s.receive(resp, c)
		}
		_, _ = s.drain(resp)
		if next.Host != target.Host { // like net/http's client: secrets are for the original host only
			maps.DeleteFunc(header, func(key string, _ []string) bool { return cloudtask.IsSecretHeader(key) })
		}
		target = next
	}
}

// prepare returns the URL and headers of an attempt's request, and applies the queue's overrides to c.
func (s *Service) prepare(ctx context.Context, a *attempt, c *contents) (*url.URL, http.Header, error) {
	if c.token == tokenAppEngine {
		target, err := s.appEngineURL(a, c)
		return target, appEngineHeader(a, c), err
	}
	target, err := url.Parse(rules.EncodeURL(c.url))
	if err != nil {
		return nil, nil, err
	}
	if a.target != nil {
		if c.override(a.target); a.target.URI != nil {
			a.target.URI.Apply(target)
			c.url = target.String()
		}
	}
	if target.Host == "" {
		return nil, nil, fmt.Errorf("URL %q has no host", c.url)
	}
	authorization, err := s.authorization(ctx, c)
	if err != nil {
		return nil, nil, fmt.Errorf("making the task's token: %w", err)
	}
	return target, s.header(a, c, authorization), nil
}

// redirection returns the URL that a response redirects to; nil if it cannot be followed.
func redirection(resp *http.Response, from *url.URL) *url.URL {
	location := resp.Header.Get("Location")
	if resp.StatusCode < 300 || resp.StatusCode > 399 || location == "" {
		return nil
	}
	to, err := from.Parse(location)
	if err != nil || to.Scheme != "http" && to.Scheme != "https" || to.Host == "" {
		return nil
	}
	return to
}

// receive reads the response, up to maxDrain of its body.
func (s *Service) receive(resp *http.Response, c *contents) outcome {
	start, err := s.drain(resp)
	if err != nil {
		return outcome{countsAs: countsAsUnreachable, err: fmt.Errorf("reading the response of status %d: %w", resp.StatusCode, err)}
	}
	o := outcome{status: resp.StatusCode, countsAs: resp.StatusCode, response: start}
	if resp.StatusCode == http.StatusServiceUnavailable || resp.StatusCode == http.StatusTooManyRequests && c.token != tokenAppEngine {
		o.retryAfter = retryAfter(resp.Header.Get("Retry-After"), s.Now())
	}
	return o
}

// drain reads the body up to maxDrain and closes it. It returns the body's start if an observer or the queue's past needs it.
func (s *Service) drain(resp *http.Response) (start string, err error) {
	defer resp.Body.Close()
	if resp.StatusCode < 200 { // 101: the body is the connection, which never ends
		return "", nil
	}
	if resp.Body == http.NoBody {
		return "", nil
	}
	body := io.LimitReader(resp.Body, maxDrain)
	if (s.events.wanted.Load() || s.options.history > 0) && resp.ContentLength != 0 {
		if start, err = readStart(body); err != nil {
			return "", err
		}
	}
	_, err = io.Copy(io.Discard, body)
	return start, err
}

// startBuffers holds buffers for the beginnings of bodies.
var startBuffers = sync.Pool{New: func() any { return new([failedanswer.MaxSize]byte) }}

// readStart reads up to maxKept bytes, or the whole answer of a handler for a failed run.
func readStart(r io.Reader) (string, error) {
	buf := startBuffers.Get().(*[failedanswer.MaxSize]byte)
	defer startBuffers.Put(buf)
	most := maxKept
	for n := 0; ; {
		more, err := r.Read(buf[n:most])
		n += more
		if n == most && most == maxKept && failedanswer.Is(buf[:n]) {
			most = len(buf)
		}
		switch {
		case err == io.EOF || n == most:
			return string(buf[:n]), nil
		case err != nil:
			return "", err
		}
	}
}

// retryAfter returns the delay that a Retry-After header asks for; 0 if it is malformed.
func retryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(value, 10, 63); err == nil {
		return time.Duration(min(seconds, uint64(rules.Retention/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(at.Sub(now), 0), rules.Retention)
	}
	return 0
}

// header returns the headers of an attempt: the task's, and Cloud Tasks' own in its spelling.
func (s *Service) header(a *attempt, c *contents, authorization string) http.Header {
	n := len(c.header) + 5
	if a.previous != 0 {
		n += 2
	}
	if authorization != "" {
		n++
	}
	h := make(http.Header, n)
	values := make([]string, 0, n) // one allocation for all
	set := func(key, value string) {
		values = append(values, value)
		h[key] = values[len(values)-1 : len(values) : len(values)]
	}
	for _, f := range c.header {
		if !replacedHeader(f.key, authorization != "") {
			set(f.key, f.value)
		}
	}
	set(rules.HeaderQueueName, a.q.id)
	set(rules.HeaderTaskName, a.t.id)
	set(rules.HeaderRetryCount, strconv.Itoa(a.number-1))
	set(rules.HeaderExecutionCount, strconv.Itoa(a.executions))
	set(rules.HeaderETA, formatETA(a.schedule))
	if a.previous != 0 {
		set(rules.HeaderPreviousResponse, strconv.Itoa(a.previous))
		set(rules.HeaderRetryReason, "")
	}
	if authorization != "" {
		set("Authorization", authorization)
	}
	return h
}

// replacedHeader reports whether a task's header is not sent, because the task's token replaces it or because it concerns the
// connection.
func replacedHeader(key string, authorized bool) bool {
	return rules.IsConnectionHeader(key) || authorized && rules.CanonicalKey(key) == "Authorization"
}

// formatETA returns a time as Cloud Tasks' headers give it: seconds since the epoch with microseconds.
func formatETA(nanos int64) string {
	micros := nanos / 1000
	b := strconv.AppendInt(make([]byte, 0, 24), micros/1e6, 10)
	b = append(b, '.')
	for digit := int64(1e5); digit > 0; digit /= 10 {
		b = append(b, byte('0'+micros/digit%10))
	}
	return string(b)
}

// newBody returns a request's body. net/http knows from its type that it is in memory, and sends it together with the header.
func newBody(content string) io.ReadCloser { return io.NopCloser(strings.NewReader(content)) }

// newRequest returns the task's request to target. It shares the header.
func newRequest(ctx context.Context, target *url.URL, header http.Header, c *contents) *http.Request {
	r := &http.Request{
		Method: c.method, URL: target, Host: target.Host, Header: header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: http.NoBody,
	}
	if c.body != "" {
		r.ContentLength = int64(len(c.body))
		r.GetBody = func() (io.ReadCloser, error) { return newBody(c.body), nil }
		r.Body, _ = r.GetBody()
	}
	return r.WithContext(ctx)
}
