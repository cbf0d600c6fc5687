package localqueue

import "context"

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
