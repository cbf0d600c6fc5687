package localqueue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/inproc"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// Service is an embedded Cloud Tasks. See [New]. Its methods may be called concurrently. It shares no memory with their arguments and
// results.
type Service struct {
	options   options
	log       *slog.Logger
	transport http.RoundTripper
	virtual   *virtualClock // nil: real time

	mu           sync.RWMutex
	queues       queueSet
	everywhere   map[string]resource.Queue // settings of queues that exist in every location, by id
	configured   []resource.Queue          // settings of queues with a full name that WithQueues defines
	goneQueues   map[string]int64          // when the names of deleted queues become free
	queueCounter int
	created      atomic.Uint64 // number of tasks ever created: their order over all queues
	changes      atomic.Uint64 // see [Service.Changes]

	dispatcher dispatcher
	events     events
	idle       idle
	batches    batches
	ids        ids
	kept       keptValues
	pastSize   pastSize
	journal    *journal // nil: in memory
	warnTokens sync.Once
	warnURLs   sync.Once
	faults     atomic.Pointer[map[string]Faults] // nil: none; replaced, never changed, under mu

	closed atomic.Bool
	ctx    context.Context // done when attempts are to be cancelled
	cancel context.CancelFunc
}

// New starts a service. Close it when done. An error names the option that is wrong.
func New(opts ...Option) (*Service, error) {
	s := &Service{everywhere: make(map[string]resource.Queue), goneQueues: make(map[string]int64)}
	s.options.minRoll, s.options.maxPast = minRoll, maxPastBytes
	for _, opt := range opts {
		opt(&s.options)
	}
	s.pastSize.s, s.pastSize.most = s, s.options.maxPast
	if err := s.start(); err != nil {
		return nil, errors.Join(err, s.journal.close())
	}
	return s, nil
}

