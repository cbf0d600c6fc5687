package localqueue

import (
	"context"
	"iter"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// Browse selects tasks for [Service.Browse]. Zero fields select all.
type Browse struct {
	Queue string // full resource name
	Type  string // see [Summary]
	Text  string // occurs in the id, URL, a header or the payload; ASCII letters match in either case

	State     TaskState
	NextFirst bool // by schedule time; false: the newest first

	// Ended selects tasks that are gone and remembered instead of present ones, the last to end first. It is how they ended:
	// TaskSucceeded, TaskExhausted, TaskDeleted, TaskPurged or TaskExpired.
	Ended   bool
	Outcome EventKind

	Size  int    // of the page; 0 or more than 1000: 1000
	After string // Found.Next of the page before; "" is the first page
}

// Found is a page of the tasks that [Service.Browse] found.
type Found struct {
	Tasks    []Summary
	Next     string   // continues the search; "" at its end
	Searched int      // number of tasks examined
	Types    []string // of the first of these, sorted
}

// Summary is a task in a list.
type Summary struct {
	Name      string // full resource name
	Type      string // the last part of the URL's path: for tasks of generated code, the task's name
	URL       string // of an App Engine task, the relative URI
	Method    string
	Payload   string // the body's first bytes, at most 256
	Size      int    // of the body in bytes
	Created   time.Time
	Scheduled time.Time // of the next attempt, or the one that is running
	Attempts  int       // that have begun
	Failure   string    // of the last attempt that failed, such as "INTERNAL(13): HTTP status code 500"; "": none did

	State TaskState // 0: the task is gone
	Held  bool      // it is due, and its queue is paused

	// Of a task that is gone.

	Outcome EventKind
	Ended   time.Time
	Last    *PastAttempt // that ended the task; nil if no attempt did
}

// The bounds of one search.
const (
	maxSearched      = 25_000
	maxSearchedBytes = 8 << 20
	maxTypesSearched = 1000
	maxTypes         = 100
	maxPayloadStart  = 256
)

// Browse returns a page of the selected tasks, of one queue or of all. It examines at most 25,000 tasks and 8 MiB a call: the page
// then has what was found so far, and Next continues the search. Queues keep working meanwhile.
func (s *Service) Browse(ctx context.Context, b Browse) (*Found, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	size, err := resource.Page{Size: b.Size}.Limit(resource.MaxTaskPage)
	if err != nil {
		return nil, err
	}
	queues, err := s.browsed(b.Queue)
	if err != nil {
		return nil, err
	}
	start, err := parsePosition(b.After)
	if err != nil {
		return nil, err
	}
	now := s.nanos()
	search := search{Browse: b, now: now, size: size, last: start, lower: lowerASCII(b.Text), types: make(map[string]bool)}
	search.begin(queues, start)
	found := &search.found
	if search.streams.merge(size+1, search.visit) && search.streams.dropped {
		found.Next = search.last.String()
	}
	for t := range search.types {
		found.Types = append(found.Types, t)
	}
	slices.Sort(found.Types)
	return found, ctx.Err()
}

// browsed returns the queue of that name, or all.
func (s *Service) browsed(name string) (iter.Seq[*queue], error) {
	if name == "" {
		return s.allQueues(), nil
	}
	if err := resource.CheckQueueName(name); err != nil {
		return nil, err
	}
	q := s.look(name)
	if q == nil {
		return nil, resource.QueueMissing()
	}
	return func(yield func(*queue) bool) { yield(q) }, nil
}

// search is a call of Browse.
type search struct {
	Browse
	now   int64
	size  int
	lower string // Text
	found Found
	last  position // examined
	bytes int      // that were
	types map[string]bool
	shown []*task

	streams streams
}

// begin starts the streams that the search reads.
func (s *search) begin(queues iter.Seq[*queue], start position) {
	all := &s.streams
	if all.most = s.size + 1; s.Type != "" || s.Text != "" || s.State != 0 {
		all.most = maxSearched + 1
	}
	for q := range queues {
		switch {
		case s.Ended && q.past != nil:
			for kind := range q.past.shelves {
				if kind := EventKind(kind); s.Outcome == 0 || s.Outcome == kind {
					all.begin(stream{q: q, list: (*stream).gone, kind: kind}, start)
				}
			}
		case s.Ended, s.State == TaskRetrying && !q.isFailing():
		case s.State == TaskRunning:
			all.begin(stream{q: q, list: (*stream).running, now: s.now}, start)
		case s.NextFirst:
			first := start
			if s.State == TaskScheduled || s.State == TaskRetrying { // tasks that are due come first
				first = start.max(position{a: s.now, b: maxPosition})
			}
			all.begin(stream{q: q, list: (*stream).waiting, now: s.now}, first)
			if s.State == 0 {
				all.begin(stream{q: q, list: (*stream).running, now: s.now}, start)
			}
		default:
			all.begin(stream{q: q, list: (*stream).newest, now: s.now}, start)
		}
	}
}

// visit examines a task and reports whether to go on.
func (s *search) visit(c *candidate) bool {
	if s.NextFirst && s.State == TaskDue && c.state != TaskDue {
		return false // none after it is due
	}
	if len(s.found.Tasks) == s.size || s.found.Searched == maxSearched || s.bytes > maxSearchedBytes {
		s.found.Next = s.last.String()
		return false
	}
	s.last = c.position
	s.found.Searched++
	if s.matches(c) && !slices.Contains(s.shown, c.t) { // it may have started or stopped running meanwhile
		s.shown = append(s.shown, c.t)
		s.found.Tasks = append(s.found.Tasks, c.summary())
	}
	return true
}

func (s *search) matches(c *candidate) bool {
	if s.State != 0 && !s.Ended && c.state != s.State {
		return false
	}
	r := c.t.record
	url := r.string()
	kind := taskType(url)
	if s.found.Searched <= maxTypesSearched && len(s.types) < maxTypes {
		s.types[kind] = true
	}
	if s.Type != "" && s.Type != kind {
		return false
	}
	if s.lower == "" || containsFold(c.t.id, s.lower) {
		return true
	}
	s.bytes += len(c.t.record)
	return c.t.record.contains(s.lower)
}

// taskType returns the last part of a URL's path, or what there is of the URL without one.
func taskType(url string) string {
	if i := strings.IndexAny(url, "?#"); i >= 0 {
		url = url[:i]
	}
	url = strings.TrimRight(url, "/")
	return url[strings.LastIndexByte(url, '/')+1:]
}

// start returns at most the first n bytes of s, without splitting a character.
func start(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for cut := n; cut > n-utf8.UTFMax; cut-- {
		if utf8.RuneStart(s[cut]) {
			return s[:cut]
		}
	}
	return s[:n]
}
