// Package ended tells whether a context has ended, for the errors of calls that end with it.
package ended

import (
	"context"
	"time"
)

// Err returns the error of a context that has ended, or that is about to because its deadline has passed: what waits for
// the deadline elsewhere, such as a connection, may notice before the context's own timer. It returns nil otherwise.
func Err(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return nil
}
