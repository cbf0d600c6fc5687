package localqueue_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

type greet struct{ Name string }

// greeting is what cloudtaskgen writes for a task.
var greeting = cloudtask.Definition{
	Task: (*greet)(nil),
	Name: "Greet",
	Append: func(dst []byte, payload any) ([]byte, error) {
		task := payload.(*greet)
		data, err := json.Marshal(task)
		return append(dst, data...), err
	},
	Decode: func(data []byte, task any) error { return json.Unmarshal(data, task) },
}

// A program's client and handler in one process, with time that the program moves.
func Example() {
	cfg := cloudtask.Config{Project: "demo", Location: "europe-west1", InsecureNoAuth: true}
	route := greeting.Route(func(ctx context.Context, payload any) error {
		task := payload.(*greet)
		fmt.Println("attempt", cloudtask.MetadataFrom(ctx).Attempt(), "greets", task.Name)
		if cloudtask.MetadataFrom(ctx).FirstAttempt() {
			return fmt.Errorf("not in the mood")
		}
		return nil
	})
	handler, err := cloudtask.NewHandler(cfg, route)
	if err != nil {
		panic(err)
	}
	begin := time.Now()
	queue, err := localqueue.New(localqueue.WithHandler(handler), localqueue.WithVirtualClock(begin))
	if err != nil {
		panic(err)
	}
	client, err := cloudtask.NewClient(queue.Backend(), cfg)
	if err != nil {
		panic(err)
	}
	defer client.Close()

	ctx := context.Background()
	if _, err := greeting.Later(ctx, client, &greet{Name: "Ada"}, cloudtask.In(24*time.Hour)); err != nil {
		panic(err)
	}
	attempts, err := queue.RunUntilIdle(ctx)
	if err != nil {
		panic(err)
	}
	fmt.Println(attempts, "attempts after", queue.Now().Sub(begin).Round(time.Hour))
	// Output:
	// attempt 1 greets Ada
	// attempt 2 greets Ada
	// 2 attempts after 24h0m0s
}

// A handler that adds up without looking whether it has seen the task counts too much as soon as an answer gets lost.
func ExampleService_SetFaults() {
	total, seen := 0, make(map[string]bool)
	handler := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if task := r.Header.Get("X-CloudTasks-TaskName"); !seen[task] {
			seen[task] = true
			total++
		}
	})
	queue, err := localqueue.New(localqueue.WithHandler(handler), localqueue.WithVirtualClock(time.Time{}))
	if err != nil {
		log.Fatal(err)
	}
	defer queue.Close()
	if err := queue.SetFaults("emails", localqueue.Faults{Twice: 0.5, LoseAnswer: 0.5}); err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	for range 100 {
		task := &resource.Task{HTTP: &resource.HTTPRequest{URL: "http://localhost/tasks/Count"}}
		if _, err := queue.CreateTask(ctx, "projects/demo/locations/here/queues/emails", task); err != nil {
			log.Fatal(err)
		}
	}
	attempts, err := queue.RunUntilIdle(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("more attempts than tasks:", attempts > 100)
	fmt.Println("counted:", total)
	// Output:
	// more attempts than tasks: true
	// counted: 100
}
