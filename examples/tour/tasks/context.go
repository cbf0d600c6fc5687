package tasks

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

type correlationKey struct{}

// WithCorrelationID is middleware around the task handler: what a task should know of its request, and the library does
// not tell it, goes into the context. It stands where the Django library has a custom metadata class.
func WithCorrelationID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := context.WithValue(r.Context(), correlationKey{}, r.Header.Get("X-Correlation-ID"))
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// CorrelationID returns what the task was pushed with as X-Correlation-ID, "" if nothing.
func CorrelationID(ctx context.Context) string {
	id, _ := ctx.Value(correlationKey{}).(string)
	return id
}

// origin says where a task came from, as far as its headers tell.
func origin(ctx context.Context) string {
	var origin string
	if id := CorrelationID(ctx); id != "" {
		origin += ", correlation " + id
	}
	// Version, trace, span and flags, see the W3C's Trace Context.
	if parts := strings.Split(cloudtask.MetadataFrom(ctx).Headers.Get("Traceparent"), "-"); len(parts) == 4 {
		origin += ", trace " + parts[1]
	}
	return origin
}

// timeLeft is how long a task still has, to the minute.
func timeLeft(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return 0
	}
	return time.Until(deadline).Round(time.Minute)
}
