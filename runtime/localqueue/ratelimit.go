package localqueue

import (
	"math"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// bucket is a token bucket: each dispatch takes one token.
type bucket struct {
	rate   float64 // tokens a second
	burst  float64 // capacity
	tokens float64
	at     int64 // when tokens was right, in nanoseconds since the epoch
}

// limit changes the limits; tokens that the old rate earned until now are kept as far as they fit.
func (b *bucket) limit(r resource.RateLimits, now int64) {
	b.settle(now)
	b.rate, b.burst = r.MaxDispatchesPerSecond, float64(r.MaxBurstSize)
	b.tokens = min(b.tokens, b.burst)
}

func (b *bucket) settle(now int64) {
	if now > b.at {
		b.tokens = min(b.burst, b.tokens+float64(now-b.at)*b.rate/1e9)
	}
	b.at = now // a clock that was set back earns nothing, and stops nothing
}

// readyAt returns when a token is there: now, or later.
func (b *bucket) readyAt(now int64) int64 {
	b.settle(now)
	const almost = 1 - 1e-6 // what is missing is rounding: less than a dispatch in a million
	if b.tokens >= almost {
		return now
	}
	wait := math.Ceil((1 - b.tokens) / b.rate * 1e9)
	if wait >= float64(rules.Retention) { // a rate that tiny never comes round
		wait = float64(rules.Retention)
	}
	return now + int64(wait)
}

func (b *bucket) take() { b.tokens-- }