func (s *Service) start() (err error) {
	o := &s.options
	if s.log = o.logger; s.log == nil {
		s.log = slog.Default()
	}
	if !o.seeded {
		o.seed = 1
	}
	if o.virtual {
		if s.virtual, err = newVirtualClock(o.start); err != nil {
			return err
		}
		s.virtual.bubble = o.bubble
	}
	if o.observer != nil {
		s.Observe(o.observer)
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.ids.init(o)
	if err := o.checkAppEngine(); err != nil {
		return err
	}
	if err := o.checkDefaultURLs(); err != nil {
		return err
	}
	if o.dir != "" {
		if err := s.recover(o.dir); err != nil {
			return fmt.Errorf("%w: %w", ErrDirectory, err)
		}
	}
	if err := s.defineQueues(o.queues); err != nil {
		return err
	}
	if err := s.journal.last().wait(); err != nil {
		return err
	}
	switch t := o.transport.(type) {
	case nil:
		s.transport = newTransport(o.tls)
	case *inproc.Transport:
		if t.Handler == nil {
			return errors.New("localqueue: WithHandler(nil): a handler is required")
		}
		t.Inline, t.Log = o.virtual, s.log
		s.transport = t
	default:
		if o.tls != nil {
			return errors.New("localqueue: WithTLSConfig is for the service's own transport: set up that of WithTransport itself")
		}
		s.transport = t
	}
	s.dispatcher.start(s)
	if s.journal != nil {
		s.resumeDispatching()
	}
	return nil
}

func (s *Service) defineQueues(queues []resource.Queue) error {
	for _, q := range queues {
		settings := q.WithDefaults()
		if burst := q.RateLimits.MaxBurstSize; burst > 0 {
			settings.RateLimits.MaxBurstSize = burst
		}
		if err := settings.Check(true); err != nil {
			return fmt.Errorf("localqueue: queue %q: %w", q.Name, err)
		}
		if rules.ValidQueueID(q.Name) {
			s.everywhere[q.Name] = settings
			continue
		}
		if _, _, ok := rules.SplitQueue(q.Name); !ok {
			return fmt.Errorf("localqueue: queue %q: the name must be projects/P/locations/L/queues/Q, "+
				"or a bare id Q of 1 to %d letters, digits and hyphens", q.Name, rules.MaxQueueID)
		}
		s.configured = append(s.configured, settings)
	}
	s.addConfigured()
	return nil
}

// addConfigured adds the queues that [WithQueues] defines by a full name. Those it defines by an id are added when they are used.
func (s *Service) addConfigured() {
	for _, settings := range s.configured {
		s.defineQueue(settings)
	}
}

// defineQueue adds a queue, unless the service's directory has it.
func (s *Service) defineQueue(settings resource.Queue) {
	q := s.queues.get(settings.Name)
	switch {
	case s.journal == nil:
		s.addQueue(settings)
	case q == nil && s.tombstoned(settings.Name):
		s.log.Warn("queue stays deleted because it was deleted recently", "queue", settings.Name, "dir", s.options.dir)
	case q == nil:
		s.addQueue(settings)
	case !reflect.DeepEqual(definition(q.settings), definition(settings)):
		s.log.Warn("queue keeps the settings in the directory, which differ from its definition: update the queue to change them",
			"queue", settings.Name, "dir", s.options.dir)
	}
}

// definition returns the settings without the fields that change while a queue works.
func definition(settings resource.Queue) resource.Queue {
	settings.State, settings.PurgeTime = resource.StateRunning, time.Time{}
	return settings
}

// enter begins every call. It returns why the service cannot serve it, if so.
func (s *Service) enter(ctx context.Context) error {
	if s.closed.Load() {
		return errClosed()
	}
	if err := ctx.Err(); err != nil {
		return contextError(err)
	}
	return s.journal.err()
}

// Err returns the error that all calls fail with: [ErrClosed] once the service is shutting down, or the reason why its directory cannot
// be written. It is nil while the service works.
func (s *Service) Err() error { return s.enter(context.Background()) }

// settle ends every call. It waits until everything that the answer may reveal, changes of other calls included, is on disk. If that
// fails, the call fails.
func (s *Service) settle(err *error) {
	if failed := s.journal.awaited().wait(); failed != nil {
		*err = failed
	}
}

// Shutdown stops dispatching, waits for the attempts that are running, and releases everything. When ctx is done first, it cancels them
// and returns ctx's error. Calls to a service that was shut down fail with [ErrClosed]. An observer must not call it: it would wait
// for itself.
func (s *Service) Shutdown(ctx context.Context) error {
	s.closed.Store(true)
	s.dispatcher.stop()
	err := wait(ctx, s.dispatcher.done.Wait)
	s.abort()
	s.dispatcher.done.Wait() // cancelled attempts end soon
	switch t := s.transport.(type) {
	case *inproc.Transport:
		err = errors.Join(err, waitForHandlers(t))
	case *http.Transport:
		if s.options.transport == nil {
			t.CloseIdleConnections()
		}
	}
	s.flush()
	return errors.Join(err, s.journal.close())
}

// Close is Shutdown that cancels running attempts at once. Waiting tasks are lost, unless the service has a directory.
func (s *Service) Close() error {
	s.closed.Store(true)
	s.dispatcher.stop()
	s.abort()
	return s.Shutdown(context.Background())
}

// abort cancels all attempts that are running.
func (s *Service) abort() {
	s.cancel()
	if s.virtual != nil {
		s.virtual.abort()
	}
}

// wait waits until returns, which it calls, returns, or until ctx is done.
func wait(ctx context.Context, returns func()) error {
	done := make(chan struct{})
	go func() {
		returns()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Reset returns the service to the state after [New], for the next test: without tasks, batches, tombstones, kept values and faults,
// and with the queues of [WithQueues] only. On a virtual clock or with [WithSeed], the same ids follow. A virtual clock goes back to its
// start; while tasks are being delivered on it, Reset returns [ErrRunning]. On a real clock, attempts that are running have no
// effect: [Service.WaitIdle] waits for them.
func (s *Service) Reset(ctx context.Context) (err error) {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.settle(&err)
	if s.virtual != nil {
		if !s.virtual.drive.TryLock() {
			return ErrRunning
		}
		defer s.virtual.drive.Unlock()
	}
	defer s.flush()
	s.mu.Lock()
	defer s.mu.Unlock()
	for q := range s.queues.all() {
		q.mu.Lock()
		q.deleted = true
		q.past.release()
		q.removeAll(TaskPurged, s.nanos())
		q.mu.Unlock()
	}
	s.changes.Add(1)
	s.queues.clear()
	clear(s.goneQueues)
	s.faults.Store(nil)
	s.batches.clear()
	s.kept.clear()
	s.journal.append(func(b []byte) []byte { return packInts(b, entryReset, int64(s.queueCounter)) })
	s.ids.reset(s.options.seed)
	if s.virtual != nil {
		s.virtual.reset()
	}
	s.addConfigured()
	return nil
}
