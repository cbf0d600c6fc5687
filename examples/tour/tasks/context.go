package tasks

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

type correlationKey struct{}

// WithCorrelationID is middleware around the task handler. It puts into the context what tasks need from their request beyond the
// metadata, like a custom metadata class in the Django library.
func WithCorrelationID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := context.WithValue(r.Context(), correlationKey{}, r.Header.Get("X-Correlation-ID"))
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// CorrelationID returns the header X-Correlation-ID that the task was enqueued with, or "".
func CorrelationID(ctx context.Context) string {
	id, _ := ctx.Value(correlationKey{}).(string)
	return id
}

// origin describes where a task came from, according to its headers.
func origin(ctx context.Context) string {
	var origin string
	if id := CorrelationID(ctx); id != "" {
		origin += ", correlation " + id
	}
	// Version, trace, span and flags: see W3C Trace Context.
	if parts := strings.Split(cloudtask.MetadataFrom(ctx).Headers.Get("Traceparent"), "-"); len(parts) == 4 {
		origin += ", trace " + parts[1]
	}
	return origin
}

// timeLeft returns the time until the task's deadline, rounded to minutes.
func timeLeft(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return 0
	}
	return time.Until(deadline).Round(time.Minute)
}
