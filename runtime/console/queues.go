package console

import (
	"context"
	"net/url"
	"strings"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// tasksOfQueue is how many upcoming and how many finished tasks the page of a queue shows.
const tasksOfQueue = 10

// queuesPage is the data of the start page, which lists the queues.
type queuesPage struct {
	Queues []queueRow
	Unused []string // IDs of queues that are defined but not used in any location
	Hint   hint

	Paged bool   // there are more queues than fit on a page
	Text  string // filter: part of the queues' names
	Found int    // queues that match the filter
	First string // address of the first page; "": this is the first
	Next  string // address of the next; "": this is the last
}

// queuesPerPage is how many queues a page lists and a selection offers.
const queuesPerPage = 100

// queueRow is a queue in a list or on its own page.
type queueRow struct {
	localqueue.QueueOverview
	Minute localqueue.Minute // sum of this minute and the previous one
	Hour   localqueue.Minute // sum of the last hour
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

// Condition returns the queue's state as a CSS class and a label.
func (q queueRow) Condition() [2]string {
	switch {
	case q.State == resource.StateDisabled:
		return [2]string{"paused", "disabled"}
	case q.State != resource.StateRunning:
		return [2]string{"paused", "paused"}
	case q.Due > 0 && q.Hold == localqueue.HoldConcurrency:
		return [2]string{"limited", "concurrency limited"}
	case q.Due > 0 && q.Hold == localqueue.HoldRate:
		return [2]string{"limited", "rate limited"}
	case q.Running > 0:
		return [2]string{"busy", "dispatching"}
	}
	return [2]string{"idle", "running"}
}

// Paused reports whether the queue can be resumed.
func (q queueRow) Paused() bool { return q.State != resource.StateRunning }

// Faulty reports whether faults are injected.
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

// firstQueues returns the names of the queues that selections offer.
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

// queuesAt returns the address of the page that lists queues whose names contain text, starting after the queue named after.
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

// queuePage is the data of a queue's page.
type queuePage struct {
	queueRow
	Upcoming []localqueue.Summary // the next tasks
	Finished []localqueue.Summary
	FaultsOf string // what the faults are set for: the queue's name, its ID, or "" for all queues
	Hint     hint
}

func (c *Console) showQueue(ctx context.Context, v *view, name string) error {
	queue, err := c.queue.QueueOverview(ctx, name)
	if err != nil {
		return err
	}
	page := queuePage{queueRow: newQueueRow(*queue), Hint: newHint(name)}
	upcoming, err := c.queue.Browse(ctx, localqueue.Browse{Queue: name, NextFirst: true, Size: tasksOfQueue})
	if err != nil {
		return err
	}
	finished, err := c.queue.Browse(ctx, localqueue.Browse{Queue: name, Ended: true, Size: tasksOfQueue})
	if err != nil {
		return err
	}
	page.Upcoming, page.Finished = upcoming.Tasks, finished.Tasks
	set := c.queue.Faults()
	for _, page.FaultsOf = range []string{name, rules.Last(name), ""} {
		if _, found := set[page.FaultsOf]; found {
			break
		}
	}
	v.Title, v.Section, v.template, v.Data = rules.Last(name), "queues", "queue.html", page
	return nil
}

// hint explains how to enqueue a task, on pages that have none to show.
type hint struct {
	Queue             string // resource name
	ID                string
	Project, Location string
}

func newHint(queue string) hint {
	if queue == "" {
		queue = "projects/demo/locations/here/queues/emails"
	}
	project, location, _ := strings.Cut(projectLocation(queue), "/")
	return hint{Queue: queue, ID: rules.Last(queue), Project: project, Location: location}
}

// TasksLink returns the address of a list of the queue's tasks, with more query parameters.
func (q queueRow) TasksLink(page string, more ...string) string {
	query := url.Values{"queue": {q.Name}}
	for i := 0; i+1 < len(more); i += 2 {
		query.Set(more[i], more[i+1])
	}
	return Prefix + page + "?" + query.Encode()
}
