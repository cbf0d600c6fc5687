package localqueue

import (
	"slices"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
)

// Locations returns the names of the locations that queues are in, as projects/P/locations/L, in order. Queues that
// [WithQueues] defines by an id count from their first use in a location on.
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
	slices.Sort(locations) // "-" sorts before "/", so that the order of queues' names is another
	return locations
}
