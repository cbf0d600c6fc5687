package queueyaml_test

import (
	"fmt"
	"log"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/queueyaml"
)

// An embedded queue gets the queues of production from their definition.
func ExampleParse() {
	queues, ignored, err := queueyaml.Parse([]byte(`
queue:
- name: emails
  rate: 20/s
  max_concurrent_requests: 5
  retry_parameters:
    task_retry_limit: 9
total_storage_limit: 120M
`))
	if err != nil {
		log.Fatal(err) // with the line of each mistake
	}
	for _, q := range queues {
		fmt.Println(q.Name, q.RateLimits.MaxDispatchesPerSecond, q.RateLimits.MaxConcurrentDispatches, q.Retry.MaxAttempts)
	}
	fmt.Println(ignored)

	queue, err := localqueue.New(localqueue.WithStrict(), localqueue.WithQueues(queues...))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(queue.Close())
	// Output:
	// emails 20 5 10
	// [line 8: total_storage_limit has no effect]
	// <nil>
}
