package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cloudtaskgen/cloudtaskgen/cmd/internal/cli"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

const taskArgHelp = `TASK is a task ID, which is looked up in all queues or those of -queue; or QUEUE/ID; or a resource name,
projects/P/locations/L/queues/Q/tasks/ID.`

const showHelp = `
Shows a task in full: its target, when it was and will be attempted, its headers and its payload. With an embedded queue that
remembers attempts (cloudtask dev -history), it also shows why they failed: the error of Run, and the stack of a panic.

` + taskArgHelp + `

Values of headers that carry credentials, such as Authorization and X-Api-Key, are never shown.
`

func showCommand() cli.Command {
	return cli.Command{
		Name:       "show",
		Usage:      "TASK [-queue QUEUE]... [-json] [-project P] [-location L] [-emulator HOST:PORT]",
		Summary:    "show a task in full",
		Help:       showHelp,
		Args:       taskWords,
		FlagValues: map[string]cli.Words{"queue": queueWords},
		Flags: operate(func(flags *flag.FlagSet, op *operation) func(context.Context, []string) error {
			queues := cli.StringsFlag(flags, "queue", queueFlagUsage)
			return func(ctx context.Context, args []string) error {
				if err := cli.WantArgs(args, 1, "task"); err != nil {
					return err
				}
				return op.show(ctx, args[0], *queues)
			}
		}),
	}
}

func (op *operation) show(ctx context.Context, arg string, queues []string) error {
	task, err := op.resolveTask(ctx, arg, queues, cloudtaskspb.Task_FULL)
	hidden := status.Code(err) == codes.PermissionDenied
	if hidden { // the payload requires the permission cloudtasks.tasks.fullView
		task, err = op.resolveTask(ctx, arg, queues, cloudtaskspb.Task_BASIC)
	}
	if existedRecently(err) {
		return fmt.Errorf("%w Its ID stays reserved %s", err, reservedFor)
	}
	if err != nil {
		return err
	}
	now, queue := op.now(ctx), op.queue(ctx, queueOf(task.GetName()))
	info := newTaskInfo(task, now, isPaused(queue))
	request := requestOf(task)
	info.Headers = withoutSecrets(request.headers)
	if json.Valid(request.body) && utf8.Valid(request.body) {
		info.Payload = request.body
	} else {
		info.Body = request.body
	}
	if info.Dispatches > 0 {
		info.Attempts = op.attempts(ctx, info.Name)
	}
	if op.json {
		return writeJSON(op.std.Out, info)
	}
	if err := op.describe(info, queue, now); err != nil {
		return err
	}
	if err := op.showAttempts(info.Attempts, now); err != nil {
		return err
	}
	return op.showPayload(request.body, hidden)
}

const notShown = "(not shown)"

// withoutSecrets returns the headers, with notShown for the values of those that carry credentials.
func withoutSecrets(headers map[string]string) map[string]string {
	shown := maps.Clone(headers)
	for name := range shown {
		if cloudtask.IsSecretHeader(name) {
			shown[name] = notShown
		}
	}
	return shown
}

// describe prints the task without its attempts and payload. queue may be nil.
func (op *operation) describe(info taskInfo, queue *cloudtaskspb.Queue, now time.Time) error {
	t := &table{w: op.std.Out, paint: paint(op.std.Out), widths: make([]int, 2)}
	t.field("Task", "%s", info.Name)
	t.field("Type", "%s", info.Type)
	t.field("Target", "%s %s", info.Method, info.URL)
	if info.ServiceAccount != "" {
		t.field("Token", "%s, audience %s", info.ServiceAccount, info.Audience)
	}
	t.field("Created", "%s", moment(info.CreateTime, now))
	if hasChosenID(info.Name) {
		t.field("ID", "reserved %s", reservedFor)
	}
	switch info.State {
	case stateRunning:
		t.field("State", "running since %s", moment(info.LastAttempt.DispatchTime, now))
	case stateDue, stateHeld:
		held := ""
		if info.State == stateHeld {
			held = "; queue paused"
		}
		t.field("State", "due since %s%s", moment(info.ScheduleTime, now), held)
	default:
		t.field("State", "scheduled for %s", moment(info.ScheduleTime, now))
	}
	if info.DispatchDeadline > 0 {
		t.field("Deadline", "%s per attempt", shortDuration(time.Duration(info.DispatchDeadline)))
	}
	if info.Dispatches == 0 {
		t.field("Attempts", "none")
	} else {
		t.field("Attempts", "%d, %d answered", info.Dispatches, info.Responses)
		t.field("First", "%s", moment(info.FirstAttempt, now))
	}
	if last := info.LastAttempt; last != nil && info.State != stateRunning {
		took := ""
		if !last.ResponseTime.IsZero() {
			took = ", answered after " + shortDuration(last.ResponseTime.Sub(last.DispatchTime))
		}
		t.field("Last", "%s%s", moment(last.DispatchTime, now), took)
		t.field("Outcome", "%s", last.Message)
	}
	retry, source := info.Retry, "task's own settings"
	if retry == nil && queue != nil {
		settings := newRetryInfo(queue.GetRetryConfig())
		retry, source = &settings, "queue's settings"
	}
	if retry != nil {
		t.field("Retries", "%s attempts, backoff %s, doubled %s (%s)", retry.attempts(), retry.backoff(), count(retry.MaxDoublings, "time"), source)
	}
	for i, name := range slices.Sorted(maps.Keys(info.Headers)) {
		title := ""
		if i == 0 {
			title = "Headers"
		}
		t.field(title, "%s: %s", name, info.Headers[name])
	}
	return t.flush()
}

// moment formats a time with its distance from now.
func moment(at, now time.Time) string {
	if at.IsZero() {
		return "an unknown time"
	}
	distance := "now"
	switch d := at.Sub(now); {
	case d >= time.Millisecond:
		distance = "in " + shortDuration(d)
	case d <= -time.Millisecond:
		distance = shortDuration(-d) + " ago"
	}
	return fmt.Sprintf("%s (%s)", at.UTC().Format("2006-01-02 15:04:05.999 MST"), distance)
}

func (op *operation) showPayload(body []byte, hidden bool) error {
	title := paint(op.std.Out)(bold, "Payload")
	var text string
	switch {
	case hidden:
		text = "(not shown: requires the permission cloudtasks.tasks.fullView)\n"
	case len(body) == 0:
		text = "(empty)\n"
	case json.Valid(body):
		text = printableLines(string(indentJSON(body, ""))) + "\n"
	case utf8.Valid(body):
		text = printableLines(strings.TrimSuffix(string(body), "\n")) + "\n"
	default:
		text = fmt.Sprintf("(%s of binary data; -json prints it in base64)\n", count(len(body), "byte"))
	}
	_, err := io.WriteString(op.std.Out, title+"\n"+text)
	return err
}
