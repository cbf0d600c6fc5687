// API accepts images and enqueues tasks that make thumbnails of them. The worker runs the tasks.
package main

import (
	"cmp"
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/examples/services/images"
	"github.com/cloudtaskgen/cloudtaskgen/examples/services/serve"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/gcp"
)

// newAPI returns the API's handler.
func newAPI(client *cloudtask.Client) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /images/{name}", func(w http.ResponseWriter, r *http.Request) {
		// The image is stored by now. Its thumbnail is made even if the client disconnects, which cancels the request's context.
		ctx := context.WithoutCancel(r.Context())
		receipt, err := images.EnqueueResizeAsap(ctx, client, images.Resize{Image: r.PathValue("name")})
		if err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprintln(w, receipt.TaskID)
	})
	return mux
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal exits immediately

	cfg := must(cloudtask.ConfigFromEnv())
	client := must(gcp.NewClient(context.Background(), cfg))
	listener := must(net.Listen("tcp", ":"+cmp.Or(os.Getenv("PORT"), "8080")))
	if err := serve.Run(ctx, listener, newAPI(client), 8*time.Second); err != nil {
		log.Fatal(err)
	}
	if err := client.Close(); err != nil {
		log.Print(err)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}
