package cloudtasktest

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
)

// TB is what this package needs of a test: *testing.T, *testing.B and *testing.F are ones.
type TB interface {
	Helper()
	Context() context.Context
	Cleanup(func())
	Failed() bool
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// Queue is a test's own queue service. See [New]. It may be used by several goroutines; the Run methods are the test's.
//
// When a method cannot do what it says, the test that the queue was made for fails, so that there is no error to look
// at. When the test ends, the queue is closed: enqueueing is an error from then on.
type Queue struct {
	// Client enqueues in this queue.
	Client *cloudtask.Client
	// Config is what Client is made with. A handler made with it trusts the queue's tokens, and its failures are seen in
	// [Attempt].Err.
	Config cloudtask.Config
	// Backend is for programs that make a client of their own. Closing it, or Client, does nothing.
	Backend cloudtask.Backend
	// Service is the queue service itself, for what this package does not have: queues and their settings, pausing,
	// random faults. A task that is added to it directly is run, and not seen by assertions.
	Service *localqueue.Service

	t     TB
	leaks leakCheck

	mu sync.Mutex

	target  http.Handler // what runs tasks; nil: nothing yet
	checked bool         // the target is the program's, and may look at tokens
	routes  []cloudtask.Route
	faults  []fault

	tasks     []*Task          // oldest first
	byName    map[string]*Task // by resource name, the youngest of each
	forgotten int              // tasks that assertions do not see any more
	waiters   []chan struct{}  // closed when a task is enqueued

	attempts  []*Attempt              // in the order in which they ended
	runs      map[attemptKey]*runInfo // what is known of attempts that have not ended
	ended     sync.Cond               // one more has ended
	attempted *Task                   // by the attempt that is running
	chained   int                     // how long the chain is that it belongs to
	maxChain  int
	endless   context.CancelFunc // ends the running Run method; nil: none runs

	story []incident // what happened
}

// Options sets up a queue other than [New] does.
type Options struct {
	// Config is the program's: names of queues, propagated headers, the maximum ETA and the like. What a test need not
	// care about has values already: Project, Location and, unless InsecureNoAuth or Authenticator is set, ServiceAccount.
	// Logger gets the program's log lines, which are dropped otherwise.
	Config cloudtask.Config

	// Service are options of the queue service, such as [localqueue.WithStrict], [localqueue.WithQueues] or, for a test
	// that begins at a certain time, [localqueue.WithVirtualClock].
	Service []localqueue.Option

	// LeaveGoroutines lets tasks leave goroutines running. Otherwise a goroutine that a run of a task has started in the
	// main module's code, and that has not ended a second after the test, fails the test: on Cloud Run such a goroutine
	// may get no processor once the task's request is answered.
	LeaveGoroutines bool
}

// Values of Config that a test need not care about.
const (
	defaultProject  = "test"
	defaultLocation = "here"
	defaultAccount  = "tasks@test.iam.gserviceaccount.com"
	defaultBaseURL  = "http://localhost:8080"
)

// New returns a queue for the test t, which is all its own: tests that use it can be parallel. Routes are what runs the
// tasks; where a route needs the queue's client, give it to [Queue.Handle] later, and none here. The queues are those
// that tasks are enqueued in, with Cloud Tasks' default settings.
func New(t TB, routes ...cloudtask.Route) *Queue {
	t.Helper()
	return NewWithOptions(t, Options{}, routes...)
}

// NewWithOptions is [New] with options.
func NewWithOptions(t TB, opts Options, routes ...cloudtask.Route) *Queue {
	t.Helper()
	if opts.Config.Eager {
		t.Fatalf("cloudtasktest: Options.Config.Eager is set: an eager client has no queue, and needs none to be tested")
	}
	q := &Queue{
		t: t, leaks: newLeakCheck(opts.LeaveGoroutines),
		byName: make(map[string]*Task), runs: make(map[attemptKey]*runInfo), maxChain: maxChain,
	}
	q.ended.L = &q.mu
	q.Config = testConfig(opts.Config)
	logger := q.Config.Logger
	q.Config.Logger = slog.New(&logHandler{q: q, next: logger.Handler()})

	options := append([]localqueue.Option{clock(), localqueue.WithLogger(logger)}, opts.Service...)
	options = append(options, localqueue.WithHandler(http.HandlerFunc(q.deliver)), localqueue.WithTokenSource(tokens{q}))
	service, err := localqueue.New(options...)
	if err != nil {
		t.Fatalf("cloudtasktest: making the queue: %v", err)
	}
	service.Observe(q.observe)
	q.Service = service
	q.Backend = recorder{service.Backend(), q}
	t.Cleanup(q.close)
	if q.Client, err = cloudtask.NewClient(q.Backend, q.Config); err != nil {
		t.Fatalf("cloudtasktest: making the client: %v", err)
	}
	q.Handle(routes...)
	return q
}

// testConfig returns cfg with all that a client and a handler need.
func testConfig(cfg cloudtask.Config) cloudtask.Config {
	cfg.Project = cmp.Or(cfg.Project, defaultProject)
	cfg.Location = cmp.Or(cfg.Location, defaultLocation)
	cfg.BaseURL = cmp.Or(cfg.BaseURL, defaultBaseURL)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if !cfg.InsecureNoAuth && cfg.Authenticator == nil {
		cfg.ServiceAccount = cmp.Or(cfg.ServiceAccount, defaultAccount)
		cfg.Authenticator = authenticator(cfg)
	}
	return cfg
}

// started is when the test binary was started.
var started = time.Now()

// clock returns the option for the clock of the code under test: a bubble's, or one that is the queue's alone, in the
// microseconds that Cloud Tasks counts in. A bubble's time starts with the year 2000, and only that tells that one is in
// a bubble: no test binary runs for a year.
func clock() localqueue.Option {
	now := time.Now()
	if now.Sub(started).Abs() > 365*24*time.Hour {
		return localqueue.WithSynctestClock()
	}
	return localqueue.WithVirtualClock(now.Truncate(time.Microsecond))
}

// Now returns the time of the queue's clock.
func (q *Queue) Now() time.Time { return q.Service.Now() }

// Handle adds routes that run tasks. They need no token: Run is called with what was enqueued.
func (q *Queue) Handle(routes ...cloudtask.Route) {
	q.t.Helper()
	if len(routes) == 0 {
		return
	}
	q.mu.Lock()
	q.routes = append(q.routes, routes...)
	all := q.routes
	q.mu.Unlock()
	cfg := q.Config
	cfg.Authenticator, cfg.InsecureNoAuth = nil, true
	handler, err := cloudtask.NewHandler(cfg, all...)
	if err != nil {
		q.t.Fatalf("cloudtasktest: %v", err)
	}
	q.deliverTo(handler, false)
}

// DeliverTo delivers tasks to the handler from now on, in place of routes, as Cloud Tasks would: with signed tokens, for
// which the first use in a test binary takes some tenths of a second. The handler is the program's own, made with the
// queue's Config.
func (q *Queue) DeliverTo(handler http.Handler) { q.deliverTo(handler, true) }

func (q *Queue) deliverTo(handler http.Handler, checked bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.target, q.checked = q.leaks.watch(handler), checked
}

// close ends the queue with its test.
func (q *Queue) close() {
	q.t.Helper()
	if err := q.Service.Close(); err != nil {
		q.t.Errorf("cloudtasktest: closing the queue: %v", err)
	}
	q.mu.Lock()
	ran := len(q.attempts) > 0
	q.mu.Unlock()
	if !ran {
		return
	}
	if stacks := q.leaks.find(); stacks != "" {
		q.t.Errorf("cloudtasktest: tasks have left goroutines running, which have to end with the run that starts them (Options.LeaveGoroutines "+
			"allows it):\n%s", stacks)
	}
	if q.t.Failed() {
		q.t.Logf("cloudtasktest: what happened in the queue:\n%s", q.timeline())
	}
}
