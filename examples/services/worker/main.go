// Worker runs the tasks that the API enqueues. It enqueues none, so it links neither gRPC nor Google's libraries.
package main

import (
	"cmp"
	"context"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/examples/services/images"
	"github.com/cloudtaskgen/cloudtaskgen/examples/services/serve"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

// resizer implements images.Runner.
type resizer struct{}

// RunResize waits a millisecond per pixel of width, in place of real work, and stops when its context ends.
func (resizer) RunResize(ctx context.Context, task images.Resize) error {
	slog.InfoContext(ctx, "resizing", "image", task.Image, "width", task.Width)
	select {
	case <-time.After(time.Duration(task.Width) * time.Millisecond):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal exits immediately

	cfg := must(cloudtask.ConfigFromEnv())
	mux := http.NewServeMux()
	mux.Handle("/tasks/", must(images.NewHandler(cfg, resizer{})))
	listener := must(net.Listen("tcp", ":"+cmp.Or(os.Getenv("PORT"), "8080")))
	// Cloud Run and Docker kill a program ten seconds after SIGTERM.
	if err := serve.Run(ctx, listener, mux, 8*time.Second); err != nil {
		log.Fatal(err)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}
