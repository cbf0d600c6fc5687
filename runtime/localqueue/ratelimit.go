package localqueue

import (
	"math"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// bucket is a token bucket. Each dispatch takes one token.
type bucket struct {
	rate   float64 // tokens a second
	burst  float64 // capacity
	tokens float64
	at     int64 // time of tokens, in nanoseconds since the epoch
}

// limit changes the limits. It keeps the tokens earned at the old rate, as far as they fit.
func (b *bucket) limit(r resource.RateLimits, now int64) {
	b.settle(now)
	b.rate, b.burst = r.MaxDispatchesPerSecond, float64(r.MaxBurstSize)
	b.tokens = min(b.tokens, b.burst)
}

func (b *bucket) settle(now int64) {
	if now > b.at {
		b.tokens = min(b.burst, b.tokens+float64(now-b.at)*b.rate/1e9)
	}
	b.at = now // a clock that was set back earns no tokens and costs none
}

// readyAt returns when a token is available: now or later.
func (b *bucket) readyAt(now int64) int64 {
	b.settle(now)
	const almost = 1 - 1e-6 // allows for rounding: less than one dispatch in a million
	if b.tokens >= almost {
		return now
	}
	wait := math.Ceil((1 - b.tokens) / b.rate * 1e9)
	if wait >= float64(rules.Retention) { // tasks expire before so low a rate lets them through
		wait = float64(rules.Retention)
	}
	return now + int64(wait)
}

func (b *bucket) take() { b.tokens-- }
