package emulator

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
)

const (
	maxEvents      = 10_000   // that are kept
	maxEventsBytes = 16 << 20 // that their texts have
	maxEventsPage  = 1000     // in one answer
)

// eventLog keeps the latest events for those who ask for them. It begins when it is told to, and costs nothing before.
type eventLog struct {
	mu    sync.Mutex
	stop  func() // nil: not begun
	first int    // number of kept[0]
	kept  []localqueue.Event
	bytes int // of the texts of those that are kept
}

// begin begins to keep the queue's events, unless that has been done, and returns the number of the next.
func (l *eventLog) begin(queue *localqueue.Service) (next int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stop == nil {
		l.stop = queue.Observe(l.observe)
	}
	return l.first + len(l.kept)
}

func (l *eventLog) begun() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stop != nil
}

// end keeps no more, and forgets.
func (l *eventLog) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stop != nil {
		l.stop()
		l.kept, l.bytes = nil, 0
	}
}

// observe keeps e.
func (l *eventLog) observe(e localqueue.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept = append(l.kept, e)
	l.bytes += textSize(&e)
	for len(l.kept) > maxEvents || l.bytes > maxEventsBytes {
		l.bytes -= textSize(&l.kept[0])
		l.kept[0] = localqueue.Event{}
		l.kept = l.kept[1:]
		l.first++
	}
}

func textSize(e *localqueue.Event) int {
	size := len(e.Queue) + len(e.Task) + len(e.URL) + len(e.Failure) + len(e.Response)
	if e.Err != nil {
		size += len(e.Err.Error())
	}
	return size
}

// since returns the events from number n on, and the number of the first of them, which is greater than n when others
// are not kept any more.
func (l *eventLog) since(n int) (events []localqueue.Event, first int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	first = min(max(n, l.first), l.first+len(l.kept))
	if i := first - l.first; i < len(l.kept) {
		events = append(events, l.kept[i:min(len(l.kept), i+maxEventsPage)]...)
	}
	return events, first
}

// clear forgets the events, whose numbers go on.
func (l *eventLog) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.first += len(l.kept)
	l.kept, l.bytes = nil, 0
}

type eventsJSON struct {
	Events []eventJSON `json:"events"`
	Next   int         `json:"next"`             // what to ask for the next time
	Missed int         `json:"missed,omitempty"` // events before the first that are not kept any more
}

type eventJSON struct {
	Number   int        `json:"number"`
	Kind     string     `json:"kind"`
	Time     time.Time  `json:"time"`
	Queue    string     `json:"queue"`
	Task     string     `json:"task"`
	URL      string     `json:"url"`
	Attempt  int        `json:"attempt,omitempty"`
	Next     *time.Time `json:"next,omitempty"`
	Fault    string     `json:"fault,omitempty"`
	Duration duration   `json:"duration,omitempty"`
	Status   int        `json:"status,omitempty"`
	Failure  string     `json:"failure,omitempty"`
	Error    string     `json:"error,omitempty"`
	Response string     `json:"response,omitempty"`
}

func (c *control) beginEvents(r *http.Request) (any, error) {
	if _, err := c.read(r); err != nil {
		return nil, err
	}
	return map[string]any{"next": c.events.begin(c.queue)}, nil
}

func (c *control) getEvents(r *http.Request) (any, error) {
	if !c.events.begun() {
		return nil, &cloudtask.StatusError{Code: cloudtask.FailedPrecondition, Message: "events are not recorded: POST events begins it"}
	}
	since := 0
	if text := r.URL.Query().Get("since"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return nil, badControl(`since=%q: want the number that an answer gave as "next"`, text)
		}
		since = n
	}
	events, first := c.events.since(since)
	answer := eventsJSON{Events: make([]eventJSON, len(events)), Next: first + len(events), Missed: max(0, first-since)}
	for i, e := range events {
		answer.Events[i] = eventToJSON(first+i, e)
	}
	return answer, nil
}

func eventToJSON(number int, e localqueue.Event) eventJSON {
	out := eventJSON{
		Number: number, Kind: e.Kind.String(), Time: e.Time, Queue: e.Queue, Task: e.Task, URL: e.URL, Attempt: e.Attempt,
		Fault: string(e.Fault), Duration: duration(e.Duration), Status: e.Status, Failure: e.Failure, Response: string(e.Response),
	}
	if !e.Next.IsZero() {
		out.Next = &e.Next
	}
	if e.Err != nil {
		out.Error = e.Err.Error()
	}
	return out
}
