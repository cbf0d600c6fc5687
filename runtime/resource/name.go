package resource

import (
	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
)

// ParseTaskName splits the name of a task into its queue's name and its id. A malformed name is an error.
func ParseTaskName(name string) (queue, id string, err error) {
	queue, id, ok := rules.CutTask(name)
	if ok {
		_, _, ok = rules.SplitQueue(queue)
	}
	if !ok {
		return "", "", Invalid(`Task name must be formatted: "projects/<PROJECT_ID>/locations/<LOCATION_ID>/queues/<QUEUE_ID>/tasks/<TASK_ID>"`)
	}
	if !rules.ValidTaskID(id) {
		return "", "", invalidWithHelp("Definition of task ID", docTaskName, `Task ID "`+id+
			`" can contain only letters ([A-Za-z]), numbers ([0-9]), hyphens (-), or underscores (_). Task ID must between 1 and 500 characters.`)
	}
	return queue, id, nil
}

// CheckQueueName refuses a malformed name in a call that names an existing queue.
func CheckQueueName(name string) error {
	if _, _, ok := rules.SplitQueue(name); !ok {
		return badResource()
	}
	return nil
}

// CheckLocation refuses a parent that is not projects/P/locations/L.
func CheckLocation(parent string) error {
	if _, _, ok := rules.SplitLocation(parent); !ok {
		return badResource()
	}
	return nil
}

func badResource() error {
	return Error(cloudtask.InvalidArgument, "Invalid resource field value in the request.")
}
