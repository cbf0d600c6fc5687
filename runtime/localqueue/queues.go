package localqueue

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// changeQueue calls f with the queue locked and returns the changed queue.
func (s *Service) changeQueue(ctx context.Context, name string, f func(q *queue, now int64)) (out *resource.Queue, err error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.settle(&err)
	defer s.flush()
	s.find(name) // adds it if it is defined for every location
	err = s.withQueue(name, resource.QueueMissing(), func(q *queue, now int64) error {
		f(q, now)
		out = q.copySettings()
		return nil
	})
	return out, err
}

// GetQueue returns a queue.
func (s *Service) GetQueue(ctx context.Context, name string) (out *resource.Queue, err error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.settle(&err)
	defer s.flush()
	err = s.withQueue(name, resource.QueueMissing(), func(q *queue, _ int64) error {
		out = q.copySettings()
		return nil
	})
	return out, err
}

// PauseQueue stops dispatching from the queue.
func (s *Service) PauseQueue(ctx context.Context, name string) (*resource.Queue, error) {
	return s.setState(ctx, name, resource.StatePaused)
}

// ResumeQueue starts dispatching from the queue again.
func (s *Service) ResumeQueue(ctx context.Context, name string) (*resource.Queue, error) {
	return s.setState(ctx, name, resource.StateRunning)
}

func (s *Service) setState(ctx context.Context, name string, state resource.State) (*resource.Queue, error) {
	return s.changeQueue(ctx, name, func(q *queue, now int64) {
		q.settings.State = state
		s.journal.append(func(b []byte) []byte { return packQueue(b, q) })
		q.rearm(now)
	})
}

// PurgeQueue removes the queue's tasks. Attempts that are running have no effect.
func (s *Service) PurgeQueue(ctx context.Context, name string) (*resource.Queue, error) {
	return s.changeQueue(ctx, name, func(q *queue, now int64) {
		number := q.past.ends()
		q.removeAll(TaskPurged, now)
		q.settings.PurgeTime = microTime(now)
		s.journal.append(func(b []byte) []byte {
			return packQueue(packInts(b, entryPurged, int64(q.seq), int64(q.lastSeq), now, number), q)
		})
	})
}

// DeleteQueue removes a queue with its tasks. Its name stays taken for a while; see [WithTombstones].
func (s *Service) DeleteQueue(ctx context.Context, name string) (err error) {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.settle(&err)
	if err := resource.CheckQueueName(name); err != nil {
		return err
	}
	q := s.find(name)
	if q == nil || !s.forget(q) {
		return resource.NotFound()
	}
	defer s.flush()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.removeAll(TaskDeleted, s.nanos())
	return nil
}

// CreateQueue creates a queue in parent (projects/P/locations/L).
func (s *Service) CreateQueue(ctx context.Context, parent string, queue *resource.Queue) (out *resource.Queue, err error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.settle(&err)
	if err := resource.CheckLocation(parent); err != nil {
		return nil, err
	}
	settings, err := newSettings(queue)
	if err != nil {
		return nil, err
	}
	if location, _, _ := rules.SplitQueue(settings.Name); location != parent {
		return nil, resource.Invalid("%s must begin with %s.", settings.Name, parent)
	}
	if s.look(settings.Name) != nil {
		return nil, resource.Error(cloudtask.AlreadyExists, "Queue already exists")
	}
	return s.createQueue(settings)
}

// newSettings returns the settings of a queue to be created.
func newSettings(queue *resource.Queue) (resource.Queue, error) {
	if queue == nil {
		return resource.Queue{}, resource.Invalid("Queue is required.")
	}
	if _, _, ok := rules.SplitQueue(queue.Name); !ok {
		return resource.Queue{}, resource.BadQueueName()
	}
	settings := queue.WithDefaults()
	settings.State = resource.StateRunning
	return settings, settings.Check(false)
}

func (s *Service) createQueue(settings resource.Queue) (*resource.Queue, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.queues.get(settings.Name) != nil {
		return nil, resource.Error(cloudtask.AlreadyExists, "Queue already exists")
	}
	if s.tombstoned(settings.Name) {
		return nil, resource.Error(cloudtask.FailedPrecondition, "The queue cannot be created because a queue with this name existed too recently.")
	}
	delete(s.goneQueues, settings.Name)
	return s.addQueue(settings).copySettings(), nil
}

