// API takes images and has their thumbnails made by the worker: it enqueues tasks and runs none.
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

// newAPI returns what the API serves.
func newAPI(client *cloudtask.Client) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /images/{name}", func(w http.ResponseWriter, r *http.Request) {
		// The image is stored. Its thumbnail is made even if the user has left by now, which ends the request's context.
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
	context.AfterFunc(ctx, stop) // a second signal ends the program at once

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
