package localqueue

import (
	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
)

// parseTaskName returns the queue's name and the id of a well-formed task name.
func parseTaskName(name string) (queue, id string, err error) {
	queue, id, ok := rules.CutTask(name)
	if ok {
		_, _, ok = rules.SplitQueue(queue)
	}
	if !ok {
		return "", "", invalid(`Task name must be formatted: "projects/<PROJECT_ID>/locations/<LOCATION_ID>/queues/<QUEUE_ID>/tasks/<TASK_ID>"`)
	}
	if !rules.ValidTaskID(id) {
		return "", "", invalidWithHelp("Definition of task ID", docTaskName, `Task ID "`+id+
			`" can contain only letters ([A-Za-z]), numbers ([0-9]), hyphens (-), or underscores (_). Task ID must between 1 and 500 characters.`)
	}
	return queue, id, nil
}

// checkQueueName is for calls that name a queue which should exist.
func checkQueueName(name string) error {
	if _, _, ok := rules.SplitQueue(name); !ok {
		return badResource()
	}
	return nil
}

func checkLocation(parent string) error {
	if _, _, ok := rules.SplitLocation(parent); !ok {
		return badResource()
	}
	return nil
}

func badResource() error {
	return status(cloudtask.InvalidArgument, "Invalid resource field value in the request.")
}
