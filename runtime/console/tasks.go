package console

import (
	"cmp"
	"context"
	"fmt"
	"html/template"
	"net/url"
	"slices"
	"strconv"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
)

// pageSize is how many tasks a page lists.
const pageSize = 50

// tasksPage is the data of the pages that list tasks, queued or finished.
type tasksPage struct {
	Filter   filter
	Found    *localqueue.Found
	Queues   []string // names
	Choices  []choice // states or outcomes
	Number   int      // page number, from 1
	Searched int      // tasks searched, including those of previous pages without a result
	First    string   // address of the first page
	Next     string   // address of the next; "": this is the last
	Filtered bool
	Finished string // address of the same search among finished tasks
	Hint     hint

	Ambiguous bool // queues share an ID
}

// filter selects and orders the tasks of a list, as in the page's address.
type filter struct {
	Queue, Type, Text string
	State             string // or outcome
	Order             string // next, or newest
}

// choice is an option of a selection.
type choice struct {
	Value, Label string
	Selected     bool
}

var states = []localqueue.TaskState{localqueue.TaskRunning, localqueue.TaskDue, localqueue.TaskRetrying, localqueue.TaskScheduled}

var outcomes = []localqueue.EventKind{
	localqueue.TaskSucceeded, localqueue.TaskExhausted, localqueue.TaskDeleted, localqueue.TaskPurged, localqueue.TaskExpired,
}

// outcomeLabels are the labels of outcomes.
var outcomeLabels = map[localqueue.EventKind]string{
	localqueue.TaskSucceeded: "done", localqueue.TaskExhausted: "exhausted", localqueue.TaskDeleted: "deleted",
	localqueue.TaskPurged: "purged", localqueue.TaskExpired: "expired",
}

func (c *Console) showTasks(ctx context.Context, v *view, r *request) error {
	v.Title, v.Section, v.template = "Tasks", "tasks", "tasks.html"
	browse := localqueue.Browse{NextFirst: r.query.Get("order") != "newest"}
	state, choices, err := choose("state", r.query.Get("state"), states, localqueue.TaskState.String)
	if err != nil {
		return err
	}
	browse.State = state
	return c.list(ctx, v, r, browse, choices)
}

func (c *Console) showFinished(ctx context.Context, v *view, r *request) error {
	v.Title, v.Section, v.template = "Finished", "finished", "finished.html"
	outcome, choices, err := choose("outcome", r.query.Get("state"), outcomes, func(k localqueue.EventKind) string { return outcomeLabels[k] })
	if err != nil {
		return err
	}
	return c.list(ctx, v, r, localqueue.Browse{Ended: true, Outcome: outcome}, choices)
}

// taskTable is the data of a table of tasks.
type taskTable struct {
	*view
	Tasks     []taskRow
	ShowQueue bool // the tasks are of several queues
}

// taskRow is a task in a table. Its text is formatted in advance, because calls from templates are slow and lists are rendered
// often.
type taskRow struct {
	Name, ID, Type   string
	Queue, QueueName string
	State, Label     string // state or outcome, and its label
	Held             bool   // due, but its queue is paused
	When             template.HTML
	Attempts         int
	Code             string // status of the last failed attempt
	Payload          string
	Ended            bool // by an attempt, which the following fields describe
	Failed           bool
	Duration, Status string
	Text             string // error or response
}

func rows(tasks []localqueue.Summary, v *view) taskTable {
	_, oneQueue := v.Data.(queuePage)
	out := taskTable{v, make([]taskRow, len(tasks)), !oneQueue}
	for i, t := range tasks {
		queue := queueOf(t.Name)
		row := taskRow{
			Name: t.Name, ID: rules.Last(t.Name), Type: visible(t.Type), Queue: rules.Last(queue), QueueName: queue,
			State: t.State.String(), Label: t.State.String(), Held: t.Held, When: formatTime(t.Scheduled),
			Attempts: t.Attempts, Code: shortFailure(t.Failure), Payload: oneLine(t.Payload),
		}
		if t.State == 0 {
			row.State, row.Label, row.When = t.Outcome.String(), outcomeLabels[t.Outcome], formatTime(t.Ended)
		}
		if last := t.Last; last != nil {
			row.Ended, row.Failed, row.Duration, row.Status, row.Text = true, last.Failure != "", formatDuration(last.Duration), "none", oneLine(last.Response)
			if last.Status != 0 {
				row.Status = strconv.Itoa(last.Status)
			}
			if why := cmp.Or(last.Err, last.Error); why != "" {
				row.Text = oneLine(why)
			}
		}
		out.Tasks[i] = row
	}
	return out
}

