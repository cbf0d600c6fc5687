package localqueue

import (
	"math/rand/v2"
	"strconv"
	"sync"
)

// ids makes ids of tasks and batches.
type ids struct {
	mu     sync.Mutex
	source *rand.PCG
	rand   *rand.Rand // nil: the runtime's own generator, which needs no lock
}

func (i *ids) init(o *options) {
	if o.seeded || o.virtual {
		i.source = rand.NewPCG(o.seed, 0)
		i.rand = rand.New(i.source)
	}
}

// reset restarts the sequence of ids, unless they come from the runtime.
func (i *ids) reset(seed uint64) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.source != nil {
		i.source.Seed(seed, 0)
	}
}

// next returns 17 to 20 digits, as Cloud Tasks' own ids have.
func (i *ids) next() string {
	const least = 1e16 // of 17 digits
	if i.rand == nil {
		return strconv.FormatUint(least+rand.Uint64N(1<<64-1-least), 10)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	return strconv.FormatUint(least+i.rand.Uint64N(1<<64-1-least), 10)
}
