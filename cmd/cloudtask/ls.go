package main

import (
	"context"
	"flag"
	"fmt"
	"math"
	"strconv"
	"time"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cloudtaskgen/cloudtaskgen/cmd/internal/cli"
)

const lsHelp = `
Lists queues, or the tasks in them.

The tasks of each queue are counted up to 1000, which takes one call; "1000+" means that there are more. -count counts all of
them. Tasks are listed queue by queue, in the order in which the queue service returns them.
`

func lsCommand() cli.Command {
	return cli.Command{
		Name:       "ls",
		Usage:      "[queues|tasks] [-queue QUEUE]... [-count] [-type TYPE] [-min-retries N] [-limit N] [-json] [-project P] [-location L] [-emulator HOST:PORT]",
		Summary:    "list queues or tasks",
		Help:       lsHelp,
		Args:       cli.FixedWords("queues", "tasks"),
		FlagValues: map[string]cli.Words{"queue": queueWords, "type": typeWords},
		Flags: operate(func(flags *flag.FlagSet, op *operation) func(context.Context, []string) error {
			var ls listing
			ls.queues = cli.StringsFlag(flags, "queue", queueFlagUsage)
			flags.BoolVar(&ls.countAll, "count", false, "queues: count all tasks, not only up to 1000")
			flags.StringVar(&ls.taskType, "type", "", "tasks: only those of `TYPE`, the last segment of their URL's path")
			flags.IntVar(&ls.minRetries, "min-retries", 0, "tasks: only those dispatched at least `N` times")
			flags.IntVar(&ls.limit, "limit", 0, "tasks: list at most `N`; 0 lists all")
			return func(ctx context.Context, args []string) error {
				what := "queues"
				if len(args) > 0 {
					what, args = args[0], args[1:]
				}
				if len(args) > 0 {
					return cli.BadUsage("unexpected argument %q", args[0])
				}
				if ls.minRetries < 0 || ls.limit < 0 {
					return cli.BadUsage("-min-retries and -limit must not be negative")
				}
				switch {
				case what == "queues" && (ls.taskType != "" || ls.minRetries != 0 || ls.limit != 0):
					return cli.BadUsage("-type, -min-retries and -limit only apply to \"ls tasks\"")
				case what == "queues":
					return op.listQueues(ctx, ls)
				case what == "tasks" && ls.countAll:
					return cli.BadUsage("-count only applies to \"ls queues\"")
				case what == "tasks":
					return op.listTasks(ctx, ls)
				}
				return cli.BadUsage("cannot list %q: want queues or tasks", what)
			}
		}),
	}
}

// listing is what ls lists.
type listing struct {
	queues     *[]string
	countAll   bool
	taskType   string
	minRetries int
	limit      int
}

// matches reports whether the listing includes the task.
func (ls listing) matches(task *cloudtaskspb.Task) bool {
	return int(task.GetDispatchCount()) >= ls.minRetries && (ls.taskType == "" || typeOf(task) == ls.taskType)
}

func (op *operation) listQueues(ctx context.Context, ls listing) error {
	infos, err := op.queueInfos(ctx, *ls.queues)
	if err != nil {
		return err
	}
	if err := op.countTasks(ctx, infos, ls.countAll); err != nil {
		return err
	}
	if op.json {
		return writeJSON(op.std.Out, infos)
	}
	if len(infos) == 0 {
		fmt.Fprintf(op.std.Err, "no queues in %s\n", op.scope())
		return nil
	}
	withProject, withLocation := op.locationColumns(infos)
	var header []string
	if withProject {
		header = append(header, "PROJECT")
	}
	if withLocation {
		header = append(header, "LOCATION")
	}
	list := newTable(op.std.Out, append(header, "QUEUE", "STATE", "TASKS", "RATE", "CONCURRENT", "ATTEMPTS", "BACKOFF")...)
	for _, q := range infos {
		var cells []cell
		if withProject {
			cells = append(cells, cell{text: q.Project})
		}
		if withLocation {
			cells = append(cells, cell{text: q.Location})
		}
		state := plain
		if q.State != "RUNNING" {
			state = yellow
		}
		list.add(append(cells, cell{text: q.ID}, cell{q.State, state}, cell{text: q.taskCount()}, cell{text: formatRate(q.MaxDispatchesPerSecond)},
			cell{text: strconv.Itoa(q.MaxConcurrentDispatches)}, cell{text: q.Retry.attempts()}, cell{text: q.Retry.backoff()})...)
	}
	return list.flush()
}

