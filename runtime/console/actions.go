package console

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

const (
	maxForm = 4 << 20 // bytes; a task's are a mebibyte, and may take three when they are encoded
	// maxAtOnce is how many tasks are run by one click on a real clock, where all of them run at the same time.
	maxAtOnce = 100
	// maxMoving is how long a virtual clock is moved by one click.
	maxMoving = 30 * time.Second
)

// action does what a form asks for, and returns what to say of it and, if not the page of the form, where to go.
type action func(c *Console, ctx context.Context, form url.Values) (said, to string, err error)

var actions = map[string]action{
	"run":     (*Console).runTask,
	"delete":  (*Console).deleteTask,
	"send":    (*Console).sendTask,
	"pause":   (*Console).pauseQueue,
	"resume":  (*Console).resumeQueue,
	"purge":   (*Console).purgeQueue,
	"run-due": (*Console).runDue,
	"faults":  (*Console).setFaults,
	"clock":   (*Console).moveClock,
}

// act answers a form, and has the browser go to a page that says what came of it.
func (c *Console) act(w http.ResponseWriter, r *http.Request, name string) {
	do, known := actions[name]
	switch {
	case c.readOnly:
		http.Error(w, "The page is read-only: cloudtask dev was started with -read-only.", http.StatusForbidden)
		return
	case !known:
		http.NotFound(w, r)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "The form cannot be read: "+err.Error(), http.StatusBadRequest)
		return
	}
	back := r.PostForm.Get("back")
	if !strings.HasPrefix(back, "/") || strings.HasPrefix(back, "//") || strings.Contains(back, `\`) { // other sites
		back = "/"
	}
	said, to, err := do(c, r.Context(), r.PostForm)
	n := note{Text: said}
	if err != nil && name == "send" { // what was typed is not to be lost
		c.sendAgain(w, r, err)
		return
	}
	if err != nil {
		_, message := statusOf(err)
		n = note{Text: message, Failed: true}
		to = ""
	}
	if to == "" {
		to = back
	}
	u, err := url.Parse(to)
	if err != nil {
		u = &url.URL{Path: "/"}
	}
	query := u.Query()
	query.Del("ask")
	query.Set("note", c.notes.add(n))
	u.RawQuery = query.Encode()
	http.Redirect(w, r, u.String(), http.StatusSeeOther)
}

func (c *Console) runTask(ctx context.Context, form url.Values) (string, string, error) {
	task := form.Get("task")
	_, err := c.queue.RunTask(ctx, task, resource.ViewBasic)
	return "Task " + rules.Last(task) + " is run now.", "", err
}

func (c *Console) deleteTask(ctx context.Context, form url.Values) (string, string, error) {
	task := form.Get("task")
	return "Task " + rules.Last(task) + " is deleted.", "", c.queue.DeleteTask(ctx, task)
}

func (c *Console) sendTask(ctx context.Context, form url.Values) (string, string, error) {
	task, err := c.send(ctx, form)
	if err != nil {
		return "", "", err
	}
	return "The task is enqueued.", Prefix + task.Name, nil
}

func (c *Console) pauseQueue(ctx context.Context, form url.Values) (string, string, error) {
	q, err := c.queue.PauseQueue(ctx, form.Get("queue"))
	if err != nil {
		return "", "", err
	}
	return "Queue " + rules.Last(q.Name) + " is paused.", "", nil
}

func (c *Console) resumeQueue(ctx context.Context, form url.Values) (string, string, error) {
	q, err := c.queue.ResumeQueue(ctx, form.Get("queue"))
	if err != nil {
		return "", "", err
	}
	return "Queue " + rules.Last(q.Name) + " delivers again.", "", nil
}

func (c *Console) purgeQueue(ctx context.Context, form url.Values) (string, string, error) {
	q, err := c.queue.PurgeQueue(ctx, form.Get("queue"))
	if err != nil {
		return "", "", err
	}
	return "Queue " + rules.Last(q.Name) + " is purged: its tasks are deleted.", "", nil
}

// runDue runs the queue's tasks that are due, whatever keeps the queue from it.
func (c *Console) runDue(ctx context.Context, form url.Values) (string, string, error) {
	due, err := c.queue.Browse(ctx, localqueue.Browse{Queue: form.Get("queue"), State: localqueue.TaskDue, NextFirst: true, Size: maxAtOnce})
	if err != nil {
		return "", "", err
	}
	n := 0
	for _, t := range due.Tasks {
		_, err := c.queue.RunTask(ctx, t.Name, resource.ViewBasic)
		if cloudtask.StatusOf(err) == cloudtask.NotFound {
			continue // it has been run, or deleted
		}
		if err != nil {
			return "", "", err
		}
		n++
	}
	said := countOf(n, "task is", "tasks are") + " run now."
	if due.Next != "" {
		said += " More are due: again for the next."
	}
	return said, "", nil
}

func countOf(n int, one, more string) string {
	switch n {
	case 0:
		return "No " + one
	case 1:
		return "1 " + one
	}
	return formatNumber(n) + " " + more
}

// setFaults sets the faults of a queue, or ends them.
func (c *Console) setFaults(ctx context.Context, form url.Values) (string, string, error) {
	queue := form.Get("queue")
	if form.Get("end") != "" {
		return "The faults have ended.", "", c.queue.SetFaults(form.Get("of"), localqueue.Faults{})
	}
	var f localqueue.Faults
	var errs []error
	share := func(field, label string) float64 {
		n, err := strconv.ParseFloat(cmp.Or(strings.TrimSpace(form.Get(field)), "0"), 64)
		if err != nil {
			errs = append(errs, mistake("%s is %q: want a share in per cent, 0 to 100.", label, form.Get(field)))
		}
		return n / 100
	}
	count := func(field, label string) int {
		n, err := strconv.Atoi(cmp.Or(strings.TrimSpace(form.Get(field)), "0"))
		if err != nil {
			errs = append(errs, mistake("%s is %q: want a whole number.", label, form.Get(field)))
		}
		return n
	}
	length := func(field, label string) time.Duration {
		text := strings.ReplaceAll(form.Get(field), " ", "")
		if text == "" {
			return 0
		}
		d, err := time.ParseDuration(text)
		if err != nil {
			errs = append(errs, mistake("%s is %q: want a duration such as \"90s\".", label, text))
		}
		return d
	}
	f.Twice, f.LoseAnswer = share("twice", "Delivered twice"), share("lose-answer", "Answer lost")
	f.Late, f.Delay = share("late", "Late"), length("delay", "Late by")
	f.Fail, f.FailFirst, f.FailStatus = share("fail", "Fails"), count("fail-first", "First attempts that fail"), count("fail-status", "Status")
	f.ClockSkew = length("clock-skew", "Clock ahead")
	if len(errs) > 0 {
		return "", "", errs[0]
	}
	if f == (localqueue.Faults{}) {
		return "No fault is set.", "", c.queue.SetFaults(queue, f)
	}
	return "The faults are set: they befall attempts that begin from now on.", "", c.queue.SetFaults(queue, f)
}

// moveClock moves a virtual clock from attempt to attempt.
func (c *Console) moveClock(ctx context.Context, form url.Values) (string, string, error) {
	ctx, cancel := context.WithTimeout(ctx, maxMoving)
	defer cancel()
	var attempts int
	var err error
	switch move := form.Get("move"); move {
	case "due":
		attempts, err = c.queue.RunDue(ctx)
	case "next":
		var ran bool
		if ran, err = c.queue.RunNext(ctx); ran {
			attempts = 1
		}
	case "idle":
		attempts, err = c.queue.RunUntilIdle(ctx)
	default:
		if move == "" {
			move = form.Get("by")
		}
		d, failed := time.ParseDuration(strings.ReplaceAll(move, " ", ""))
		if failed != nil || d < 0 {
			return "", "", mistake("The clock is to be moved by %q: want a duration such as \"90s\" or \"168h\".", move)
		}
		attempts, err = c.queue.RunFor(ctx, d)
	}
	said := fmt.Sprintf("%s made. It is %s.", countOf(attempts, "attempt was", "attempts were"), c.queue.Now().UTC().Format("2006-01-02 15:04:05 UTC"))
	if errors.Is(err, context.DeadlineExceeded) || cloudtask.StatusOf(err) == cloudtask.DeadlineExceeded {
		return said + " That took half a minute, and there is more to do: again to go on.", "", nil
	}
	if errors.Is(err, localqueue.ErrVirtualOnly) {
		err = mistake("The clock is real, and only a virtual one can be moved: start cloudtask dev with -clock virtual.")
	}
	return said, "", err
}

// note is what a page says of what has been done.
type note struct {
	Text   string
	Failed bool
}

// maxNotes is how many notes are kept for the pages that are to show them.
const maxNotes = 256

// notes are what pages are to say, by a key that stands in their addresses: an address cannot make a page say anything
// else.
type notes struct {
	mu    sync.Mutex
	byKey map[string]note
	keys  []string // the oldest first
}

func (n *notes) add(said note) (key string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.byKey == nil {
		n.byKey = make(map[string]note)
	}
	if len(n.keys) == maxNotes {
		delete(n.byKey, n.keys[0])
		n.keys = n.keys[1:]
	}
	key = rand.Text()[:10]
	n.byKey[key], n.keys = said, append(n.keys, key)
	return key
}

// get returns the note, nil if there is none.
func (n *notes) get(key string) *note {
	n.mu.Lock()
	defer n.mu.Unlock()
	said, found := n.byKey[key]
	if !found {
		return nil
	}
	return &said
}
