package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/cmd/internal/cli"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/console"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/emulator"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/issuer"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/queueyaml"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// Shutting down after a signal takes at most the sum of both.
const (
	attemptsDrainTime = 30 * time.Second
	callsDrainTime    = 5 * time.Second
)

const devHelp = `
Serves an embedded queue that behaves like Google Cloud Tasks, until SIGINT or SIGTERM. The first signal waits up to 30 seconds
for running attempts to finish; a second one exits immediately.

Tasks are kept in memory or, with -dir, in files as well. Everything that a call has confirmed then survives a crash, even
kill -9, and is restored at the next start.

Prints "ready HOST:PORT" on standard output once it is serving, and logs to standard error. gRPC clients, and handlers that
verify its tokens, find it through CLOUD_TASKS_EMULATOR_HOST=HOST:PORT. The issuer of its tokens is http://HOST:PORT; if
handlers reach the queue under another host name, pass that name with -advertise.

Unless -strict is set, a task for a queue that does not exist creates the queue.

http://HOST:PORT/ is the console. It shows queues, tasks and attempts live, and lets you act on them.

/_cloudtask/v1/ on the same port is a small HTTP API for test suites. It resets the queue, waits until it is idle, injects
faults, and advances a virtual clock. See docs/embedded-queue.md.
`

// devOptions is the command line of cloudtask dev.
type devOptions struct {
	listen      string
	advertise   string
	hosts       []string // accepted in requests, besides the default ones
	dir         string
	strict      bool
	named       []resource.Queue // of -queue, with default settings
	routed      []resource.Queue // of -queues-from, with default settings
	prefix      string           // the programs' Config.QueuePrefix
	defined     []resource.Queue // of -queue-file; their settings win over the defaults
	clock       string
	start       time.Time
	seed        uint64
	seeded      bool
	notes       []string // warnings about the files of -queue-file and -queues-from
	appEngine   []localqueue.Option
	defaultURLs []localqueue.Option
	tls         tlsFlags
	history     int
	readOnly    bool
}

func devCommand() cli.Command {
	return cli.Command{
		Name: "dev",
		Usage: "[-listen HOST:PORT] [-advertise HOST[:PORT]] [-allow-host HOST]... [-dir DIR] [-strict] [-queue NAME]... " +
			"[-queue-file FILE] [-queues-from FILE] [-queue-prefix PREFIX] [-clock virtual [-start TIME]] [-seed N] " +
			"[-app-engine [SERVICE=]URL]... [-default-url [QUEUE=]URL]... [-ca FILE]... [-insecure-skip-tls-verify] [-history N] [-read-only]",
		Summary: "serve the embedded queue over the Cloud Tasks API",
		Help:    devHelp,
		Flags: func(flags *flag.FlagSet) cli.Runner {
			var opts devOptions
			opts.define(flags)
			return func(ctx context.Context, args []string, std cli.Streams) error {
				if len(args) > 0 {
					return cli.BadUsage("unexpected argument %q", args[0])
				}
				return dev(ctx, opts, std.Out, slog.New(slog.NewTextHandler(std.Err, nil)))
			}
		},
	}
}

// define defines the flags, whose values it stores in opts.
func (opts *devOptions) define(flags *flag.FlagSet) {
	opts.defineServing(flags)
	opts.defineQueues(flags)
	opts.defineDelivery(flags)
}

// defineServing defines the flags that say where and to whom the queue is served, and where it is stored.
func (opts *devOptions) defineServing(flags *flag.FlagSet) {
	flags.StringVar(&opts.listen, "listen", "127.0.0.1:8123",
		"listen on `HOST:PORT`; port 0 picks a free port, an empty host or 0.0.0.0 means all interfaces")
	flags.StringVar(&opts.advertise, "advertise", "",
		"the `HOST[:PORT]` by which clients reach the queue if it differs from that of -listen, such as a container's name")
	flags.Func("allow-host",
		"also accept requests for the host name `HOST`, such as queue.example.com; may be repeated. To keep web pages out, only IP addresses, "+
			"names without a dot or in a private domain (localhost, test, internal, svc, cluster.local), "+
			"and the hosts of -listen and -advertise are accepted by default",
		func(host string) error {
			if host == "" || strings.ContainsAny(host, "/: *") {
				return errors.New("want a host name without a port, such as queue.example.com")
			}
			opts.hosts = append(opts.hosts, host)
			return nil
		})
	flags.StringVar(&opts.dir, "dir", "",
		"store queues and tasks in the directory `DIR`, created if missing, so that they survive a restart; by default they are only in memory")
	flags.IntVar(&opts.history, "history", 1000,
		"remember the last `N` tasks of each queue and outcome: succeeded, retries exhausted, deleted, purged or expired; 0 remembers none")
	flags.BoolVar(&opts.readOnly, "read-only", false, "make the console read-only; the wire API and the control API are not affected")
}

