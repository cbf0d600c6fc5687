package console

import (
	"context"
	"net/url"
	"strings"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// few is how many tasks the page of a queue shows of each kind.
const few = 10

// queuesPage is the first page.
type queuesPage struct {
	Queues []queueRow
	Unused []string // ids of queues that are defined and not in use anywhere
	Hint   hint

	Paged bool   // there are more queues than a page lists
	Text  string // that the names of the queues contain
	Found int    // queues whose names contain it
	First string // address of the first page; "": this is it
	Next  string // address of the next; "": this is the last
}

// queuesPerPage is how many queues a page lists, and how many a selection offers.
const queuesPerPage = 100

// queueRow is a queue with what its buttons and links need.
type queueRow struct {
	localqueue.QueueOverview
	Minute localqueue.Minute // the sums of the present minute and the one before
	Hour   localqueue.Minute // of all
}

func newQueueRow(q localqueue.QueueOverview) queueRow {
	row := queueRow{QueueOverview: q}
	for i, m := range q.Minutes {
		row.Hour.Done += m.Done
		row.Hour.Failed += m.Failed
		if i >= len(q.Minutes)-2 {
			row.Minute.Done += m.Done
			row.Minute.Failed += m.Failed
		}
	}
	return row
}

// Condition is the queue's state in a word for style sheets and one for people.
func (q queueRow) Condition() [2]string {
	switch {
	case q.State == resource.StateDisabled:
		return [2]string{"paused", "disabled"}
	case q.State != resource.StateRunning:
		return [2]string{"paused", "paused"}
	case q.Due > 0 && q.Hold == localqueue.HoldConcurrency:
		return [2]string{"limited", "all slots taken"}
	case q.Due > 0 && q.Hold == localqueue.HoldRate:
		return [2]string{"limited", "rate limited"}
	case q.Running > 0:
		return [2]string{"busy", "delivering"}
	}
	return [2]string{"idle", "running"}
}

// Paused reports whether the queue is to be resumed.
func (q queueRow) Paused() bool { return q.State != resource.StateRunning }

// Faulty reports whether faults are set.
func (q queueRow) Faulty() bool { return q.Faults != (localqueue.Faults{}) }

func (c *Console) showQueues(ctx context.Context, v *view, r *request) error {
	text, after := r.query.Get("text"), r.query.Get("after")
	found, err := c.queue.BrowseQueues(ctx, localqueue.BrowseQueues{Text: text, After: after, Size: queuesPerPage})
	if err != nil {
		return err
	}
	page := queuesPage{Hint: newHint(""), Text: text, Paged: v.Overview.Queues > queuesPerPage, Found: found.Total, Unused: v.Overview.Unused}
	if after != "" {
		page.First = queuesAt(text, "")
	}
	for _, q := range found.Queues {
		page.Queues = append(page.Queues, newQueueRow(q))
	}
	if found.More {
		page.Next = queuesAt(text, page.Queues[len(page.Queues)-1].Name)
	}
	if len(page.Unused) > 0 {
		page.Hint = newHint("projects/demo/locations/here/queues/" + page.Unused[0])
	}
	v.Title, v.Section, v.template, v.Data = "Queues", "queues", "queues.html", page
	return nil
}

// firstQueues returns the names of as many queues as a selection offers.
func (c *Console) firstQueues(ctx context.Context) ([]string, error) {
	found, err := c.queue.BrowseQueues(ctx, localqueue.BrowseQueues{Size: queuesPerPage})
	if err != nil {
		return nil, err
	}
	names := make([]string, len(found.Queues))
	for i, q := range found.Queues {
		names[i] = q.Name
	}
	return names, nil
}

// queuesAt returns the address of the queues whose names contain the text, from the one after that name on.
func queuesAt(text, after string) string {
	query := url.Values{}
	if text != "" {
		query.Set("text", text)
	}
	if after != "" {
		query.Set("after", after)
	}
	return (&url.URL{Path: "/", RawQuery: query.Encode()}).String()
}

// queuePage is the page of a queue.
type queuePage struct {
	queueRow
	Coming   []localqueue.Summary // the first tasks
	Finished []localqueue.Summary
	FaultsOf string // what the queue's faults are set for: its name, its id, or all queues as ""
	Hint     hint
}

func (c *Console) showQueue(ctx context.Context, v *view, name string) error {
	queue, err := c.queue.QueueOverview(ctx, name)
	if err != nil {
		return err
	}
	page := queuePage{queueRow: newQueueRow(*queue), Hint: newHint(name)}
	coming, err := c.queue.Browse(ctx, localqueue.Browse{Queue: name, NextFirst: true, Size: few})
	if err != nil {
		return err
	}
	finished, err := c.queue.Browse(ctx, localqueue.Browse{Queue: name, Ended: true, Size: few})
	if err != nil {
		return err
	}
	page.Coming, page.Finished = coming.Tasks, finished.Tasks
	set := c.queue.Faults()
	for _, page.FaultsOf = range []string{name, rules.Last(name), ""} {
		if _, found := set[page.FaultsOf]; found {
			break
		}
	}
	v.Title, v.Section, v.template, v.Data = rules.Last(name), "queues", "queue.html", page
	return nil
}

// hint is how to enqueue a task, for a queue without any.
type hint struct {
	Queue string // full resource name
	ID    string
	Place [2]string // project and location
}

func newHint(queue string) hint {
	if queue == "" {
		queue = "projects/demo/locations/here/queues/emails"
	}
	project, location, _ := strings.Cut(place(queue), "/")
	return hint{Queue: queue, ID: rules.Last(queue), Place: [2]string{project, location}}
}

// TasksLink returns the address of a list of tasks.
func (q queueRow) TasksLink(page string, more ...string) string {
	query := url.Values{"queue": {q.Name}}
	for i := 0; i+1 < len(more); i += 2 {
		query.Set(more[i], more[i+1])
	}
	return Prefix + page + "?" + query.Encode()
}
