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
	maxForm = 4 << 20 // bytes; a task has at most 1 MiB, and form encoding may triple it
	// maxRun is how many due tasks one click runs, all at the same time.
	maxRun = 100
	// maxAdvance is how long one click may take to advance a virtual clock.
	maxAdvance = 30 * time.Second
)

// action performs the action of a form. It returns a message to show, and the address of the page to go to; "": that of the form.
type action func(c *Console, ctx context.Context, form url.Values) (message, next string, err error)

var actions = map[string]action{
	"run":     (*Console).runTask,
	"delete":  (*Console).deleteTask,
	"send":    (*Console).sendTask,
	"pause":   (*Console).pauseQueue,
	"resume":  (*Console).resumeQueue,
	"purge":   (*Console).purgeQueue,
	"run-due": (*Console).runDue,
	"faults":  (*Console).setFaults,
	"clock":   (*Console).advanceClock,
}

// act performs an action and redirects the browser to a page that shows the result.
func (c *Console) act(w http.ResponseWriter, r *http.Request, name string) {
	do, known := actions[name]
	switch {
	case c.readOnly:
		http.Error(w, "The console is read-only.", http.StatusForbidden)
		return
	case !known:
		http.NotFound(w, r)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "Cannot read the form: "+err.Error(), http.StatusBadRequest)
		return
	}
	back := r.PostForm.Get("back")
	if !strings.HasPrefix(back, "/") || strings.HasPrefix(back, "//") || strings.Contains(back, `\`) { // not another site
		back = "/"
	}
	message, next, err := do(c, r.Context(), r.PostForm)
	n := note{Text: message}
	if err != nil && name == "send" { // keep what was typed
		c.rejectSend(w, r, err)
		return
	}
	if err != nil {
		_, message := statusOf(err)
		n = note{Text: message, Failed: true}
		next = ""
	}
	u, err := url.Parse(cmp.Or(next, back))
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
	return "Running task " + rules.Last(task) + ".", "", err
}

func (c *Console) deleteTask(ctx context.Context, form url.Values) (string, string, error) {
	task := form.Get("task")
	return "Deleted task " + rules.Last(task) + ".", "", c.queue.DeleteTask(ctx, task)
}

func (c *Console) sendTask(ctx context.Context, form url.Values) (string, string, error) {
	task, err := c.send(ctx, form)
	if err != nil {
		return "", "", err
	}
	return "Enqueued the task.", Prefix + task.Name, nil
}

func (c *Console) pauseQueue(ctx context.Context, form url.Values) (string, string, error) {
	q, err := c.queue.PauseQueue(ctx, form.Get("queue"))
	if err != nil {
		return "", "", err
	}
	return "Paused queue " + rules.Last(q.Name) + ".", "", nil
}

func (c *Console) resumeQueue(ctx context.Context, form url.Values) (string, string, error) {
	q, err := c.queue.ResumeQueue(ctx, form.Get("queue"))
	if err != nil {
		return "", "", err
	}
	return "Resumed queue " + rules.Last(q.Name) + ".", "", nil
}

func (c *Console) purgeQueue(ctx context.Context, form url.Values) (string, string, error) {
	q, err := c.queue.PurgeQueue(ctx, form.Get("queue"))
	if err != nil {
		return "", "", err
	}
	return "Purged queue " + rules.Last(q.Name) + ".", "", nil
}

// runDue runs due tasks of the queue, regardless of its limits and even if it is paused.
func (c *Console) runDue(ctx context.Context, form url.Values) (string, string, error) {
	due, err := c.queue.Browse(ctx, localqueue.Browse{Queue: form.Get("queue"), State: localqueue.TaskDue, NextFirst: true, Size: maxRun})
	if err != nil {
		return "", "", err
	}
	n := 0
	for _, t := range due.Tasks {
		_, err := c.queue.RunTask(ctx, t.Name, resource.ViewBasic)
		if cloudtask.StatusOf(err) == cloudtask.NotFound {
			continue // it has finished or was deleted in the meantime
		}
		if err != nil {
			return "", "", err
		}
		n++
	}
	if n == 0 {
		return "No tasks are due.", "", nil
	}
	message := "Running " + countOf(n, "task") + "."
	if due.Next != "" {
		message += " More are due: click again to run the next ones."
	}
	return message, "", nil
}

// countOf returns a number with its noun, as in "1 task" and "2 tasks".
func countOf(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return formatNumber(n) + " " + noun + "s"
}

// setFaults sets or clears the faults of a queue.
func (c *Console) setFaults(ctx context.Context, form url.Values) (string, string, error) {
	queue := form.Get("queue")
	if form.Get("end") != "" {
		return "Cleared the faults.", "", c.queue.SetFaults(form.Get("of"), localqueue.Faults{})
	}
	var f localqueue.Faults
	var errs []error
	share := func(field, label string) float64 {
		n, err := strconv.ParseFloat(cmp.Or(strings.TrimSpace(form.Get(field)), "0"), 64)
		if err != nil {
			errs = append(errs, invalidArgument("%s: %q is not a percentage from 0 to 100.", label, form.Get(field)))
		}
		return n / 100
	}
	count := func(field, label string) int {
		n, err := strconv.Atoi(cmp.Or(strings.TrimSpace(form.Get(field)), "0"))
		if err != nil {
			errs = append(errs, invalidArgument("%s: %q is not a whole number.", label, form.Get(field)))
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
			errs = append(errs, invalidArgument("%s: %q is not a duration such as \"90s\".", label, text))
		}
		return d
	}
	f.Twice, f.LoseAnswer = share("twice", "Delivered twice"), share("lose-answer", "Response lost")
	f.Late, f.Delay = share("late", "Delivered late"), length("delay", "Late by")
	f.Fail, f.FailFirst, f.FailStatus = share("fail", "Failed"), count("fail-first", "First attempts failed"), count("fail-status", "Failure status")
	f.ClockSkew = length("clock-skew", "Clock ahead by")
	if len(errs) > 0 {
		return "", "", errs[0]
	}
	if f == (localqueue.Faults{}) {
		return "No faults set.", "", c.queue.SetFaults(queue, f)
	}
	return "Set the faults. They apply to attempts that start from now on.", "", c.queue.SetFaults(queue, f)
}

// advanceClock advances a virtual clock, and runs the attempts that become due.
func (c *Console) advanceClock(ctx context.Context, form url.Values) (string, string, error) {
	ctx, cancel := context.WithTimeout(ctx, maxAdvance)
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
		d, parseErr := time.ParseDuration(strings.ReplaceAll(move, " ", ""))
		if parseErr != nil || d < 0 {
			return "", "", invalidArgument("Cannot advance the clock by %q: want a duration such as \"90s\" or \"168h\".", move)
		}
		attempts, err = c.queue.RunFor(ctx, d)
	}
	message := fmt.Sprintf("Made %s. It is now %s.", countOf(attempts, "attempt"), c.queue.Now().UTC().Format("2006-01-02 15:04:05 UTC"))
	if errors.Is(err, context.DeadlineExceeded) || cloudtask.StatusOf(err) == cloudtask.DeadlineExceeded {
		return message + " Stopped after 30 seconds with more to do: click again to continue.", "", nil
	}
	if errors.Is(err, localqueue.ErrVirtualOnly) {
		err = invalidArgument("Only a virtual clock can be advanced: start cloudtask dev with -clock virtual.")
	}
	return message, "", err
}

// note is a message about the result of an action.
type note struct {
	Text   string
	Failed bool
}

// maxNotes is how many notes are kept until pages show them.
const maxNotes = 256

// notes holds notes by the key that the addresses of pages have. A page shows no message that comes from its address itself, so a link
// cannot make it show anything else.
type notes struct {
	mu    sync.Mutex
	byKey map[string]note
	keys  []string // oldest first
}

func (n *notes) add(added note) (key string) {
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
	n.byKey[key], n.keys = added, append(n.keys, key)
	return key
}

// get returns the note with the given key, or nil.
func (n *notes) get(key string) *note {
	n.mu.Lock()
	defer n.mu.Unlock()
	kept, found := n.byKey[key]
	if !found {
		return nil
	}
	return &kept
}