// defineQueues defines the flags that say which queues there are.
func (opts *devOptions) defineQueues(flags *flag.FlagSet) {
	flags.BoolVar(&opts.strict, "strict", false, "reject calls that name a missing queue, as Cloud Tasks does, instead of creating the queue")
	flags.Func("queue",
		"create the queue `NAME`: projects/P/locations/L/queues/Q, or a queue ID, which then exists in every project and location; may be repeated",
		func(name string) error {
			opts.named = append(opts.named, resource.Queue{Name: name})
			return nil
		})
	flags.Func("queue-file",
		"create the queues defined in `FILE`, in the format of App Engine's queue.yaml, in every project and location",
		func(name string) error {
			queues, ignored, err := readFile(name, queueyaml.Parse)
			opts.defined, opts.notes = append(opts.defined, queues...), append(opts.notes, ignored...)
			return err
		})
	flags.Func("queues-from",
		"create the queues of the tasks in `FILE`, the output of \"cloudtaskgen list -json\", in every project and location; - is standard input",
		func(name string) error {
			queues, unnamed, err := readFile(name, queuesOfRoutes)
			opts.routed, opts.notes = append(opts.routed, queues...), append(opts.notes, unnamed...)
			return err
		})
	flags.StringVar(&opts.prefix, "queue-prefix", strings.TrimSpace(os.Getenv("CLOUDTASK_QUEUE_PREFIX")),
		"prepend `PREFIX`, the programs' Config.QueuePrefix, to the queue IDs of -queue and -queues-from; default CLOUDTASK_QUEUE_PREFIX")
}

// defineDelivery defines the flags that say when and where tasks are delivered.
func (opts *devOptions) defineDelivery(flags *flag.FlagSet) {
	flags.StringVar(&opts.clock, "clock", "real",
		"the `KIND` of clock: real, or virtual, which stands still until the control API or the console advances it")
	flags.Func("start", "set the virtual clock to `TIME`, such as 2026-03-01T12:00:00Z; default now", func(text string) (err error) {
		if opts.start, err = time.Parse(time.RFC3339Nano, text); err != nil {
			return errors.New("want a time such as 2026-03-01T12:00:00Z")
		}
		return nil
	})
	flags.Func("seed", "derive task IDs and faults from `NUMBER`; default 1, but random task IDs on a real clock", func(text string) (err error) {
		if opts.seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			return errors.New("want a whole number, 0 or more")
		}
		opts.seeded = true
		return nil
	})
	flags.Func("app-engine",
		"deliver App Engine tasks to `[SERVICE=]URL`, such as http://localhost:8080: those of SERVICE, "+
			"or of every service without a flag of its own; may be repeated",
		func(value string) error {
			service, url, found := strings.Cut(value, "=")
			if !found || strings.Contains(service, "/") { // the = belongs to the URL
				service, url = "", value
			}
			opts.appEngine = append(opts.appEngine, localqueue.WithAppEngine(service, url))
			return nil
		})
	flags.Func("default-url",
		"deliver tasks without a URL, such as those of Firebase's SDK, to `[QUEUE=]URL`: those of QUEUE, a queue ID or resource name, or of every queue "+
			"without a flag of its own. {project}, {location} and {queue} are expanded, as in http://127.0.0.1:5001/{project}/{location}/{queue}; may be repeated",
		func(value string) error {
			queue, url, found := strings.Cut(value, "=")
			if !found || strings.Contains(queue, "://") { // the = belongs to the URL
				queue, url = "", value
			}
			opts.defaultURLs = append(opts.defaultURLs, localqueue.WithDefaultURL(queue, url))
			return nil
		})
	opts.tls.define(flags)
}

