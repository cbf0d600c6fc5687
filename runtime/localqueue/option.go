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

// WithHandler delivers every task to h without a network, whatever the host in its URL.
func WithHandler(h http.Handler) Option {
	return func(o *options) { o.transport = &inproc.Transport{Handler: h, MaxBody: maxDrain} }
}

// WithTransport delivers tasks through rt instead of the service's own [http.Transport]. The service follows redirects itself, with
// another call. It does not close rt.
func WithTransport(rt http.RoundTripper) Option {
	return func(o *options) { o.transport = rt }
}

// WithTLSConfig makes the service's own transport use c for https URLs, for example with RootCAs for targets whose certificates only
// this machine trusts. It has no effect on [WithHandler], and is an error together with [WithTransport].
func WithTLSConfig(c *tls.Config) Option {
	return func(o *options) { o.tls = c.Clone() }
}

// WithObserver calls f with every event of every task, in order and never concurrently, outside the service's locks. f must be quick:
// calls and attempts wait for it.
func WithObserver(f func(Event)) Option {
	return func(o *options) { o.observer = f }
}

// WithLogger logs to l instead of [slog.Default].
func WithLogger(l *slog.Logger) Option {
	return func(o *options) { o.logger = l }
}

// WithVirtualClock makes time stand still at start until a call such as [Service.RunFor] moves it. start is in the years 1970 to 2261;
// zero is the present.
func WithVirtualClock(start time.Time) Option {
	return func(o *options) { o.virtual, o.bubble, o.start = true, false, start }
}

// WithSynctestClock is [WithVirtualClock] with the time of the testing/synctest bubble in which the service is created, so handlers
// that read the time or sleep share the service's clock. The calls that move the clock sleep, which takes no time in a bubble.
func WithSynctestClock() Option {
	return func(o *options) { o.virtual, o.bubble = true, true }
}

// WithSeed makes the ids that the service chooses the same in every run, and decides which deliveries get the faults of
// [Service.SetFaults]. Without it the seed is 1, but ids on a real clock are random.
func WithSeed(seed uint64) Option {
	return func(o *options) { o.seed, o.seeded = seed, true }
}

// WithTombstones sets how long the name of a task that is gone stays taken (default 24 h), and that of a deleted queue (default 3
// days). Zero keeps the default; a negative duration frees names at once.
func WithTombstones(tasks, queues time.Duration) Option {
	return func(o *options) { o.taskTombstone, o.queueTombstone = tasks, queues }
}

// WithHistory makes each queue remember the last n tasks of each outcome with their payloads, the last 10 n attempts that failed, and
// the outcomes of attempts within the last hour, for [Service.Inspect], [Service.Browse] and [Service.Overview]. A queue remembers at
// most 8 MiB for each outcome, and all queues together about 256 MiB: beyond that, each forgets what exceeds an equal share. Without
// it, or with n = 0, nothing is remembered. A queue's history is deleted with the queue, and [WithDir] keeps it.
func WithHistory(n int) Option {
	return func(o *options) { o.history = n }
}

// WithDir keeps everything in files in a directory, which is created if it is missing. What a call has answered survives the process,
// however it ends, and a later service with the same directory continues from there. A task is attempted again if its attempt was
// running, or if the attempt's outcome was not on disk yet.
//
// Settings of queues in the directory take precedence over those of [WithQueues]. Only one service at a time can use a directory:
// [New] returns an error for the second. It also returns an error, and changes nothing, if files are damaged or missing. A change that
// was incomplete when the process or the machine stopped is moved to a file beside the journal, with a log line.
//
// When a file cannot be written, as on a full disk, that call and all after it fail with UNAVAILABLE, and no attempt begins. Close the
// service, and create it again once the directory can be written.
func WithDir(path string) Option {
	return func(o *options) { o.dir = path }
}
