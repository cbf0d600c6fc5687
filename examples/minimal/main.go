// Minimal is the shortest useful program: a web server that greets in the background. README.md says how to run it.
package main

import (
	"cmp"
	"context"
	"log"
	"net/http"
	"os"

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
	log.Fatal(http.ListenAndServe(":"+cmp.Or(os.Getenv("PORT"), "8080"), nil))
}

func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}
