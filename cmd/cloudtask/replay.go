package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"

	"github.com/cloudtaskgen/cloudtaskgen/cmd/internal/cli"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

const replayHelp = `
Sends the request of a task, or of a failed task that a handler has saved to a file, to a server on this machine, such as one
running in a debugger, and prints the response. The queued task is not changed.

` + taskArgHelp + `
FILE ends in .json, like the files that Config.SaveFailures writes; - is standard input.

The request has the task's body and headers. Headers that carry credentials are omitted, with a message that names them; pass
them with -header if the server needs them. The queue service's own headers are those of the task's next attempt, or of the
attempt that was saved. The header Cloudtask-Replay marks the request: the handler logs it as a replay, and Metadata.Replay
reports true.

With an embedded queue, the request has a token from its issuer. In production it has none: run the server with
CLOUDTASK_INSECURE_NO_AUTH=true, or pass a token with -header 'Authorization: Bearer TOKEN'.
`

func replayCommand() cli.Command {
	return cli.Command{
		Name: "replay",
		Usage: "(TASK | FILE.json | -) [-to URL] [-header 'NAME: VALUE']... [-queue QUEUE]... [-ca FILE]... [-insecure-skip-tls-verify] " +
			"[-yes] [-json] [-project P] [-location L] [-emulator HOST:PORT]",
		Summary:    "send a task's request to a local server",
		Help:       replayHelp,
		Args:       taskOrFileWords,
		FlagValues: map[string]cli.Words{"queue": queueWords},
		Flags: operate(func(flags *flag.FlagSet, op *operation) func(context.Context, []string) error {
			opts := replayOptions{header: make(http.Header)}
			opts.queues = cli.StringsFlag(flags, "queue", queueFlagUsage)
			flags.StringVar(&opts.to, "to", "http://localhost:8080", "the server's `URL`; the path of the task's URL is appended unless this one has a path")
			flags.Func("header", "add or replace a header, as `'NAME: VALUE'`; may be repeated", opts.addHeader)
			opts.tls.define(flags)
			op.yesFlag(flags)
			op.offline = func(args []string) bool { return len(args) == 1 && isFile(args[0]) }
			return func(ctx context.Context, args []string) error {
				if err := cli.WantArgs(args, 1, "task or file"); err != nil {
					return err
				}
				return op.replay(ctx, args[0], &opts)
			}
		}),
	}
}

// isFile reports whether arg names a file, not a task. Task IDs have no dots, and resource names none after the project.
func isFile(arg string) bool { return arg == "-" || strings.HasSuffix(arg, ".json") }

type replayOptions struct {
	queues *[]string
	to     string
	header http.Header
	tls    tlsFlags
}

func (o *replayOptions) addHeader(text string) error {
	name, value, found := strings.Cut(text, ":")
	if name = strings.TrimSpace(name); !found || name == "" {
		return errors.New("want 'NAME: VALUE'")
	}
	o.header.Add(name, strings.TrimSpace(value))
	return nil
}

// replayInfo is what replay prints as JSON.
type replayInfo struct {
	Task     string          `json:"task"`
	Method   string          `json:"method"`
	URL      string          `json:"url"`
	Redacted []string        `json:"redacted,omitempty"`
	Status   int             `json:"status"`
	Duration duration        `json:"duration"`
	Headers  http.Header     `json:"headers"`
	Payload  json.RawMessage `json:"payload,omitempty"` // the response's body if it is JSON
	Body     []byte          `json:"body,omitempty"`    // the response's body if it is not
}

