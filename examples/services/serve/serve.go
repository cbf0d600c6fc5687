// Package serve shuts down an HTTP server without interrupting running tasks.
package serve

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

// ErrStopping is the cause with which the contexts of tasks are canceled that are still running at the end of the grace period.
var ErrStopping = errors.New("the program is stopping")

// returnTime is how long tasks have to return after their context is canceled.
const returnTime = time.Second

// Run serves handler until ctx ends. Then it accepts no more requests, and waits for running ones. After the grace period it cancels
// their contexts, so tasks that cannot finish in time can stop cleanly: their response is 500, and Cloud Tasks delivers them again, to
// another instance. Run returns the server's error, or an error if a task did not stop.
func Run(ctx context.Context, listener net.Listener, handler http.Handler, grace time.Duration) error {
	running, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(nil)
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second, // no WriteTimeout: a task may take as long as its timeout
		BaseContext:       func(net.Listener) context.Context { return running },
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}

	defer time.AfterFunc(grace, func() { stop(ErrStopping) }).Stop()
	deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace+returnTime)
	defer cancel()
	return server.Shutdown(deadline)
}
