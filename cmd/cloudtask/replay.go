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
Sends the request of a task, or of a failed task that a handler has saved to a file, to a server on this machine, where a
debugger may wait, and prints the answer. The queued task stays as and where it is.

` + taskArgHelp + `
FILE is a name that ends in .json, as those of Config.SaveFailures do; - is standard input.

Body and headers are the task's own, but for headers that carry credentials, which are left out and named: give them with -header
where the server needs them. Those of the queue service are what the next attempt of the task would have, or what the
saved one had. The header Cloudtask-Replay marks the request: the handler logs it as a replay, and Metadata.Replay is true.

With an embedded queue the request has a token as from there. In production it has none: let the server run with
CLOUDTASK_INSECURE_NO_AUTH=true, or give a token with -header 'Authorization: Bearer TOKEN'.
`

func replayCommand() cli.Command {
	return cli.Command{
		Name: "replay",
		Usage: "(TASK | FILE.json | -) [-to URL] [-header 'NAME: VALUE']... [-queue QUEUE]... [-ca FILE]... [-insecure-skip-tls-verify] [-yes] " +
			"[-json] [-project P] [-location L] [-emulator HOST:PORT]",
		Summary:    "send a task's request to a server on this machine",
		Help:       replayHelp,
		Args:       taskOrFileWords,
		FlagValues: map[string]cli.Words{"queue": queueWords},
		Flags: operate(func(flags *flag.FlagSet, op *operation) func(context.Context, []string) error {
			opts := replayOptions{header: make(http.Header)}
			opts.queues = cli.StringsFlag(flags, "queue", queueFlagUsage)
			flags.StringVar(&opts.to, "to", "http://localhost:8080", "the server's `URL`, to which the path of the task's is appended; one with a path "+
				"of its own is taken as it is")
			flags.Func("header", "a header to add or to replace, as `'NAME: VALUE'`; may be repeated", opts.addHeader)
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

// isFile tells a file from a task, whose names have no dots but for those of projects.
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
	Payload  json.RawMessage `json:"payload,omitempty"` // the answer's body, if it is JSON
	Body     []byte          `json:"body,omitempty"`    // else
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
	if err := op.confirmStranger(ctx, r.URL); err != nil {
		return err
	}
	if err := op.authorize(ctx, r, task); err != nil {
		return err
	}
	for name, values := range opts.header {
		r.Header[name] = values
		task.Redacted = slices.DeleteFunc(task.Redacted, func(what string) bool { return what == "header "+name })
	}
	if host := opts.header.Get("Host"); host != "" { // which net/http takes from nowhere else
		r.Host = host
	}
	if len(task.Redacted) > 0 {
		fmt.Fprintf(op.std.Err, "this is not all of the task; left out were: %s\n", cli.Printable(strings.Join(task.Redacted, ", ")))
	}
	info, err := sendReplay(r, trusted)
	if ctx.Err() != nil {
		return fmt.Errorf("%w: the server may still be at it", cli.ErrInterrupted)
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
		return errors.New("the server wants a token: run it with CLOUDTASK_INSECURE_NO_AUTH=true, or give one with -header 'Authorization: Bearer TOKEN'")
	case info.Status < 200 || info.Status > 299:
		return fmt.Errorf("the server answered %d", info.Status)
	}
	return nil
}

// taskToReplay reads a file, or a task from its queue as its next attempt would be.
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

// nextAttempt is the request that the task's next attempt would be.
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
		prefix, t.URL = "X-AppEngine-", "http://localhost"+request.url // an App Engine service has no other
	}
	t.Header.Set(prefix+"QueueName", info.Queue)
	t.Header.Set(prefix+"TaskName", info.ID)
	t.Header.Set(prefix+"TaskRetryCount", strconv.Itoa(info.Dispatches))
	executions := info.Responses
	if info.Target == "http" && info.LastAttempt != nil && info.LastAttempt.Status >= 500 {
		executions-- // responses with 5xx do not count; of those before the last nothing is stored that would tell
	}
	t.Header.Set(prefix+"TaskExecutionCount", strconv.Itoa(executions))
	t.Header.Set(prefix+"TaskETA", fmt.Sprintf("%.6f", float64(info.ScheduleTime.UnixMicro())/1e6))
	if last := info.LastAttempt; last != nil && last.Status != 0 {
		t.Header.Set(prefix+"TaskPreviousResponse", strconv.Itoa(last.Status))
		t.Header.Set(prefix+"TaskRetryReason", "")
	}
	return t
}

// isThisMachine reports whether the host is one by definition: RFC 6761 has all names below localhost be loopback.
func isThisMachine(host string) bool {
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || net.ParseIP(host).IsLoopback()
}

// proxyFor returns the proxy of the environment, for requests that leave this machine: net/http would use it for names
// below localhost too, and the payload would leave unasked.
func proxyFor(r *http.Request) (*url.URL, error) {
	if isThisMachine(r.URL.Hostname()) {
		return nil, nil
	}
	return http.ProxyFromEnvironment(r)
}

// confirmStranger asks before a payload leaves this machine.
func (op *operation) confirmStranger(ctx context.Context, to *url.URL) error {
	if op.yes || isThisMachine(to.Hostname()) {
		return nil
	}
	fmt.Fprintf(op.std.Err, "%s is not this machine: the task's payload and headers will be sent there.\n", cli.Printable(to.Host))
	if !op.std.Interactive() {
		return errNotAsked
	}
	answer, err := op.std.Ask(ctx, "Go on? [y/N] ")
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
	case err != nil: // the server may do without
		fmt.Fprintf(op.std.Err, "sent without a token, because %s gives none: %v\n", op.target, err)
	default:
		r.Header.Set("Authorization", "Bearer "+answer.Token)
	}
	return nil
}

// sendReplay sends the request, however long the answer takes. A redirect is an answer.
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
		return nil, fmt.Errorf("reading the answer: %w", err)
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
