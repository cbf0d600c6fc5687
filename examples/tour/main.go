// Tour demonstrates every feature of the manual in one process. It starts the embedded queue, serves the tasks' handler, enqueues tasks
// of every kind through the official Cloud Tasks client, and prints what happens and why. It takes a few seconds, and fails if anything
// unexpected happens.
//
//	go run ./examples/tour
//
// The tasks are in package tasks, and the scenes that use them in the files scenes_*.go.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path"
	"slices"
	"syscall"
	"time"

	cloudtasks "cloud.google.com/go/cloudtasks/apiv2"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/cloudtaskgen/cloudtaskgen/examples/tour/documents"
	"github.com/cloudtaskgen/cloudtaskgen/examples/tour/tasks"
	"github.com/cloudtaskgen/cloudtaskgen/examples/tour/timeline"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/emulator"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/gcp"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
)

func main() {
	queue := flag.String("queue", "", "use the embedded queue that cloudtask dev serves at `HOST:PORT` instead of starting one")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal exits immediately
	if err := tour(ctx, os.Stdout, *queue); err != nil {
		fmt.Fprintln(os.Stderr, "tour:", err)
		os.Exit(1)
	}
}

// tour plays all scenes with the queue at queueAddr. If that is "", it starts an embedded queue.
func tour(ctx context.Context, out io.Writer, queueAddr string) error {
	line := timeline.New(out)
	quiet := slog.New(slog.DiscardHandler) // the timeline shows everything

	if queueAddr == "" {
		queue, err := localqueue.New(localqueue.WithStrict(), localqueue.WithLogger(quiet), localqueue.WithObserver(explain(line)))
		if err != nil {
			return err
		}
		defer queue.Close()
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		server := emulator.Serve(queue, listener, emulator.WithLogger(quiet))
		defer server.Close()
		queueAddr = server.Addr().String()
	}

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	cfg := cloudtask.Config{
		Project:        "demo",
		Location:       "here",
		BaseURL:        "http://" + listener.Addr().String(),
		AppName:        "tour",
		MaxETA:         7 * 24 * time.Hour,
		ServiceAccount: "tasks@demo.iam.gserviceaccount.com",
		EmulatorHost:   queueAddr,
		Logger:         quiet,
	}
	client, err := gcp.NewClient(ctx, cfg)
	if err != nil {
		return err
	}
	defer client.Close()

	app := &tasks.App{
		Client: client,
		Users: map[int64]tasks.User{
			1: {Name: "Ada", Email: "ada@example.com"},
			2: {Name: "Bo", Email: "bo@example.com"},
			3: {Name: "Cy", Email: "cy@example.com"},
		},
		Spread: 200 * time.Millisecond,
		Mail: func(ctx context.Context, to, message string) error {
			line.Note("mail to "+to, "%s", message)
			return nil
		},
		Note: line.Note,
	}
	// One handler serves the tasks of both packages. For one package, tasks.NewHandler(cfg, app) is all.
	handler, err := cloudtask.NewHandler(cfg, slices.Concat(tasks.Routes(app), documents.Routes(archiver{app}))...)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/tasks/", tasks.WithCorrelationID(handler))
	server := &http.Server{Handler: mux}
	defer shutdown(server)
	go server.Serve(listener) //nolint:errcheck // it ends with shutdown

	google, err := officialClient(ctx, queueAddr)
	if err != nil {
		return err
	}
	defer google.Close()

	fmt.Fprintf(out, "The queue is at %s, the tasks' handler at %s.\n"+
		"Each line shows the time, the actor and the event. Concurrent events are printed in any order.\n", queueAddr, cfg.BaseURL)
	s := &stage{Timeline: line, cfg: cfg, app: app, client: client, google: google}
	if err := s.createQueues(ctx); err != nil {
		return err
	}
	if err := s.play(ctx); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nDone: %s, everything as expected.\n", line.Summary())
	return nil
}

// shutdown waits for running tasks to finish, as a program should when it is stopped.
func shutdown(server *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), 9*time.Second)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		server.Close()
	}
}

// officialClient returns Google's client, connected to the embedded queue. gcp.NewClient creates its own.
func officialClient(ctx context.Context, queueAddr string) (*cloudtasks.Client, error) {
	return cloudtasks.NewClient(ctx,
		option.WithEndpoint(queueAddr),
		option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())),
	)
}

// explain returns an observer that prints how the queue reacts to unsuccessful attempts.
func explain(line *timeline.Timeline) func(localqueue.Event) {
	return func(e localqueue.Event) {
		task := path.Base(e.URL)
		switch {
		case e.Kind == localqueue.TaskRetried:
			line.Aside("queue", "%s responded with %d, next attempt in %v", task, e.Status, e.Next.Sub(e.Time).Round(time.Millisecond))
		case e.Kind == localqueue.TaskExhausted:
			line.Aside("queue", "%s responded with %d, retries exhausted after attempt %d", task, e.Status, e.Attempt)
		case e.Kind == localqueue.TaskSucceeded && e.Status != http.StatusOK:
			line.Aside("queue", "%s responded with %d, not retried", task, e.Status)
		}
	}
}
