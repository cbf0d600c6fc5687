package localqueue

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
)

// WithDefaultURL gives HTTP tasks without a URL one. queue is a full name, an id in every project and location, or "" for all queues
// without an option of their own. {project}, {location} and {queue} in url are replaced by the task's. Cloud Tasks refuses tasks
// without a URL, but Firebase's SDK omits it when CLOUD_TASKS_EMULATOR_HOST is set, and leaves it to the emulator:
//
//	WithDefaultURL("", "http://127.0.0.1:5001/{project}/{location}/{queue}") // functions of the Firebase emulator
func WithDefaultURL(queue, url string) Option {
	return func(o *options) {
		if o.defaultURLs == nil {
			o.defaultURLs = make(map[string]string)
		}
		o.defaultURLs[queue] = url
	}
}

// defaultURL returns the URL for tasks without one in a queue, given by its full name; "" if there is none.
func (o *options) defaultURL(queue string) string {
	if len(o.defaultURLs) == 0 {
		return ""
	}
	location, id, _ := rules.SplitQueue(queue)
	for _, key := range []string{queue, id, ""} {
		if text, found := o.defaultURLs[key]; found {
			parts := strings.Split(location, "/") // projects/P/locations/L
			return strings.NewReplacer("{project}", parts[1], "{location}", parts[3], "{queue}", id).Replace(text)
		}
	}
	return ""
}

// checkDefaultURLs refuses URLs that no task can be sent to.
func (o *options) checkDefaultURLs() error {
	for queue, text := range o.defaultURLs {
		if _, _, ok := rules.SplitQueue(queue); !ok && queue != "" && !rules.ValidQueueID(queue) {
			return fmt.Errorf("localqueue: the default URL %q is for the queue %q: want projects/P/locations/L/queues/Q, "+
				"an id of 1 to %d letters, digits and hyphens, or nothing for all queues", text, queue, rules.MaxQueueID)
		}
		filled := strings.NewReplacer("{project}", "p", "{location}", "l", "{queue}", "q").Replace(text)
		u, err := url.Parse(filled)
		switch {
		case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
			return fmt.Errorf("localqueue: the default URL %q must be http:// or https:// and a host", text)
		case strings.ContainsAny(filled, "{}"):
			return fmt.Errorf("localqueue: the default URL %q: only {project}, {location} and {queue} are filled in", text)
		}
	}
	return nil
}
