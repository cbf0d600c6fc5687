// Package serve ends an HTTP server without cutting off the tasks that are running.
package serve

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

// ErrStopping is why the context of a task has ended that was still running at the end of the grace period.
var ErrStopping = errors.New("the program is stopping")

// lastWords is how long a task has to return after its context has ended.
const lastWords = time.Second

// Run serves handler until ctx ends. Then it takes no more requests and waits for those that are running. After the grace
// period it ends their contexts, so that a task which cannot finish in time can stop cleanly: the answer is 500, and Cloud
// Tasks delivers it again, to another instance. The error is that of the server, or that a task did not stop.
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
	deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace+lastWords)
	defer cancel()
	return server.Shutdown(deadline)
}
