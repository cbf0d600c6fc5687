package localqueue

import (
	"slices"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
)

// Locations returns the names of the locations that queues are in, as projects/P/locations/L, in order. Queues that
// [WithQueues] defines by an id count from their first use in a location on.
func (s *Service) Locations() []string {
	var locations []string
	for _, q := range s.allQueues() {
		location, _, _ := rules.SplitQueue(q.name)
		locations = append(locations, location)
	}
	slices.Sort(locations)
	return slices.Compact(locations)
}
