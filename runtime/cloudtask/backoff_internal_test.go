//go:debug randseednop=0

package cloudtask

import (
	"math"
	"math/rand"
	"testing"
	"time"

	"github.com/googleapis/gax-go/v2"
)

// The pauses are exactly those of gax.Backoff where both draw the same random numbers. It draws from the global source
// of math/rand, which nothing else in these tests uses.
func TestPausesFollowGax(t *testing.T) {
	policies := []struct {
		name   string
		policy RetryPolicy
	}{
		{"defaults", RetryPolicy{}},
		{"capped soon", RetryPolicy{Initial: 2 * time.Second, Max: 3 * time.Second, Multiplier: 2.5}},
		{"of the manual", RetryPolicy{Initial: 2 * time.Second, Max: time.Minute, Multiplier: 2.5}},
		{"constant", RetryPolicy{Initial: time.Millisecond, Multiplier: 1}},
		{"first pause beyond the default maximum", RetryPolicy{Initial: time.Hour}},
	}
	for _, test := range policies {
		t.Run(test.name, func(t *testing.T) {
			const seed = 20261123
			//nolint:staticcheck // SA1019: the only way to make gax draw what we draw
			rand.Seed(seed)
			ours := rand.New(rand.NewSource(seed))
			theirs := gax.Backoff{Initial: test.policy.Initial, Max: test.policy.Max, Multiplier: test.policy.Multiplier}
			r := newRetrier(test.policy.or(RetryPolicy{}), ours.Int63n)
			for n := range 40 {
				want := theirs.Pause()
				if got := r.next(); got != want {
					t.Fatalf("pause %d is %v, gax pauses %v", n+1, got, want)
				}
			}
		})
	}
}

// Where gax overflows and panics, ours stay at the maximum.
func TestPausesDoNotOverflow(t *testing.T) {
	const most time.Duration = math.MaxInt64
	r := newRetrier(RetryPolicy{Initial: time.Hour, Max: most, Multiplier: 1e3}, func(n int64) int64 { return n - 1 })
	var last time.Duration
	for range 10 {
		last = r.next()
	}
	if last != most {
		t.Errorf("the longest pause grew to %v, want %v", last, most)
	}
}

func TestDirectiveWinsOverConfiguration(t *testing.T) {
	config := RetryPolicy{On: []Code{Internal}, Initial: 3 * time.Second, Max: 4 * time.Second, Multiplier: 5, Deadline: 6 * time.Second}
	if got := (*RetryPolicy)(nil).or(config); got.On[0] != Internal || got.Multiplier != 5 || got.Deadline != 6*time.Second {
		t.Errorf("without a directive: %+v, want the configuration", got)
	}
	directive := &RetryPolicy{On: []Code{Unavailable}, Initial: time.Second}
	got := directive.or(config)
	if got.On[0] != Unavailable || got.Initial != time.Second || got.Max != 4*time.Second || got.Multiplier != 5 || got.Deadline != 6*time.Second {
		t.Errorf("with a directive: %+v, want its values, and the configuration's where it has none", got)
	}
}
