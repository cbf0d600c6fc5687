// Minimal is the shortest useful program: a web server that greets in the background. See README.md for how to run it.
package main

import (
	"cmp"
	"context"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/gcp"
)

//go:generate go tool cloudtaskgen

//cloudtask:task
type Greet struct{ Name string }

func (t Greet) Run(ctx context.Context) error { log.Printf("Hello, %s!", t.Name); return nil }

func main() {
	cfg := must(cloudtask.ConfigFromEnv())
	client := must(gcp.NewClient(context.Background(), cfg))
	http.Handle("/tasks/", must(NewHandler(cfg)))
	http.HandleFunc("POST /greet/{name}", func(w http.ResponseWriter, r *http.Request) {
		if _, err := EnqueueGreetAsap(r.Context(), client, Greet{Name: r.PathValue("name")}); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	server := &http.Server{Addr: ":" + cmp.Or(os.Getenv("PORT"), "8080")}
	go func() {
		if err := server.ListenAndServe(); err != http.ErrServerClosed {
			log.Fatal(err)
		}
	}()
	<-ctx.Done()
	stop() // a second signal exits immediately
	// Cloud Run kills an instance ten seconds after SIGTERM: time for running tasks to finish.
	ctx, cancel := context.WithTimeout(context.Background(), 9*time.Second)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		log.Print(err)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}
