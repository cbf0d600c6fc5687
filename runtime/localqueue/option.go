package localqueue

import (
	"crypto/tls"
	"log/slog"
	"net/http"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/inproc"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// Option sets up a [Service].
type Option func(*options)

type options struct {
	queues         []resource.Queue
	strict         bool
	transport      http.RoundTripper
	tls            *tls.Config
	tokens         TokenSource
	observer       func(Event)
	logger         *slog.Logger
	virtual        bool
	bubble         bool
	start          time.Time
	seed           uint64
	seeded         bool
	appEngine      map[string]string // base URLs by service
	defaultURLs    map[string]string // by queue
	taskTombstone  time.Duration
	queueTombstone time.Duration
	dir            string
	history        int
	minRoll        int64
	maxPast        int64
}

// WithQueues defines queues. A Name that is a bare id defines the queue in every project and location. Unlike
// [Service.CreateQueue] it accepts rates and concurrencies above the service's maxima, for load tests.
func WithQueues(queues ...resource.Queue) Option {
	return func(o *options) { o.queues = append(o.queues, queues...) }
}

// WithStrict answers calls that name a missing queue as Cloud Tasks does. Without it, creating a task creates the
// queue, with a log line; a queue that was deleted stays deleted either way.
func WithStrict() Option {
	return func(o *options) { o.strict = true }
}

// WithHandler delivers every task straight to h, whatever the host in its URL, without a network.
func WithHandler(h http.Handler) Option {
	return func(o *options) { o.transport = &inproc.Transport{Handler: h, MaxBody: maxDrain} }
}

// WithTransport delivers tasks through rt in place of the service's own [http.Transport]. A redirect comes back to the
// service, which follows it with another call. The service does not close rt.
func WithTransport(rt http.RoundTripper) Option {
	return func(o *options) { o.transport = rt }
}

// WithTLSConfig has the service's own transport use c for tasks with https URLs, such as with RootCAs for targets whose
// certificate only this machine trusts. It has no effect on [WithHandler], and together with [WithTransport] it is an error.
func WithTLSConfig(c *tls.Config) Option {
	return func(o *options) { o.tls = c.Clone() }
}

// WithObserver calls f with everything that happens to tasks, in order and never concurrently, outside the service's
// locks. f must be quick: the calls and attempts that it hears of wait for it.
func WithObserver(f func(Event)) Option {
	return func(o *options) { o.observer = f }
}

// WithLogger logs to l in place of [slog.Default].
func WithLogger(l *slog.Logger) Option {
	return func(o *options) { o.logger = l }
}

// WithVirtualClock makes time stand at start (zero: the present; from the year 1970 to 2261) until the service is told to
// move it.
func WithVirtualClock(start time.Time) Option {
	return func(o *options) { o.virtual, o.bubble, o.start = true, false, start }
}

// WithSynctestClock is [WithVirtualClock] with the time of the testing/synctest bubble that the service is created in,
// so that handlers which ask for the time or wait for it, and the service, have one clock. The calls that move it sleep,
// which takes no time in a bubble. Outside of one they would take as long as they say.
func WithSynctestClock() Option {
	return func(o *options) { o.virtual, o.bubble = true, true }
}

// WithSeed makes the ids that the service chooses the same in every run, and decides which deliveries meet the faults of
// [Service.SetFaults]. Without it the seed is 1, but ids on a real clock are random.
func WithSeed(seed uint64) Option {
	return func(o *options) { o.seed, o.seeded = seed, true }
}

// WithTombstones sets for how long the name of a task that is gone stays taken (default 24 h), and for how long that of
// a deleted queue does (default 3 days). Zero keeps the default; a negative duration frees names at once.
func WithTombstones(tasks, queues time.Duration) Option {
	return func(o *options) { o.taskTombstone, o.queueTombstone = tasks, queues }
}

// WithHistory has each queue remember, for [Service.Inspect], [Service.Ended] and [Service.Overview], the last n tasks of
// each outcome with their payloads, the last 10 n attempts that failed, and what came of attempts within the last hour. The
// payloads that are remembered have at most 8 MiB for each outcome, and all queues together about 256 MiB: beyond that, each
// gives up what is above an equal share. Without it, or with n = 0, nothing is remembered.
// What a queue remembers goes with the queue, and is kept by [WithDir].
func WithHistory(n int) Option {
	return func(o *options) { o.history = n }
}

// WithDir keeps everything in files in the directory, which is created if it is missing: what a call has answered
// survives the process, however it ends, and a service that is created with the directory later goes on with it. A task
// whose attempt was running then, or whose attempt's outcome was not on disk yet, is attempted again.
//
// Settings of queues in the directory prevail over those of [WithQueues]. One service at a time can use a directory: New
// returns an error for the second. It does so for files that are damaged or missing too, and changes nothing then. A change
// that was incomplete when the process or the machine stopped is moved to a file beside the journal, with a log line.
//
// When a file cannot be written, such as on a full disk, the call that needed it and all after it fail with UNAVAILABLE,
// and no attempt begins: close the service, and create it again when the directory can be written.
func WithDir(path string) Option {
	return func(o *options) { o.dir = path }
}
