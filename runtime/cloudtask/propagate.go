package cloudtask

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
)

// PropagateHeaders returns middleware that keeps the configured headers of incoming requests
// ([Config].PropagatedHeaders, by default traceparent) in the request's context. Tasks that are enqueued with that
// context, or one derived from it, carry them, and their handler does the same for what they enqueue in turn. Names
// that cannot be propagated are left out here; [NewHandler] and [NewClient] refuse a configuration that has them.
func PropagateHeaders(cfg Config) func(http.Handler) http.Handler {
	names := slices.DeleteFunc(cfg.withDefaults().PropagatedHeaders, func(name string) bool { return checkPropagated(name) != nil })
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if captured := capture(r.Header, names); captured != nil {
				r = r.WithContext(contextWithHeaders(r.Context(), captured))
			}
			next.ServeHTTP(w, r)
		})
	}
}

type headersKey struct{}

// contextWithHeaders returns a context whose enqueues carry the headers.
func contextWithHeaders(ctx context.Context, headers http.Header) context.Context {
	return context.WithValue(ctx, headersKey{}, headers)
}

// headersFrom returns the headers that were captured into ctx, nil without any. They are shared: not to be modified.
func headersFrom(ctx context.Context) http.Header {
	headers, _ := ctx.Value(headersKey{}).(http.Header)
	return headers
}

// capture returns the named headers that h has, nil when it has none of them.
func capture(h http.Header, canonical []string) http.Header {
	var captured http.Header
	for _, name := range canonical {
		if values := h[name]; len(values) > 0 {
			if captured == nil {
				captured = make(http.Header, len(canonical))
			}
			captured[name] = slices.Clone(values)
		}
	}
	return captured
}

// checkPropagated returns an error that says why the header cannot be carried from a request to a task, nil when it
// can. The case of its letters does not matter.
func checkPropagated(name string) error {
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return !isTokenRune(r) }) {
		return fmt.Errorf("propagated header %q is not a header name", name)
	}
	if IsSecretHeader(name) {
		return fmt.Errorf("propagated header %q carries a caller's credentials or claims, which would be stored in tasks", name)
	}
	lower := strings.ToLower(name)
	switch {
	case rules.IsRequestHeader(name), rules.IsConnectionHeader(name), lower == "content-type", lower == "content-encoding", lower == "expect":
		return fmt.Errorf("propagated header %q belongs to one request and cannot be carried to another", name)
	}
	for _, prefix := range []string{"x-cloudtasks-", "x-cloudscheduler", "x-appengine-", "x-google-", "cloudtask-"} {
		if strings.HasPrefix(lower, prefix) {
			return fmt.Errorf("propagated header %q is set by the queue service itself", name)
		}
	}
	return nil
}

// isTokenRune reports whether r may stand in a header's name (RFC 9110, token).
func isTokenRune(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("!#$%&'*+-.^_`|~", r)
}
