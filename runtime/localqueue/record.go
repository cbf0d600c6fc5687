package localqueue

import (
	"encoding/binary"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// record is the immutable part of a task, packed into one string: a waiting task costs little more than its own bytes, and requests
// are made of slices of it without copying.
//
// It holds: URL, method, deadline in ms, headers by name, token, retry settings, body. Strings are preceded by their
// length; numbers are varints. The URL of an App Engine task is its relative URI, which, unlike other URLs, begins with a slash.
type record string

const (
	tokenNone = iota
	tokenOIDC
	tokenOAuth
	tokenAppEngine // none, and the task is for App Engine: service, version and instance follow
)

// pack packs a task that [resource.Normalize] returned.
func pack(t *resource.Task) record {
	h := t.Request()
	size := len(h.URL) + len(h.Body) + 64
	for k, v := range h.Header {
		size += len(k) + len(v) + 2*binary.MaxVarintLen32
	}
	var scratch [1 << 10]byte // on the stack: most tasks need no allocation
	b := scratch[:0]
	if size > len(scratch) {
		b = make([]byte, 0, size)
	}
	b = packString(b, h.URL)
	b = packString(b, h.Method)
	b = binary.AppendVarint(b, t.DispatchDeadline.Milliseconds())
	b = binary.AppendVarint(b, int64(len(h.Header)))
	keys := make([]string, 0, 16) // on the stack, mostly
	for k := range h.Header {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		b = packString(packString(b, k), h.Header[k])
	}
	switch {
	case t.AppEngine != nil:
		routing := t.AppEngine.Routing
		b = append(b, tokenAppEngine)
		b = packString(packString(packString(b, routing.Service), routing.Version), routing.Instance)
	case h.OIDC != nil:
		b = append(b, tokenOIDC)
		b = packString(packString(b, h.OIDC.ServiceAccount), h.OIDC.Audience)
	case h.OAuth != nil:
		b = append(b, tokenOAuth)
		b = packString(packString(b, h.OAuth.ServiceAccount), h.OAuth.Scope)
	default:
		b = append(b, tokenNone)
	}
	if r := t.Retry; r == nil {
		b = append(b, 0)
	} else {
		b = append(b, 1)
		for _, n := range []int64{int64(r.MaxAttempts), int64(r.MaxRetryDuration), int64(r.MinBackoff), int64(r.MaxBackoff), int64(r.MaxDoublings)} {
			b = binary.AppendVarint(b, n)
		}
	}
	b = append(b, h.Body...)
	return record(b)
}

func packString(b []byte, s string) []byte {
	return append(binary.AppendVarint(b, int64(len(s))), s...)
}

// contents is an unpacked record; its strings share the record's memory.
type contents struct {
	url, method string
	deadline    time.Duration
	header      []headerField
	token       int // tokenNone, tokenOIDC, tokenOAuth or tokenAppEngine
	account     string
	audience    string // or scope
	routing     resource.AppEngineRouting
	retry       *cloudtask.RetryConfig
	body        string
}

type headerField struct{ key, value string }

func (r record) unpack() contents {
	var c contents
	c.url = r.string()
	c.method = r.string()
	c.deadline = time.Duration(r.int()) * time.Millisecond
	c.header = make([]headerField, r.int())
	for i := range c.header {
		c.header[i] = headerField{r.string(), r.string()}
	}
	switch c.token = r.byte(); c.token {
	case tokenOIDC, tokenOAuth:
		c.account, c.audience = r.string(), r.string()
	case tokenAppEngine:
		c.routing = resource.AppEngineRouting{Service: r.string(), Version: r.string(), Instance: r.string()}
	}
	if r.byte() == 1 {
		c.retry = &cloudtask.RetryConfig{
			MaxAttempts:      int(r.int()),
			MaxRetryDuration: time.Duration(r.int()),
			MinBackoff:       time.Duration(r.int()),
			MaxBackoff:       time.Duration(r.int()),
			MaxDoublings:     int(r.int()),
		}
	}
	c.body = string(r)
	return c
}

// isAppEngine reports whether the task is for App Engine.
func (r record) isAppEngine() bool { return r.string()[0] == '/' }

func (r *record) byte() int {
	c := (*r)[0]
	*r = (*r)[1:]
	return int(c)
}

func (r *record) int() int64 {
	var u uint64
	for shift := 0; ; shift += 7 {
		c := (*r)[0]
		*r = (*r)[1:]
		u |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return int64(u>>1) ^ -int64(u&1) // the zigzag of binary.AppendVarint
		}
	}
}