// UpdateQueue sets the fields of the queue that mask names, in the wire API's spelling ("rate_limits",
// "retry_config.max_attempts"); an empty mask names all, and fields that only the service sets are ignored. Limits
// apply at once, also to waiting tasks. A missing queue is created.
func (s *Service) UpdateQueue(ctx context.Context, queue *resource.Queue, mask []string) (out *resource.Queue, err error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.settle(&err)
	if queue == nil {
		return nil, resource.Invalid("Queue is required.")
	}
	if _, _, ok := rules.SplitQueue(queue.Name); !ok {
		return nil, resource.BadQueueName()
	}
	for {
		out, err := s.tryUpdate(queue, mask)
		if !errors.Is(err, errQueueGone) {
			return out, err
		}
	}
}

// tryUpdate is UpdateQueue for a well-formed name. errQueueGone means that the queue was created or deleted meanwhile.
func (s *Service) tryUpdate(queue *resource.Queue, mask []string) (*resource.Queue, error) {
	q := s.find(queue.Name)
	if q == nil {
		settings := resource.Queue{Name: queue.Name}
		if err := settings.Update(queue, mask); err != nil {
			return nil, err
		}
		settings, err := newSettings(&settings)
		if err != nil {
			return nil, err
		}
		out, err := s.createQueue(settings)
		if cloudtask.StatusOf(err) == cloudtask.AlreadyExists {
			err = errQueueGone
		}
		return out, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.deleted {
		return nil, errQueueGone
	}
	settings := *q.copySettings()
	if err := settings.Update(queue, mask); err != nil {
		return nil, err
	}
	settings = settings.WithDefaults()
	if err := settings.Check(q.unbounded); err != nil {
		return nil, err
	}
	now := s.nanos()
	q.settings = settings
	s.journal.append(func(b []byte) []byte { return packQueue(b, q) })
	q.bucket.limit(settings.RateLimits, now)
	q.rearm(now)
	return q.copySettings(), nil
}

// QueueFilter selects queues; the zero value selects all.
type QueueFilter struct {
	Text  string // identifies the filter: a page token is valid for the filter of its page only
	Match func(*resource.Queue) bool
}

// list names the filtered list of a location's queues, for page tokens.
func (f QueueFilter) list(parent string) string {
	if f.Match == nil {
		return parent
	}
	return fmt.Sprintf("%s?%x", parent, sha256.Sum256([]byte(f.Text)))
}

// ListQueues returns a page of the queues in parent (projects/P/locations/L) that filter selects, in the order of their names, and the
// token of the next page, "" after the last.
func (s *Service) ListQueues(ctx context.Context, parent string, page resource.Page, filter QueueFilter) (queues []*resource.Queue, next string, err error) {
	if err := s.enter(ctx); err != nil {
		return nil, "", err
	}
	defer s.settle(&err)
	if err := resource.CheckLocation(parent); err != nil {
		return nil, "", err
	}
	size, err := page.Limit(resource.MaxQueuePage)
	if err != nil {
		return nil, "", err
	}
	list := filter.list(parent)
	after, err := page.After(list, s.Now())
	if err != nil {
		return nil, "", err
	}
	for {
		n := max(size+1, maxBlock) // a filter may have to examine many
		in := s.queuesIn(parent, after, n)
		for _, q := range in {
			q.mu.Lock()
			settings := q.copySettings()
			q.mu.Unlock()
			if filter.Match != nil && !filter.Match(settings) {
				continue
			}
			if len(queues) == size {
				return queues, resource.NextPageToken(list, queues[size-1].Name, s.Now()), nil
			}
			queues = append(queues, settings)
		}
		if len(in) < n {
			return queues, "", nil
		}
		after = in[n-1].name
	}
}

// Locations returns the sorted names of the locations that have queues, as projects/P/locations/L. Queues that [WithQueues] defines by an
// id count from their first use in a location.
func (s *Service) Locations() []string {
	var locations []string
	s.mu.RLock()
	defer s.mu.RUnlock()
	for after := ""; ; {
		next := ""
		for q := range s.queues.after(after) {
			next, _, _ = rules.SplitQueue(q.name)
			break
		}
		if next == "" {
			break
		}
		locations = append(locations, next)
		after = next + "/queues0" // after all names that begin with next + "/queues/"
	}
	slices.Sort(locations) // "-" sorts before "/", so the order of queues' names differs
	return locations
}
