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

// Of draining after a signal, each at most.
const (
	callsDrainTime    = 5 * time.Second
	attemptsDrainTime = 30 * time.Second
)

const devHelp = `
Serves an embedded queue that behaves like Google Cloud Tasks until SIGINT or SIGTERM. The first signal lets what is
running end, for half a minute at most; the second ends it at once.

Everything is in memory, or with -dir in files too: then whatever has been answered survives the end of the process,
kill -9 included, and is there again with the next start.

Prints one line "ready HOST:PORT" on standard output once it serves, and logs on standard error. gRPC clients and the
handlers that verify its tokens find it through CLOUD_TASKS_EMULATOR_HOST=HOST:PORT. The issuer of its tokens is
http://HOST:PORT of that line; handlers that reach it by another name than this machine's own need -advertise NAME.

Without -strict, a task for a queue that does not exist creates the queue.

http://HOST:PORT/ is a web page for people: it shows queues, tasks and what came of them, live, and works with them.

A small HTTP API under /_cloudtask/v1/ of the same port is for test suites: it resets, waits until idle, injects faults, and
moves a virtual clock. See docs/embedded-queue.md.
`

// devOptions is the command line of cloudtask dev.
type devOptions struct {
	listen      string
	advertise   string
	hosts       []string // that requests may name, too
	dir         string
	strict      bool
	named       []resource.Queue // with default settings
	routed      []resource.Queue // that directives name, with default settings
	prefix      string           // of the programs' queues
	defined     []resource.Queue // with settings, which count where both name a queue
	clock       string
	start       time.Time
	seed        uint64
	seeded      bool
	notes       []string // of the queues' files, to be logged
	appEngine   []localqueue.Option
	defaultURLs []localqueue.Option
	tls         tlsFlags
	history     int
	readOnly    bool
}

func devCommand() cli.Command {
	return cli.Command{
		Name: "dev",
		Usage: "[-listen HOST:PORT] [-advertise HOST[:PORT]] [-allow-host HOST]... [-dir DIR] [-strict] [-queue NAME]... [-queue-file FILE] " +
			"[-queues-from FILE] [-queue-prefix PREFIX] [-clock virtual [-start TIME]] [-seed N] [-app-engine [SERVICE=]URL]... [-default-url " +
			"[QUEUE=]URL]... [-ca FILE]... [-insecure-skip-tls-verify] [-history N] [-read-only]",
		Summary: "serve the embedded queue on the wire API of Cloud Tasks",
		Help:    devHelp,
		Flags: func(flags *flag.FlagSet) cli.Runner {
			var opts devOptions
			flags.StringVar(&opts.listen, "listen", "127.0.0.1:8123", "serve on `HOST:PORT`; port 0 picks a free one, an empty host or 0.0.0.0 is every interface")
			flags.StringVar(&opts.advertise, "advertise", "", "the `HOST[:PORT]` that clients reach the queue by, where it is not that of -listen, "+
				"such as a container's name")
			flags.Func("allow-host", "answer requests that name `HOST` too, such as queue.example.com; may be repeated. Without it only IP addresses, "+
				"names without a dot or in a private domain (localhost, test, internal, svc, cluster.local), and those of -listen and -advertise are "+
				"answered, which keeps web pages out", func(host string) error {
				if host == "" || strings.ContainsAny(host, "/: *") {
					return errors.New("want a host name without a port, such as queue.example.com")
				}
				opts.hosts = append(opts.hosts, host)
				return nil
			})
			flags.StringVar(&opts.dir, "dir", "", "keep queues and tasks in files in `DIR`, which is created if it is missing, so that they survive "+
				"the process; without it they are in memory")
			flags.BoolVar(&opts.strict, "strict", false, "answer calls that name a missing queue as Cloud Tasks does, in place of creating it")
			flags.Func("queue", "create the queue `NAME`: projects/P/locations/L/queues/Q, or an id Q that then exists in every project and location; "+
				"may be repeated", func(name string) error {
				opts.named = append(opts.named, resource.Queue{Name: name})
				return nil
			})
			flags.Func("queue-file", "create the queues of `FILE`, in the form of App Engine's queue.yaml, in every project and location", func(name string) error {
				queues, ignored, err := readFile(name, queueyaml.Parse)
				opts.defined, opts.notes = append(opts.defined, queues...), append(opts.notes, ignored...)
				return err
			})
			flags.Func("queues-from", "create the queues that the tasks of `FILE` name, the output of cloudtaskgen list -json, in every project and "+
				"location; - is standard input", func(name string) error {
				queues, unnamed, err := readFile(name, queuesOfRoutes)
				opts.routed, opts.notes = append(opts.routed, queues...), append(opts.notes, unnamed...)
				return err
			})
			flags.StringVar(&opts.prefix, "queue-prefix", strings.TrimSpace(os.Getenv("CLOUDTASK_QUEUE_PREFIX")), "the programs' Config.QueuePrefix, a "+
				"`PREFIX` that ids of -queue and -queues-from get; taken from CLOUDTASK_QUEUE_PREFIX where it is not given")
			flags.StringVar(&opts.clock, "clock", "real", "`real`, or virtual: time then stands still, and tasks are delivered when the control API says so")
			flags.Func("start", "the `TIME` at which a virtual clock stands, such as 2026-03-01T12:00:00Z; default now", func(text string) (err error) {
				if opts.start, err = time.Parse(time.RFC3339Nano, text); err != nil {
					return errors.New("want a time such as 2026-03-01T12:00:00Z")
				}
				return nil
			})
			flags.Func("seed", "the `NUMBER` that ids and faults come from; default 1, with random ids on a real clock", func(text string) (err error) {
				if opts.seed, err = strconv.ParseUint(text, 10, 64); err != nil {
					return errors.New("want a whole number, 0 or more")
				}
				opts.seeded = true
				return nil
			})
			flags.Func("app-engine", "deliver App Engine tasks to `[SERVICE=]URL`, such as http://localhost:8080: those of the service, or of every "+
				"service without a flag of its own; may be repeated", func(value string) error {
				service, url, found := strings.Cut(value, "=")
				if !found || strings.Contains(service, "/") { // the = of a URL
					service, url = "", value
				}
				opts.appEngine = append(opts.appEngine, localqueue.WithAppEngine(service, url))
				return nil
			})
			flags.Func("default-url", "the URL of tasks that have none, as those of Firebase's SDK, as `[QUEUE=]URL`: of the queue, which is a full "+
				"name or an id, or of every queue without a flag of its own. {project}, {location} and {queue} are filled in, as in "+
				"http://127.0.0.1:5001/{project}/{location}/{queue}; may be repeated", func(value string) error {
				queue, url, found := strings.Cut(value, "=")
				if !found || strings.Contains(queue, "://") { // the = of a URL
					queue, url = "", value
				}
				opts.defaultURLs = append(opts.defaultURLs, localqueue.WithDefaultURL(queue, url))
				return nil
			})
			opts.tls.define(flags)
			flags.IntVar(&opts.history, "history", 1000, "remember the last `N` tasks of each queue that succeeded, and as many of those that were "+
				"given up, deleted, purged or expired; 0 remembers nothing")
			flags.BoolVar(&opts.readOnly, "read-only", false, "serve a page that shows everything and changes nothing; the wire API and the control API are as ever")
			return func(ctx context.Context, args []string, std cli.Streams) error {
				if len(args) > 0 {
					return cli.BadUsage("unexpected argument %q", args[0])
				}
				return dev(ctx, opts, std.Out, slog.New(slog.NewTextHandler(std.Err, nil)))
			}
		},
	}
}

