package cloudtask

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
)

// ErrRetryLimitsUnknown is returned by [Metadata.LastAttempt] when nothing says how often the task may be tried, or
// when it was tried first.
var ErrRetryLimitsUnknown = errors.New("retry limits unknown")

// LastAttempt reports whether the task will not be retried if this attempt fails now. The limits are those of the
// type's //cloudtask:retry directive, else those of the queue, which are asked for through the [Backend] of
// [ProvideQueueSettings] and remembered for a minute. As in Cloud Tasks, a limit on the attempts and one on the age
// must both be exceeded where both are set; the age counts from the first attempt and grows while the task runs, so
// that an answer of false may be out of date a moment later. ctx is the one that Run got.
//
// An eager run is always the last one. An error wraps [ErrRetryLimitsUnknown].
func (m Metadata) LastAttempt(ctx context.Context) (bool, error) {
	if m.eager {
		return true, nil
	}
	if m.TaskID == "" {
		return false, fmt.Errorf("%w: not a task of a queue", ErrRetryLimitsUnknown)
	}
	limits, err := m.retryLimits(ctx)
	if err != nil {
		return false, err
	}
	attempts := limits.MaxAttempts
	if attempts == 0 {
		attempts = rules.DefaultMaxAttempts
	}
	switch {
	case attempts >= 0 && m.Attempt() < attempts:
		return false, nil
	case limits.MaxRetryDuration <= 0:
		return attempts >= 0, nil
	}
	age, err := m.age(ctx)
	if err != nil {
		return false, err
	}
	return age > limits.MaxRetryDuration, nil
}

// retryLimits returns the retry configuration that holds for the task.
func (m Metadata) retryLimits(ctx context.Context) (RetryConfig, error) {
	if m.retry != nil {
		return *m.retry, nil
	}
	settings, queue, err := m.settings(ctx)
	if err != nil {
		return RetryConfig{}, err
	}
	q, err := settings.queue(ctx, queue)
	if err != nil {
		return RetryConfig{}, fmt.Errorf("%w: reading the settings of %s: %w", ErrRetryLimitsUnknown, queue, err)
	}
	return q.Retry, nil
}

// age returns for how long the task has been tried.
func (m Metadata) age(ctx context.Context) (time.Duration, error) {
	if m.FirstAttempt() {
		return time.Since(m.started), nil
	}
	settings, queue, err := m.settings(ctx)
	if err != nil {
		return 0, err
	}
	task, err := settings.backend.GetTask(ctx, queue+"/tasks/"+m.TaskID)
	if err != nil {
		return 0, fmt.Errorf("%w: reading when task %s of %s was tried first: %w", ErrRetryLimitsUnknown, m.TaskID, queue, err)
	}
	if task.FirstAttempt.IsZero() {
		return 0, fmt.Errorf("%w: the queue does not say when task %s of %s was tried first", ErrRetryLimitsUnknown, m.TaskID, queue)
	}
	return clockOf(settings.backend)().Sub(task.FirstAttempt), nil
}

// settings returns where the queue can be asked, and the queue's resource name.
func (m Metadata) settings(ctx context.Context) (*queueSettings, string, error) {
	settings, _ := ctx.Value(queueSettingsKey{}).(*queueSettings)
	switch {
	case settings == nil:
		return nil, "", fmt.Errorf("%w: task %s needs its queue's settings, and the context has no backend to ask: wrap the handler with "+
			"cloudtask.ProvideQueueSettings",
			ErrRetryLimitsUnknown, m.TaskID)
	case m.Project == "" || m.location == "" || m.Queue == "":
		return nil, "", fmt.Errorf("%w: project %q, location %q and queue %q must all be known to ask for the settings of the queue of task %s",
			ErrRetryLimitsUnknown, m.Project, m.location, m.Queue, m.TaskID)
	}
	return settings, "projects/" + m.Project + "/locations/" + m.location + "/queues/" + m.Queue, nil
}

// ProvideQueueSettings returns middleware that lets running tasks look at their queue through the backend: what
// [Metadata.LastAttempt] needs where a task type has no retry directive of its own. The backend's account needs the
// permissions cloudtasks.queues.get and cloudtasks.tasks.get.
func ProvideQueueSettings(backend Backend) func(http.Handler) http.Handler {
	settings := newQueueSettings(backend)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r.WithContext(contextWithQueueSettings(r.Context(), settings)))
		})
	}
}

type queueSettingsKey struct{}

// contextWithQueueSettings returns a context in which [Metadata.LastAttempt] can ask for a queue's settings.
func contextWithQueueSettings(ctx context.Context, settings *queueSettings) context.Context {
	return context.WithValue(ctx, queueSettingsKey{}, settings)
}

const (
	queueSettingsAge     = time.Minute      // how long settings are remembered
	queueSettingsTimeout = 20 * time.Second // of one call for them
)

// queueSettings reads queues' settings and remembers them for a while. It is meant to be shared by all runs.
type queueSettings struct {
	backend Backend
	calls   singleflight.Group
	mu      sync.Mutex
	known   map[string]knownQueue // by resource name
}

type knownQueue struct {
	*Queue
	read time.Time
}

func newQueueSettings(backend Backend) *queueSettings {
	return &queueSettings{backend: backend, known: make(map[string]knownQueue)}
}

// queue returns the queue's settings. Runs that ask at the same time share one call, which does not end with the
// context of the one that happened to be first.
func (s *queueSettings) queue(ctx context.Context, name string) (*Queue, error) {
	s.mu.Lock()
	q, ok := s.known[name]
	s.mu.Unlock()
	if ok && time.Since(q.read) < queueSettingsAge {
		return q.Queue, nil
	}
	result := s.calls.DoChan(name, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), queueSettingsTimeout)
		defer cancel()
		q, err := s.backend.GetQueue(ctx, name)
		if err != nil {
			return nil, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.known[name] = knownQueue{q, time.Now()}
		return q, nil
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case r := <-result:
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.(*Queue), nil
	}
}