// choose returns the value in all whose label is text, the zero value if text is "", and the choices of a selection. what names the
// kind of value in errors.
func choose[T any](what, text string, all []T, label func(T) string) (chosen T, choices []choice, err error) {
	found := text == ""
	for _, value := range all {
		name := label(value)
		choices = append(choices, choice{name, name, name == text})
		if name == text {
			chosen, found = value, true
		}
	}
	if !found {
		err = &cloudtask.StatusError{Code: cloudtask.InvalidArgument, Message: fmt.Sprintf("Unknown %s %q.", what, text)}
	}
	return chosen, choices, err
}

// list shows a page of the tasks that browse selects, filtered as requested.
func (c *Console) list(ctx context.Context, v *view, r *request, browse localqueue.Browse, choices []choice) error {
	page := tasksPage{
		Filter: filter{
			Queue: r.query.Get("queue"), Type: r.query.Get("type"), Text: r.query.Get("text"), State: r.query.Get("state"), Order: "next",
		},
		Choices: choices, Number: 1,
	}
	if !browse.NextFirst {
		page.Filter.Order = "newest"
	}
	if n, err := strconv.Atoi(r.query.Get("page")); err == nil && n > 1 && r.query.Get("after") != "" {
		page.Number = n
	}
	f := page.Filter
	page.Finished = Prefix + "finished?" + url.Values{"queue": {f.Queue}, "type": {f.Type}, "text": {f.Text}}.Encode()
	page.Filtered = f.Queue != "" || f.Type != "" || f.Text != "" || f.State != ""
	var err error
	if page.Queues, err = c.firstQueues(ctx); err != nil {
		return err
	}
	page.Hint = newHint(f.Queue)
	if f.Queue == "" && len(page.Queues) > 0 {
		page.Hint = newHint(page.Queues[0])
	}
	browse.Queue, browse.Type, browse.Text, browse.Size, browse.After = f.Queue, f.Type, f.Text, pageSize, r.query.Get("after")
	if f.Queue != "" && !slices.Contains(page.Queues, f.Queue) {
		if _, err := c.queue.GetQueue(ctx, f.Queue); err != nil { // not listed, but it may be defined for every location
			return err
		}
		page.Queues = append(page.Queues, f.Queue)
	}
	page.Ambiguous = ambiguous(page.Queues)
	if page.Found, err = c.queue.Browse(ctx, browse); err != nil {
		return err
	}
	page.Searched = page.Found.Searched
	if n, err := strconv.Atoi(r.query.Get("searched")); err == nil && n > 0 {
		page.Searched += n
	}
	page.First = r.at("", 0, 0)
	switch {
	case page.Found.Next == "":
	case len(page.Found.Tasks) == 0:
		page.Next = r.at(page.Found.Next, page.Number, page.Searched)
	default:
		page.Next = r.at(page.Found.Next, page.Number+1, 0)
	}
	v.Data = page
	return nil
}

// ambiguous reports whether two of the queues have the same ID.
func ambiguous(names []string) bool {
	ids := make(map[string]bool)
	for _, name := range names {
		ids[rules.Last(name)] = true
	}
	return len(ids) < len(names)
}

// at returns the address of another page of the list. searched counts the tasks that were searched so far without a result.
func (r *request) at(after string, number, searched int) string {
	query := url.Values{}
	for _, key := range []string{"queue", "type", "text", "state", "order"} {
		if value := r.query.Get(key); value != "" {
			query.Set(key, value)
		}
	}
	if after != "" {
		query.Set("after", after)
		query.Set("page", strconv.Itoa(number))
		if searched > 0 {
			query.Set("searched", strconv.Itoa(searched))
		}
	}
	if len(query) == 0 {
		return r.path
	}
	return r.path + "?" + query.Encode()
}

// Complete reports whether all tasks have been searched.
func (p tasksPage) Complete() bool { return p.Next == "" }

// Short reports whether the search stopped before the page was full, because it took long.
func (p tasksPage) Short() bool { return p.Next != "" && len(p.Found.Tasks) < pageSize }
