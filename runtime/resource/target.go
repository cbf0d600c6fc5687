package resource

import (
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
)

// HTTPTarget overrides parts of the requests of a queue's HTTP tasks: google.cloud.tasks.v2.HttpTarget. It applies when
// a task is attempted, so that changing it changes tasks that are waiting.
type HTTPTarget struct {
	URI    *URIOverride
	Method string           // "": the task's. With a method that takes no body, the task's body is not sent
	Header []HeaderOverride // each replaces the task's of that name; less than 80 KB in all

	// At most one of these: it replaces the task's Authorization headers and tokens. Account and audience, or scope,
	// are required.
	OIDC  *OIDCToken
	OAuth *OAuthToken
}

// URIOverride overrides parts of a task's URL; nil leaves the task's.
type URIOverride struct {
	Scheme *Scheme
	Host   *string      // not ""
	Port   *int64       // up to 65535; 0 removes the URL's
	Path   *string      // "" removes the URL's
	Query  *string      // without the question mark; "" removes the URL's
	Mode   OverrideMode // whether what the task's URL has is replaced
}

// Scheme is google.cloud.tasks.v2.UriOverride.Scheme, with its numbers.
type Scheme int

// The schemes.
const (
	SchemeUnspecified Scheme = 0 // the same as SchemeHTTPS
	SchemeHTTP        Scheme = 1
	SchemeHTTPS       Scheme = 2
)

// OverrideMode is google.cloud.tasks.v2.UriOverride.UriOverrideEnforceMode, with its numbers.
type OverrideMode int

// The modes.
const (
	OverrideUnspecified OverrideMode = 0 // the same as OverrideAlways
	OverrideIfNotExists OverrideMode = 1 // only what the task's URL does not have is set
	OverrideAlways      OverrideMode = 2
)

// HeaderOverride is one header of an [HTTPTarget].
type HeaderOverride struct{ Key, Value string }

// clone returns a copy that shares nothing with t.
func (t *HTTPTarget) clone() *HTTPTarget {
	if t == nil {
		return nil
	}
	c := *t
	c.Header = slices.Clone(t.Header)
	c.OIDC, c.OAuth = copyOf(t.OIDC), copyOf(t.OAuth)
	if t.URI != nil {
		c.URI = &URIOverride{
			Scheme: copyOf(t.URI.Scheme), Host: copyOf(t.URI.Host), Port: copyOf(t.URI.Port),
			Path: copyOf(t.URI.Path), Query: copyOf(t.URI.Query), Mode: t.URI.Mode,
		}
	}
	return &c
}

func copyOf[T any](p *T) *T {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}

// normalizeHTTPTarget returns the target as it is stored: without the headers that are the service's own to set.
func normalizeHTTPTarget(t *HTTPTarget) *HTTPTarget {
	t = t.clone()
	if t != nil {
		t.Header = slices.DeleteFunc(t.Header, func(h HeaderOverride) bool {
			return rules.IsServiceHeader(h.Key) || rules.IsConnectionHeader(h.Key)
		})
	}
	return t
}

// checkHTTPTarget refuses what the service refuses.
func checkHTTPTarget(t *HTTPTarget) error {
	if t == nil {
		return nil
	}
	switch t.Method {
	case "", "POST", "GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS":
	default:
		return Invalid("HttpTarget.httpMethod %q is unknown: it must be POST, GET, HEAD, PUT, DELETE, PATCH or OPTIONS.", t.Method)
	}
	size := 0
	for _, h := range t.Header {
		if h.Key == "" {
			return Invalid("HttpTarget.headerOverrides must not have a header without a key.")
		}
		size += len(h.Key) + len(h.Value)
	}
	switch {
	case size >= rules.MaxHeaderBytes:
		return Invalid("HttpTarget.headerOverrides must be less than 80KB in all: they have %d bytes.", size)
	case t.OIDC != nil && t.OAuth != nil:
		return Invalid("HttpTarget must have at most one of oidcToken and oauthToken.")
	case t.OIDC != nil && (t.OIDC.ServiceAccount == "" || t.OIDC.Audience == ""):
		return Invalid("HttpTarget.oidcToken must have both serviceAccountEmail and audience.")
	case t.OAuth != nil && (t.OAuth.ServiceAccount == "" || t.OAuth.Scope == ""):
		return Invalid("HttpTarget.oauthToken must have both serviceAccountEmail and scope.")
	}
	return checkURIOverride(t.URI)
}

func checkURIOverride(u *URIOverride) error {
	switch {
	case u == nil:
		return nil
	case u.Host != nil && *u.Host == "":
		return Invalid("UriOverride.host cannot be an empty string.")
	case u.Host != nil && (strings.ContainsAny(*u.Host, "/?#@ \t\r\n") || strings.Count(*u.Host, ":") > 1 && (*u.Host)[0] != '['):
		return Invalid("UriOverride.host %q must be a host name.", *u.Host)
	case u.Port != nil && (*u.Port < 0 || *u.Port > 65535):
		return Invalid("UriOverride.port must be between [0, 65535]: it is %d.", *u.Port)
	case u.Scheme != nil && (*u.Scheme < SchemeUnspecified || *u.Scheme > SchemeHTTPS):
		return Invalid("UriOverride.scheme %d is unknown: it must be HTTP or HTTPS.", *u.Scheme)
	case u.Mode < OverrideUnspecified || u.Mode > OverrideAlways:
		return Invalid("UriOverride.uriOverrideEnforceMode %d is unknown: it must be IF_NOT_EXISTS or ALWAYS.", u.Mode)
	}
	return nil
}

// URL returns the URL of a task that has none of its own (BufferTask), "" if the target does not name a host.
func (t *HTTPTarget) URL() string {
	if t == nil || t.URI == nil || t.URI.Host == nil {
		return ""
	}
	u := &url.URL{}
	t.URI.Apply(u)
	if u.Scheme == "" {
		u.Scheme = "https"
	}
	return u.String()
}

// Apply overrides parts of u.
func (o *URIOverride) Apply(u *url.URL) {
	replace := func(has bool) bool { return o.Mode != OverrideIfNotExists || !has }
	if o.Scheme != nil && replace(u.Scheme != "") {
		u.Scheme = "https"
		if *o.Scheme == SchemeHTTP {
			u.Scheme = "http"
		}
	}
	host, port := splitPort(u.Host)
	if o.Host != nil && replace(host != "") {
		var own string
		if host, own = splitPort(*o.Host); own != "" {
			port = own
		}
	}
	if o.Port != nil && replace(port != "") {
		port = ""
		if *o.Port > 0 {
			port = strconv.FormatInt(*o.Port, 10)
		}
	}
	if u.Host = host; port != "" {
		u.Host = net.JoinHostPort(strings.Trim(host, "[]"), port)
	}
	if o.Path != nil && replace(u.Path != "") {
		u.Path, u.RawPath = *o.Path, ""
		if path, err := url.PathUnescape(*o.Path); err == nil {
			u.Path, u.RawPath = path, *o.Path
		}
		if u.Path != "" && u.Path[0] != '/' {
			u.Path, u.RawPath = "/"+u.Path, ""
		}
	}
	if o.Query != nil && replace(u.RawQuery != "") {
		u.RawQuery, u.ForceQuery = rules.EncodeURL(strings.TrimPrefix(*o.Query, "?")), false
	}
}

// splitPort splits host[:port]; the brackets of an IPv6 address stay.
func splitPort(hostPort string) (host, port string) {
	u := url.URL{Host: hostPort}
	port = u.Port()
	return strings.TrimSuffix(strings.TrimSuffix(hostPort, port), ":"), port
}