// queueInfos returns the queues that names name, or all queues if there are none.
func (op *operation) queueInfos(ctx context.Context, names []string) ([]queueInfo, error) {
	infos := []queueInfo{} // not nil, which JSON writes as null
	if len(names) == 0 {
		queues, err := op.queues(ctx, "")
		for _, q := range queues {
			infos = append(infos, newQueueInfo(q))
		}
		return infos, err
	}
	for _, name := range names {
		name, err := op.resolveQueue(ctx, name)
		if err != nil {
			return nil, err
		}
		q, err := op.client.GetQueue(ctx, &cloudtaskspb.GetQueueRequest{Name: name})
		if err != nil {
			return nil, wrapCall(ctx, err, "getting %s", name)
		}
		infos = append(infos, newQueueInfo(q))
	}
	return infos, nil
}

// countTasks sets the number of tasks of each queue. It counts up to maxPage unless all is set. Without permission to list tasks it
// leaves the number unset.
func (op *operation) countTasks(ctx context.Context, infos []queueInfo, all bool) error {
	bar := newProgress(op.std, "counting tasks", 0)
	defer bar.end()
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(maxCalls)
	for i := range infos {
		info := &infos[i]
		group.Go(func() error {
			n := 0
			err := op.tasksOf(groupCtx, info.Name, func(*cloudtaskspb.Task) error {
				if n == maxPage && !all {
					info.MoreTasks = true
					return errStop
				}
				n++
				bar.add(1)
				return nil
			})
			switch {
			case ctx.Err() != nil:
				return cli.ErrInterrupted
			case status.Code(err) == codes.PermissionDenied:
				return nil
			}
			info.Tasks = &n
			return err
		})
	}
	return group.Wait()
}

// locationColumns reports whether a list of queues needs columns for the project and the location: unless the target restricts the
// list to one.
func (op *operation) locationColumns(infos []queueInfo) (projects, locations bool) {
	for _, q := range infos {
		projects = projects || q.Project != infos[0].Project
		locations = locations || q.Location != infos[0].Location
	}
	return projects || op.project == "", projects || locations || op.location == ""
}

const notCounted = "?"

func (q queueInfo) taskCount() string {
	switch {
	case q.Tasks == nil:
		return notCounted
	case q.MoreTasks:
		return strconv.Itoa(*q.Tasks) + "+"
	}
	return thousands(*q.Tasks)
}

func formatRate(perSecond float64) string {
	return strconv.FormatFloat(perSecond, 'f', -1, 64) + "/s"
}

// attempts describes how often a task is attempted.
func (r retryInfo) attempts() string {
	switch {
	case r.MaxAttempts >= 0 && r.MaxRetryDuration > 0:
		return fmt.Sprintf("%d and %s", r.MaxAttempts, shortDuration(time.Duration(r.MaxRetryDuration)))
	case r.MaxRetryDuration > 0:
		return "for " + shortDuration(time.Duration(r.MaxRetryDuration))
	case r.MaxAttempts < 0:
		return "unlimited"
	}
	return strconv.Itoa(r.MaxAttempts)
}

// backoff describes how long a task waits between attempts.
func (r retryInfo) backoff() string {
	return shortDuration(time.Duration(r.MinBackoff)) + " to " + shortDuration(time.Duration(r.MaxBackoff))
}