func (op *operation) replay(ctx context.Context, arg string, opts *replayOptions) error {
	trusted, err := opts.tls.config()
	if err != nil {
		return err
	}
	task, err := op.taskToReplay(ctx, arg, *opts.queues)
	if err != nil {
		return err
	}
	r, err := task.Request(ctx, opts.to)
	if err != nil {
		return cli.BadUsage("%w", err)
	}
	if err := op.confirmRemote(ctx, r.URL); err != nil {
		return err
	}
	if err := op.authorize(ctx, r, task); err != nil {
		return err
	}
	for name, values := range opts.header {
		r.Header[name] = values
		task.Redacted = slices.DeleteFunc(task.Redacted, func(what string) bool { return what == "header "+name })
	}
	if host := opts.header.Get("Host"); host != "" { // net/http ignores it among the headers
		r.Host = host
	}
	if len(task.Redacted) > 0 {
		fmt.Fprintf(op.std.Err, "incomplete task; omitted: %s\n", cli.Printable(strings.Join(task.Redacted, ", ")))
	}
	info, err := sendReplay(r, trusted)
	if ctx.Err() != nil {
		return fmt.Errorf("%w: the server may still be processing it", cli.ErrInterrupted)
	}
	if err != nil {
		return fmt.Errorf("sending to %s: %w", cmp.Or(opts.to, cli.Printable(task.URL)), err)
	}
	info.Task, info.Redacted = task.Name, task.Redacted
	for name := range info.Headers {
		if cloudtask.IsSecretHeader(name) {
			info.Headers[name] = []string{notShown}
		}
	}
	if err := op.reportReplay(info); err != nil {
		return err
	}
	switch {
	case info.Status == http.StatusUnauthorized && r.Header.Get("Authorization") == "":
		return errors.New("the server requires a token: run it with CLOUDTASK_INSECURE_NO_AUTH=true, or pass one with -header 'Authorization: Bearer TOKEN'")
	case info.Status < 200 || info.Status > 299:
		return fmt.Errorf("the server responded with status %d", info.Status)
	}
	return nil
}