// dev serves the queue until a signal.
func dev(ctx context.Context, opts devOptions, stdout io.Writer, log *slog.Logger) error {
	host, _, err := net.SplitHostPort(opts.listen)
	if err != nil {
		return cli.BadUsage("-listen %q: want HOST:PORT", opts.listen)
	}
	virtual := opts.clock == "virtual"
	if !virtual && opts.clock != "real" {
		return cli.BadUsage("-clock %q: want real or virtual", opts.clock)
	}
	if !virtual && !opts.start.IsZero() {
		return cli.BadUsage("-start requires -clock virtual")
	}
	if opts.history < 0 {
		return cli.BadUsage("-history %d: must not be negative", opts.history)
	}
	trusted, err := opts.tls.config()
	if err != nil {
		return err
	}
	if opts.tls.insecure {
		log.Warn("TLS certificates are not verified: anyone on the network path can read and change tasks and their tokens")
	}
	if opts.prefix != "" && !queueID.MatchString(opts.prefix) {
		return cli.BadUsage("-queue-prefix %q: a queue ID has at most 100 letters, digits and hyphens", opts.prefix)
	}
	for _, note := range opts.notes {
		log.Warn("queue definitions: " + note)
	}
	tuneGC()
	signalled, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()

	listener, err := net.Listen("tcp", opts.listen)
	if err != nil {
		return fmt.Errorf("-listen %s: %w", opts.listen, err)
	}
	if host, err = advertisedHost(opts.advertise, host, listener.Addr()); err != nil {
		return errors.Join(err, listener.Close())
	}
	queueOpts := []localqueue.Option{
		localqueue.WithLogger(log),
		localqueue.WithTokenSource(issuer.New("http://" + host)),
		localqueue.WithQueues(opts.queues()...),
		localqueue.WithHistory(opts.history),
	}
	if opts.dir != "" {
		queueOpts = append(queueOpts, localqueue.WithDir(opts.dir))
	}
	if opts.strict {
		queueOpts = append(queueOpts, localqueue.WithStrict())
	}
	if virtual {
		queueOpts = append(queueOpts, localqueue.WithVirtualClock(opts.start))
	}
	if trusted != nil {
		queueOpts = append(queueOpts, localqueue.WithTLSConfig(trusted))
	}
	if opts.seeded {
		queueOpts = append(queueOpts, localqueue.WithSeed(opts.seed))
	}
	queueOpts = append(append(queueOpts, opts.appEngine...), opts.defaultURLs...)
	queue, err := localqueue.New(queueOpts...)
	if err != nil {
		if !errors.Is(err, localqueue.ErrDirectory) {
			err = cli.AsUsage(err) // any other error is about the value of a flag
		}
		return errors.Join(err, listener.Close())
	}
	listenHost, _, _ := net.SplitHostPort(opts.listen) // checked above
	server := emulator.Serve(queue, listener, emulator.WithLogger(log), emulator.WithConsole(newConsole(queue, opts, log)),
		emulator.WithHosts(append(opts.hosts, listenHost)...))
	fmt.Fprintf(stdout, "ready %s\n", host)

	<-signalled.Done()
	stop() // from now on a signal has its default effect: it ends the process
	log.Info("shutting down; a second signal exits immediately", "timeout", attemptsDrainTime+callsDrainTime)
	return drain(server, queue)
}

// queues returns the queues that the flags define. Queue IDs get the prefix, except those of a queue.yaml, which are the IDs in
// Cloud Tasks already.
func (opts *devOptions) queues() (queues []resource.Queue) {
	for _, q := range opts.named {
		if !strings.Contains(q.Name, "/") {
			q.Name = prefixed(opts.prefix, q.Name)
		}
		queues = append(queues, q)
	}
	for _, q := range opts.routed {
		q.Name = opts.prefix + q.Name
		queues = append(queues, q)
	}
	return append(queues, opts.defined...)
}

func newConsole(queue *localqueue.Service, opts devOptions, log *slog.Logger) *console.Console {
	consoleOpts := []console.Option{console.WithLogger(log)}
	if opts.readOnly {
		consoleOpts = append(consoleOpts, console.WithReadOnly())
	}
	return console.New(queue, consoleOpts...)
}

// drain shuts down the queue before the server, because the handlers of running attempts may still need the issuer's keys.
func drain(server *emulator.Server, queue *localqueue.Service) error {
	ctx, cancel := context.WithTimeout(context.Background(), attemptsDrainTime)
	defer cancel()
	err := queue.Shutdown(ctx)
	if err != nil {
		err = fmt.Errorf("waiting for running attempts: %w", err)
	}
	ctx, cancel = context.WithTimeout(context.Background(), callsDrainTime)
	defer cancel()
	return errors.Join(err, server.Shutdown(ctx))
}

// advertisedHost returns the HOST:PORT that clients use and that tokens name as their issuer: that of -advertise, or else the
// host of -listen with the port that is listened on. Clients cannot connect to an address that means all interfaces, so
// 127.0.0.1 replaces it.
func advertisedHost(advertise, listenHost string, addr net.Addr) (string, error) {
	_, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return "", fmt.Errorf("reading the listener's address %s: %w", addr, err)
	}
	if advertise == "" {
		if ip := net.ParseIP(listenHost); listenHost == "" || ip != nil && ip.IsUnspecified() {
			listenHost = "127.0.0.1"
		}
		return net.JoinHostPort(listenHost, port), nil
	}
	host := advertise
	if h, p, err := net.SplitHostPort(advertise); err == nil {
		host, port = h, p
	}
	isName := host != "" && !strings.ContainsAny(host, "/ :[]@")
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || !isName && net.ParseIP(host) == nil {
		return "", cli.BadUsage("-advertise %q: want HOST or HOST:PORT without a scheme, such as queue:8123", advertise)
	}
	return net.JoinHostPort(host, port), nil
}
