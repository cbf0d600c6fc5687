package localqueue

import (
	"strings"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

// Longest ids that Cloud Tasks allows.
const (
	maxQueueID = 100
	maxTaskID  = 500
)

// splitQueueName splits projects/P/locations/L/queues/Q into projects/P/locations/L and Q.
func splitQueueName(name string) (location, id string, ok bool) {
	i := strings.LastIndex(name, "/queues/")
	if i < 0 {
		return "", "", false
	}
	location, id = name[:i], name[i+len("/queues/"):]
	return location, id, validLocation(location) && validQueueID(id)
}

// queueOfTask returns the queue's name and the id of a task name, checking neither. It counts slashes, since projects,
// locations and queues may be called "queues" or "tasks" too. An id with a slash is the id's error, not the name's.
func queueOfTask(name string) (queue, id string, ok bool) {
	slashes := 0
	for i := range len(name) {
		if name[i] != '/' {
			continue
		}
		if slashes++; slashes == 6 {
			id, ok = strings.CutPrefix(name[i+1:], "tasks/")
			return name[:i], id, ok
		}
	}
	return "", "", false
}

// parseTaskName returns the queue's name and the id of a well-formed task name.
func parseTaskName(name string) (queue, id string, err error) {
	queue, id, ok := queueOfTask(name)
	if ok {
		_, _, ok = splitQueueName(queue)
	}
	if !ok {
		return "", "", invalid(`Task name must be formatted: "projects/<PROJECT_ID>/locations/<LOCATION_ID>/queues/<QUEUE_ID>/tasks/<TASK_ID>"`)
	}
	if len(id) == 0 || len(id) > maxTaskID || !only(id, isTaskIDByte) {
		return "", "", invalidWithHelp("Definition of task ID", docTaskName, `Task ID "`+id+
			`" can contain only letters ([A-Za-z]), numbers ([0-9]), hyphens (-), or underscores (_). Task ID must between 1 and 500 characters.`)
	}
	return queue, id, nil
}

// checkQueueName is for calls that name a queue which should exist.
func checkQueueName(name string) error {
	if _, _, ok := splitQueueName(name); !ok {
		return errBadResource()
	}
	return nil
}

func checkLocation(parent string) error {
	if !validLocation(parent) {
		return errBadResource()
	}
	return nil
}

func errBadResource() error {
	return status(cloudtask.InvalidArgument, "Invalid resource field value in the request.")
}

// validLocation reports whether name is projects/P/locations/L.
func validLocation(name string) bool {
	rest, ok := strings.CutPrefix(name, "projects/")
	if !ok {
		return false
	}
	project, location, ok := strings.Cut(rest, "/locations/")
	return ok && project != "" && location != "" && only(project, isProjectByte) && only(location, isQueueIDByte)
}

func validQueueID(id string) bool {
	return len(id) >= 1 && len(id) <= maxQueueID && only(id, isQueueIDByte)
}

func only(s string, allowed func(byte) bool) bool {
	for i := range len(s) {
		if !allowed(s[i]) {
			return false
		}
	}
	return true
}

func isQueueIDByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-'
}

func isProjectByte(c byte) bool { return isQueueIDByte(c) || c == ':' || c == '.' }

func isTaskIDByte(c byte) bool { return isQueueIDByte(c) || c == '_' }