// dev serves until a signal.
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
		return cli.BadUsage("-start is for -clock virtual")
	}
	if opts.history < 0 {
		return cli.BadUsage("-history %d: want a number of tasks, 0 or more", opts.history)
	}
	trusted, err := opts.tls.config()
	if err != nil {
		return err
	}
	if opts.tls.insecure {
		log.Warn("no certificate is verified: whoever is between can read and change tasks and their tokens")
	}
	if opts.prefix != "" && !queueID.MatchString(opts.prefix) {
		return cli.BadUsage("-queue-prefix %q: the id of a queue holds only letters, digits and \"-\", 100 at most", opts.prefix)
	}
	for _, note := range opts.notes {
		log.Warn("queue definitions: " + note)
	}
	boundGarbage()
	signalled, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()

	listener, err := net.Listen("tcp", opts.listen)
	if err != nil {
		return fmt.Errorf("listening on -listen %s: %w", opts.listen, err)
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
			err = cli.AsUsage(err) // what flags have defined is all else that can be wrong
		}
		return errors.Join(err, listener.Close())
	}
	listenHost, _, _ := net.SplitHostPort(opts.listen) // checked above
	server := emulator.Serve(queue, listener, emulator.WithLogger(log), emulator.WithConsole(newConsole(queue, opts, log)),
		emulator.WithHosts(append(opts.hosts, listenHost)...))
	fmt.Fprintf(stdout, "ready %s\n", host)

	<-signalled.Done()
	stop() // a second signal has its default effect: the end
	log.Info("draining; a second signal ends at once", "at_most", callsDrainTime+attemptsDrainTime)
	return drain(server, queue)
}

// queues returns the queues that the flags define, with the prefix where that is not part of what names them. A queue.yaml
// says what queues are called in Cloud Tasks.
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

// drain ends the queue before its server, which has the keys that the handlers of running attempts may ask for yet.
func drain(server *emulator.Server, queue *localqueue.Service) error {
	ctx, cancel := context.WithTimeout(context.Background(), attemptsDrainTime)
	defer cancel()
	err := queue.Shutdown(ctx)
	if err != nil {
		err = fmt.Errorf("waiting for the attempts that are running: %w", err)
	}
	ctx, cancel = context.WithTimeout(context.Background(), callsDrainTime)
	defer cancel()
	return errors.Join(err, server.Shutdown(ctx))
}

// advertisedHost is the HOST:PORT that clients are told to use and that tokens are issued by: what -advertise says, else
// the host of -listen as it was written, with the port that was picked. An address of every interface is none to
// connect to, so that this machine's own stands in for it.
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