// taskToReplay reads a saved task from a file, or returns the next attempt of a task in a queue.
func (op *operation) taskToReplay(ctx context.Context, arg string, queues []string) (*cloudtask.FailedTask, error) {
	if !isFile(arg) {
		task, err := op.resolveTask(ctx, arg, queues, cloudtaskspb.Task_FULL)
		if err != nil {
			return nil, err
		}
		return nextAttempt(task), nil
	}
	in, name := op.std.In, "standard input"
	if arg != "-" {
		file, err := os.Open(arg)
		if errors.Is(err, os.ErrNotExist) {
			return nil, notFoundError{err}
		}
		if err != nil {
			return nil, err
		}
		defer file.Close()
		in, name = file, arg
	}
	task, err := cloudtask.ReadFailedTask(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return task, nil
}

// nextAttempt returns the request of the task's next attempt.
func nextAttempt(task *cloudtaskspb.Task) *cloudtask.FailedTask {
	info, request := newTaskInfo(task, time.Now(), false), requestOf(task)
	t := &cloudtask.FailedTask{
		Name: info.Name, Queue: info.Queue, Type: info.Type, Attempt: info.Dispatches + 1,
		Method: request.method, URL: request.url, Header: make(http.Header), Body: request.body,
		ServiceAccount: request.account, Audience: cmp.Or(request.audience, request.url),
	}
	for _, name := range slices.Sorted(maps.Keys(request.headers)) {
		if cloudtask.IsSecretHeader(name) {
			t.Redacted = append(t.Redacted, "header "+http.CanonicalHeaderKey(name))
			continue
		}
		t.Header.Set(name, request.headers[name])
	}
	prefix := "X-CloudTasks-"
	if info.Target == "appengine" {
		prefix, t.URL = "X-AppEngine-", "http://localhost"+request.url // an App Engine task has only a path
	}
	t.Header.Set(prefix+"QueueName", info.Queue)
	t.Header.Set(prefix+"TaskName", info.ID)
	t.Header.Set(prefix+"TaskRetryCount", strconv.Itoa(info.Dispatches))
	executions := info.Responses
	if info.Target == "http" && info.LastAttempt != nil && info.LastAttempt.Status >= 500 {
		executions-- // a 5xx response does not count; the statuses of earlier ones are not known
	}
	t.Header.Set(prefix+"TaskExecutionCount", strconv.Itoa(executions))
	t.Header.Set(prefix+"TaskETA", fmt.Sprintf("%.6f", float64(info.ScheduleTime.UnixMicro())/1e6))
	if last := info.LastAttempt; last != nil && last.Status != 0 {
		t.Header.Set(prefix+"TaskPreviousResponse", strconv.Itoa(last.Status))
		t.Header.Set(prefix+"TaskRetryReason", "")
	}
	return t
}

// isThisMachine reports whether the host is this machine: a loopback address, or localhost and the names below it (RFC 6761).
func isThisMachine(host string) bool {
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || net.ParseIP(host).IsLoopback()
}

// proxyFor returns the environment's proxy for requests that leave this machine. net/http would also use it for names below
// localhost, and the payload would leave without a question.
func proxyFor(r *http.Request) (*url.URL, error) {
	if isThisMachine(r.URL.Hostname()) {
		return nil, nil
	}
	return http.ProxyFromEnvironment(r)
}

// confirmRemote asks for confirmation before a payload leaves this machine.
func (op *operation) confirmRemote(ctx context.Context, to *url.URL) error {
	if op.yes || isThisMachine(to.Hostname()) {
		return nil
	}
	fmt.Fprintf(op.std.Err, "%s is not this machine. The task's payload and headers will be sent there.\n", cli.Printable(to.Host))
	if !op.std.Interactive() {
		return errCannotAsk
	}
	answer, err := op.std.Ask(ctx, "Continue? [y/N] ")
	if err == nil && !isYes(answer) {
		err = errDeclined
	}
	return err
}

// authorize adds the token that the embedded queue would send with the task.
func (op *operation) authorize(ctx context.Context, r *http.Request, task *cloudtask.FailedTask) error {
	if op.emulator == "" || task.ServiceAccount == "" {
		return nil
	}
	var answer struct{ Token string }
	err := op.control(ctx, http.MethodPost, "token", map[string]string{"serviceAccount": task.ServiceAccount, "audience": task.Audience}, &answer)
	switch {
	case ctx.Err() != nil:
		return cli.ErrInterrupted
	case err != nil: // the server may not require one
		fmt.Fprintf(op.std.Err, "sending without a token: %s did not issue one: %v\n", op.target, err)
	default:
		r.Header.Set("Authorization", "Bearer "+answer.Token)
	}
	return nil
}

// sendReplay sends the request, with no timeout. It does not follow redirects.
func sendReplay(r *http.Request, trusted *tls.Config) (*replayInfo, error) {
	client := http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{Proxy: proxyFor, DisableCompression: true, TLSClientConfig: trusted, ForceAttemptHTTP2: true},
	}
	began := time.Now()
	resp, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("reading the response: %w", err)
	}
	info := &replayInfo{
		Method: r.Method, URL: r.URL.String(), Status: resp.StatusCode,
		Duration: duration(time.Since(began).Round(time.Microsecond)), Headers: resp.Header,
	}
	if json.Valid(body) && utf8.Valid(body) {
		info.Payload = body
	} else {
		info.Body = body
	}
	return info, nil
}

func (op *operation) reportReplay(info *replayInfo) error {
	if op.json {
		return writeJSON(op.std.Out, info)
	}
	state := green
	if info.Status >= 300 {
		state = red
	}
	status := paint(op.std.Out)(state, fmt.Sprintf("%d %s", info.Status, http.StatusText(info.Status)))
	fmt.Fprintf(op.std.Err, "%s %s, after %s\n", info.Method, cli.Printable(info.URL), shortDuration(time.Duration(info.Duration)))
	text := string(info.Payload) + string(info.Body)
	if cli.IsTerminal(op.std.Out) {
		text = printableLines(text)
	}
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	_, err := fmt.Fprintf(op.std.Out, "%s\n%s", status, text)
	return err
}