func (op *operation) listTasks(ctx context.Context, ls listing) error {
	queues, err := op.resolveQueues(ctx, *ls.queues)
	if err != nil {
		return err
	}
	now := op.now(ctx)
	show := op.taskTable(queues, now)
	if op.json {
		show = &taskJSONs{jsonList{w: op.std.Out}}
	}
	listed := 0
	for _, queue := range queues {
		paused := isPaused(op.queue(ctx, queue))
		err := op.tasksOf(ctx, queue, func(task *cloudtaskspb.Task) error {
			if !ls.matches(task) {
				return nil
			}
			if err := show.add(newTaskInfo(task, now, paused)); err != nil {
				return err
			}
			if listed++; listed == ls.limit {
				return errStop
			}
			return nil
		})
		if err != nil {
			return err
		}
		if listed == ls.limit && ls.limit > 0 {
			break
		}
	}
	if listed == 0 && !op.json {
		fmt.Fprintf(op.std.Err, "no matching tasks in %s\n", op.scope())
		return nil
	}
	return show.end()
}

// taskLister prints a list of tasks.
type taskLister interface {
	add(taskInfo) error
	end() error
}

type taskJSONs struct{ jsonList }

func (l *taskJSONs) add(info taskInfo) error { return l.jsonList.add(info) }

// taskRows prints tasks as a table, a page at a time.
type taskRows struct {
	*table
	fullNames bool
	now       time.Time
}

// taskTable returns a table of tasks in the queues. It has the queues' resource names if their IDs are ambiguous.
func (op *operation) taskTable(queues []string, now time.Time) taskLister {
	ids := make(map[string]bool)
	for _, queue := range queues {
		ids[lastSegment(queue)] = true
	}
	header := newTable(op.std.Out, "TASK", "TYPE", "QUEUE", "STATE", "NEXT", "ATTEMPTS", "LAST")
	return &taskRows{table: header, fullNames: len(ids) < len(queues), now: now}
}

func (l *taskRows) add(info taskInfo) error {
	queue := info.Queue
	if l.fullNames {
		queue = queueOf(info.Name)
	}
	state, last := cell{text: info.State}, cell{text: info.LastAttempt.outcome(), style: red}
	switch info.State {
	case stateRunning:
		state.style, last = green, cell{}
	case stateDue, stateHeld:
		state.style = yellow
	}
	l.table.add(cell{text: info.ID}, cell{text: info.Type}, cell{text: queue}, state, cell{text: info.next(l.now)},
		cell{text: strconv.Itoa(info.Dispatches)}, last)
	if len(l.rows) >= maxPage {
		return l.flush()
	}
	return nil
}

func (l *taskRows) end() error { return l.flush() }

// outcome describes how an attempt ended; "": there is none.
func (a *attemptInfo) outcome() string {
	switch {
	case a == nil:
		return ""
	case a.Status != 0:
		return fmt.Sprintf("%d %s", a.Status, a.Code)
	}
	return a.Code
}

// next describes when the task will be attempted.
func (info taskInfo) next(now time.Time) string {
	switch info.State {
	case stateScheduled:
		return "in " + shortDuration(info.ScheduleTime.Sub(now))
	case stateDue:
		return "now"
	case stateHeld:
		return "on resume"
	}
	return ""
}

// shortDuration formats a duration in its two largest units.
func shortDuration(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < 0:
		return "-" + shortDuration(-d)
	case d >= 2*day:
		return twoUnits(d, day, "d", time.Hour, "h")
	case d >= time.Hour:
		return twoUnits(d, time.Hour, "h", time.Minute, "m")
	case d >= time.Minute:
		return twoUnits(d, time.Minute, "m", time.Second, "s")
	case d >= time.Second:
		return strconv.FormatFloat(math.Round(d.Seconds()*10)/10, 'f', -1, 64) + "s"
	}
	if d >= time.Millisecond {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(time.Microsecond).String()
}

func twoUnits(d, large time.Duration, largeUnit string, small time.Duration, smallUnit string) string {
	d = d.Round(small)
	text := strconv.Itoa(int(d/large)) + largeUnit
	if rest := int(d % large / small); rest > 0 {
		text += strconv.Itoa(rest) + smallUnit
	}
	return text
}