func (r *record) string() string {
	n := r.int()
	s := (*r)[:n]
	*r = (*r)[n:]
	return string(s)
}

// task returns the contents as a task in a view, without the fields that change over a task's life.
func (c *contents) task(view resource.View) *resource.Task {
	h := &resource.HTTPRequest{URL: c.url, Method: c.method, Header: make(map[string]string, len(c.header))}
	for _, f := range c.header {
		h.Header[f.key] = f.value
	}
	switch c.token {
	case tokenOIDC:
		h.OIDC = &resource.OIDCToken{ServiceAccount: c.account, Audience: c.audience}
	case tokenOAuth:
		h.OAuth = &resource.OAuthToken{ServiceAccount: c.account, Scope: c.audience}
	}
	t := &resource.Task{DispatchDeadline: c.deadline, Retry: c.retry, View: resource.ViewBasic}
	if view == resource.ViewFull {
		t.View = resource.ViewFull
		if c.body != "" {
			h.Body = []byte(c.body)
		}
	}
	if c.token == tokenAppEngine {
		t.AppEngine = &resource.AppEngineRequest{Method: h.Method, Routing: c.routing, RelativeURI: h.URL, Header: h.Header, Body: h.Body}
	} else {
		t.HTTP = h
	}
	return t
}

// override overrides parts of an HTTP task's contents, all but its URL, by the queue's target.
func (c *contents) override(t *resource.HTTPTarget) {
	if t.Method != "" {
		if c.method = t.Method; !takesBody(c.method) {
			c.body = ""
		}
	}
	if len(t.Header) > 0 || t.OIDC != nil || t.OAuth != nil {
		replaced := make(map[string]bool, len(t.Header)+1)
		for _, h := range t.Header {
			replaced[http.CanonicalHeaderKey(h.Key)] = true
		}
		c.header = slices.DeleteFunc(c.header, func(f headerField) bool { return replaced[http.CanonicalHeaderKey(f.key)] })
		for _, h := range t.Header {
			c.header = append(c.header, headerField{h.Key, h.Value})
		}
	}
	switch {
	case t.OIDC != nil:
		c.token, c.account, c.audience = tokenOIDC, t.OIDC.ServiceAccount, t.OIDC.Audience
	case t.OAuth != nil:
		c.token, c.account, c.audience = tokenOAuth, t.OAuth.ServiceAccount, t.OAuth.Scope
	}
}

func takesBody(method string) bool { return method == "POST" || method == "PUT" || method == "PATCH" }

// contains reports whether a field of the record contains a text, given in lower case.
func (r record) contains(lower string) bool {
	if containsFold(r.string(), lower) { // the URL
		return true
	}
	_, _ = r.string(), r.int()
	for range 2 * r.int() {
		if containsFold(r.string(), lower) {
			return true
		}
	}
	switch r.byte() {
	case tokenOIDC, tokenOAuth:
		_, _ = r.string(), r.string()
	case tokenAppEngine:
		_, _, _ = r.string(), r.string(), r.string()
	}
	if r.byte() == 1 {
		for range 5 {
			r.int()
		}
	}
	return containsFold(string(r), lower)
}

// containsFold reports whether s contains a text, given in lower case, ignoring the case of ASCII letters.
func containsFold(s, lower string) bool {
	first := lower[0]
	other := first
	if 'a' <= first && first <= 'z' {
		other -= 'a' - 'A'
	}
	for i := 0; i+len(lower) <= len(s); i++ {
		if (s[i] == first || s[i] == other) && equalFold(s[i:i+len(lower)], lower) {
			return true
		}
	}
	return false
}

func equalFold(s, lower string) bool {
	for i := range len(lower) {
		if c := s[i]; c != lower[i] && (c < 'A' || c > 'Z' || c+'a'-'A' != lower[i]) {
			return false
		}
	}
	return true
}

// lowerASCII is strings.ToLower for ASCII letters only, so lengths do not change.
func lowerASCII(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return 'A' <= r && r <= 'Z' }) {
		return s
	}
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
