package resource_test

import (
	"fmt"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// Update changes what the mask names, and Check refuses what Cloud Tasks refuses.
func ExampleQueue_Update() {
	queue := resource.Queue{Name: "projects/demo/locations/europe-west1/queues/emails"}.WithDefaults()
	change := resource.Queue{RateLimits: resource.RateLimits{MaxDispatchesPerSecond: 600, MaxConcurrentDispatches: 10}}
	if err := queue.Update(&change, []string{"rate_limits.max_dispatches_per_second"}); err != nil {
		fmt.Println(err)
	}

	fmt.Println(queue.RateLimits.MaxDispatchesPerSecond, "a second,", queue.RateLimits.MaxConcurrentDispatches, "at a time")
	fmt.Println(queue.Check(false))
	// Output:
	// 600 a second, 1000 at a time
	// INVALID_ARGUMENT: RateLimits.maxDispatchesPerSecond must be less than or equal to 500.
}
