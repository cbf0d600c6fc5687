package rules

import "strings"

// The longest ids, in characters.
const (
	MaxQueueID = 100
	MaxTaskID  = 500
)

// ValidProject reports whether an id can be a project's: letters, digits, "-", ":" and ".".
func ValidProject(id string) bool {
	return id != "" && only(id, func(c byte) bool { return isIDByte(c) || c == ':' || c == '.' })
}

// ValidLocation reports whether an id can be a location's: letters, digits and "-".
func ValidLocation(id string) bool { return id != "" && only(id, isIDByte) }

// ValidQueueID reports whether an id can be a queue's: 1 to MaxQueueID letters, digits and "-".
func ValidQueueID(id string) bool { return 1 <= len(id) && len(id) <= MaxQueueID && only(id, isIDByte) }

// ValidTaskID reports whether an id can be a task's: 1 to MaxTaskID letters, digits, "-" and "_".
func ValidTaskID(id string) bool {
	return 1 <= len(id) && len(id) <= MaxTaskID && only(id, func(c byte) bool { return isIDByte(c) || c == '_' })
}

func isIDByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-'
}

func only(s string, allowed func(byte) bool) bool {
	for i := range len(s) {
		if !allowed(s[i]) {
			return false
		}
	}
	return true
}

// SplitLocation returns the ids in projects/P/locations/L; not ok when name is anything else.
func SplitLocation(name string) (project, location string, ok bool) {
	rest, ok := strings.CutPrefix(name, "projects/")
	if !ok {
		return "", "", false
	}
	project, location, ok = strings.Cut(rest, "/locations/")
	return project, location, ok && ValidProject(project) && ValidLocation(location)
}

// SplitQueue splits projects/P/locations/L/queues/Q into the location's name and the queue's id; not ok when name is anything else.
func SplitQueue(name string) (location, id string, ok bool) {
	i := strings.LastIndex(name, "/queues/")
	if i < 0 {
		return "", "", false
	}
	location, id = name[:i], name[i+len("/queues/"):]
	_, _, ok = SplitLocation(location)
	return location, id, ok && ValidQueueID(id)
}

// CutTask splits the name of a task into its queue's name and its id, and checks neither. It counts slashes, since projects,
// locations and queues may be called "queues" or "tasks" too. An id with a slash is the id's error, not the name's.
func CutTask(name string) (queue, id string, ok bool) {
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

// SplitTask splits projects/P/locations/L/queues/Q/tasks/T into the queue's name and the task's id; not ok when name is anything
// else.
func SplitTask(name string) (queue, id string, ok bool) {
	queue, id, ok = CutTask(name)
	if ok {
		_, _, ok = SplitQueue(queue)
	}
	return queue, id, ok && ValidTaskID(id)
}

// Last returns what follows the last slash: the id in a name, the task type in a task's URL.
func Last(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }
