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

// Service is one embedded Cloud Tasks. See [New]. Its methods may be called concurrently; what they are given and what
// they return is not shared with the service.
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
	created      atomic.Uint64 // tasks ever: their order over all queues
	changes      atomic.Uint64 // how often anything has changed; see [Service.Changes]

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

// New starts a service. Close it when done. An error names the option that cannot work.
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
			return fmt.Errorf("localqueue: queue %q: the name must be projects/P/locations/L/queues/Q, or a bare id Q of 1 to %d letters, digits and hyphens", q.Name, rules.MaxQueueID)
		}
		s.configured = append(s.configured, settings)
	}
	s.addConfigured()
	return nil
}

// addConfigured adds the queues that exist from the beginning. Those that exist everywhere are added when they are named.
func (s *Service) addConfigured() {
	for _, settings := range s.configured {
		s.defineQueue(settings)
	}
}

// defineQueue adds the queue, unless the service's directory knows better.
func (s *Service) defineQueue(settings resource.Queue) {
	q := s.queues.get(settings.Name)
	switch {
	case s.journal == nil:
		s.addQueue(settings)
	case q == nil && s.tombstoned(settings.Name):
		s.log.Warn("queue stays deleted, for it was deleted lately", "queue", settings.Name, "dir", s.options.dir)
	case q == nil:
		s.addQueue(settings)
	case !reflect.DeepEqual(definition(q.settings), definition(settings)):
		s.log.Warn("queue keeps the settings of the directory, which are not those that it is defined with now: update the queue to change them", "queue", settings.Name, "dir", s.options.dir)
	}
}

// definition returns the settings without what changes while a queue works.
func definition(settings resource.Queue) resource.Queue {
	settings.State, settings.PurgeTime = resource.StateRunning, time.Time{}
	return settings
}

// enter is how every call begins.
func (s *Service) enter(ctx context.Context) error {
	if s.closed.Load() {
		return errClosed()
	}
	if err := ctx.Err(); err != nil {
		return contextError(err)
	}
	return s.journal.err()
}

// Err returns what calls fail with from now on: [ErrClosed] once the service is being shut down, or why its directory
// cannot be written. It is nil while the service works.
func (s *Service) Err() error { return s.enter(context.Background()) }

// settle is how every call of a durable service ends: it waits until all that its answer may tell of, be it the call's
// own doing or another's, is on disk. If that fails, so does the call.
func (s *Service) settle(err *error) {
	if failed := s.journal.awaited().wait(); failed != nil {
		*err = failed
	}
}

// Shutdown stops dispatching, lets the attempts that are running end, and releases everything. When ctx is done first
// they are cancelled, and its error is returned. Calls to a service that was shut down fail with [ErrClosed]. An observer must not call
// it: it would wait for itself.
func (s *Service) Shutdown(ctx context.Context) error {
	s.closed.Store(true)
	s.dispatcher.stop()
	err := wait(ctx, s.dispatcher.done.Wait)
	s.abort()
	s.dispatcher.done.Wait() // attempts end when they are cancelled
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

// Close is Shutdown that cancels running attempts at once. Tasks that were waiting are gone, unless the service has a
// directory.
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

// wait calls returns, a function that returns at some time, and waits for it or until ctx is done.
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

// Reset makes the service what [New] made it, for the next test: without tasks, batches, tombstones, kept values and faults, with the
// queues of [WithQueues] and no others, and on a virtual clock or with [WithSeed] with the same ids to come. A virtual
// clock goes back to its start; while it delivers, Reset returns [ErrRunning]. On a real clock, attempts that are running
// end without effect: see [Service.WaitIdle] to have them end before.
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
