// Package queueyaml reads App Engine's queue.yaml, so the embedded queue can have the same queues as production.
//
//	queues, ignored, err := queueyaml.Parse(data)
//	…
//	queue, err := localqueue.New(localqueue.WithQueues(queues...))
//
// The elements map to those of Cloud Tasks as Google documents:
//
//	rate                             max_dispatches_per_second; 0 pauses the queue
//	bucket_size                      max_burst_size, default 5, until the queue is updated by other means
//	max_concurrent_requests          max_concurrent_dispatches
//	target                           app_engine_routing_override: service, version.service or instance.version.service
//	retry_parameters:
//	  task_retry_limit               max_attempts, minus the first attempt; unlimited by default
//	  task_age_limit                 max_retry_duration
//	  min_backoff_seconds            min_backoff
//	  max_backoff_seconds            max_backoff
//	  max_doublings                  max_doublings
//
// total_storage_limit, application and acl have no effect, and Parse reports them as ignored. Unknown elements and mode: pull, which
// Cloud Tasks does not support, are errors.
package queueyaml

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

const (
	defaultBucket  = 5
	maxRate        = 500
	maxBucket      = 500
	maxConcurrency = 5000
	maxSpan        = 10 * 365 * 24 * time.Hour // far longer than the lifetime of a task

	defaultMaxBackoff = time.Hour
)

// Parse parses a queue.yaml. The queues are named by ID, so localqueue.WithQueues defines them in every project and location. ignored
// lists the elements without effect, and the error all mistakes, both with line numbers.
func Parse(data []byte) (queues []resource.Queue, ignored []string, err error) {
	var root yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	switch err := decoder.Decode(&root); {
	case errors.Is(err, io.EOF):
		return nil, nil, errors.New("the file is empty: want a list under the key queue")
	case err != nil:
		return nil, nil, err
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, nil, errors.New("the file has more than one YAML document: want one")
	}
	p := &parser{names: make(map[string]int)}
	p.file(root.Content[0])
	if len(p.errs) > 0 {
		return nil, nil, errors.Join(p.errs...)
	}
	return p.queues, p.ignored, nil
}

// parser collects the queues of a file, and its mistakes.
type parser struct {
	queues  []resource.Queue
	names   map[string]int // line numbers of queues by name
	ignored []string
	errs    []error
}

func (p *parser) errorf(n *yaml.Node, format string, args ...any) {
	p.errs = append(p.errs, fmt.Errorf("line %d: %s", n.Line, fmt.Sprintf(format, args...)))
}

func (p *parser) ignore(n *yaml.Node, what string) {
	p.ignored = append(p.ignored, fmt.Sprintf("line %d: %s", n.Line, what))
}

// element parses the value of a key.
type element func(value *yaml.Node)

// mapping parses a mapping. elements has its keys.
func (p *parser) mapping(n *yaml.Node, what string, elements map[string]element) {
	n = resolve(n)
	if n.Kind != yaml.MappingNode {
		p.errorf(n, "%s: want a mapping", what)
		return
	}
	seen := make(map[string]bool)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], resolve(n.Content[i+1])
		read := elements[key.Value]
		switch {
		case read == nil:
			p.errorf(key, "%s: unknown key %q", what, key.Value)
		case seen[key.Value]:
			p.errorf(key, "%s: duplicate key %q", what, key.Value)
		default:
			seen[key.Value] = true
			read(value)
		}
	}
}

// resolve returns the node that an alias refers to, and any other node itself.
func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func (p *parser) file(n *yaml.Node) {
	listed := false
	p.mapping(n, "the file", map[string]element{
		"queue": func(list *yaml.Node) {
			listed = true
			if list.Kind == yaml.ScalarNode && list.Tag == "!!null" {
				return
			}
			if list.Kind != yaml.SequenceNode {
				p.errorf(list, "queue: want a list of queues")
				return
			}
			for _, item := range list.Content {
				p.queue(resolve(item))
			}
		},
		"total_storage_limit": func(v *yaml.Node) { p.ignore(v, "total_storage_limit has no effect") },
		"application":         func(v *yaml.Node) { p.ignore(v, "application has no effect: the queues exist in every project") },
	})
	if !listed && len(p.errs) == 0 {
		p.errorf(n, "want a list under the key queue")
	}
}

func (p *parser) queue(n *yaml.Node) {
	q := resource.Queue{}
	q.RateLimits.MaxBurstSize = defaultBucket
	q.Retry.MaxAttempts = -1
	rated := false
	p.mapping(n, "queue", map[string]element{
		"name": func(v *yaml.Node) { p.name(&q, v) },
		"rate": func(v *yaml.Node) {
			rated = true
			p.rate(&q, v)
		},
		"mode": func(v *yaml.Node) {
			if v.Value != "push" {
				p.errorf(v, "mode %q: Cloud Tasks only supports push queues", v.Value)
			}
		},
		"bucket_size": func(v *yaml.Node) { q.RateLimits.MaxBurstSize = p.integer("bucket_size", v, 1, maxBucket) },
		"max_concurrent_requests": func(v *yaml.Node) {
			q.RateLimits.MaxConcurrentDispatches = p.integer("max_concurrent_requests", v, 1, maxConcurrency)
		},
		"retry_parameters": func(v *yaml.Node) { p.retry(&q, v) },
		"target":           func(v *yaml.Node) { p.target(&q, v) },
		"acl":              func(v *yaml.Node) { p.ignore(v, "acl has no effect: it is for pull queues") },
	})
	switch {
	case n.Kind != yaml.MappingNode:
	case !hasKey(n, "name"):
		p.errorf(n, "queue: name is required")
	case !rated:
		p.errorf(n, "queue %q: rate is required, such as 5/s", q.Name)
	}
	p.queues = append(p.queues, q)
}

func hasKey(n *yaml.Node, key string) bool {
	for i := 0; i < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return true
		}
	}
	return false
}

func (p *parser) name(q *resource.Queue, v *yaml.Node) {
	if !rules.ValidQueueID(v.Value) {
		p.errorf(v, "name %q: want 1 to 100 letters, digits and hyphens", v.Value)
		return
	}
	q.Name = v.Value
	if line, taken := p.names[q.Name]; taken {
		p.errorf(v, "duplicate queue %q, first defined on line %d", q.Name, line)
		return
	}
	p.names[q.Name] = v.Line
}

var rateForm = regexp.MustCompile(`^([0-9]*\.?[0-9]+|[0-9]+\.)\s*/\s*([smhd])$`)

func (p *parser) rate(q *resource.Queue, v *yaml.Node) {
	var rate float64
	if m := rateForm.FindStringSubmatch(v.Value); m != nil {
		number, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			p.errorf(v, "rate %q: %v", v.Value, err)
			return
		}
		rate = number / unit(m[2]).Seconds()
	} else if v.Value != "0" { // 0 pauses the queue and needs no unit
		p.errorf(v, "rate %q: want a number per s, m, h or d, such as 5/s or 10/m", v.Value)
		return
	}
	if rate > maxRate {
		p.errorf(v, "rate %q: the limit is %d tasks per second", v.Value, maxRate)
		return
	}
	if q.RateLimits.MaxDispatchesPerSecond = rate; rate == 0 {
		q.State = resource.StatePaused
	}
}

// unit returns the duration of a unit: s, m, h or d.
func unit(letter string) time.Duration {
	switch letter {
	case "m":
		return time.Minute
	case "h":
		return time.Hour
	case "d":
		return 24 * time.Hour
	}
	return time.Second
}

var targetForm = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+){0,2}$`)

func (p *parser) target(q *resource.Queue, v *yaml.Node) {
	if !targetForm.MatchString(v.Value) {
		p.errorf(v, "target %q: want service, version.service or instance.version.service, in lower case", v.Value)
		return
	}
	names := strings.Split(v.Value, ".")
	slices.Reverse(names)
	names = append(names, "", "")
	q.AppEngineRouting = &resource.AppEngineRouting{Service: names[0], Version: names[1], Instance: names[2]}
}

func (p *parser) retry(q *resource.Queue, n *yaml.Node) {
	p.mapping(n, "retry_parameters", map[string]element{
		"task_retry_limit": func(v *yaml.Node) {
			q.Retry.MaxAttempts = p.integer("task_retry_limit", v, 0, math.MaxInt32-1) + 1
		},
		"task_age_limit": func(v *yaml.Node) {
			q.Retry.MaxRetryDuration = p.age(v)
		},
		"min_backoff_seconds": func(v *yaml.Node) { q.Retry.MinBackoff = p.seconds("min_backoff_seconds", v) },
		"max_backoff_seconds": func(v *yaml.Node) { q.Retry.MaxBackoff = p.seconds("max_backoff_seconds", v) },
		"max_doublings": func(v *yaml.Node) {
			if q.Retry.MaxDoublings = p.integer("max_doublings", v, 0, math.MaxInt32); q.Retry.MaxDoublings == 0 {
				p.ignore(v, "max_doublings: 0 has no effect: Cloud Tasks treats 0 as unset and uses 16")
			}
		},
	})
	if longest := cmp.Or(q.Retry.MaxBackoff, defaultMaxBackoff); q.Retry.MinBackoff > longest {
		p.errorf(n, "min_backoff_seconds exceeds max_backoff_seconds, which is %v", longest.Seconds())
	}
}

func (p *parser) integer(key string, v *yaml.Node, least, most int) int {
	n, err := strconv.Atoi(v.Value)
	if v.Kind != yaml.ScalarNode || err != nil || n < least || n > most {
		p.errorf(v, "%s %q: want a whole number from %d to %d", key, v.Value, least, most)
		return least
	}
	return n
}

func (p *parser) seconds(key string, v *yaml.Node) time.Duration {
	n, err := strconv.ParseFloat(v.Value, 64)
	if v.Kind != yaml.ScalarNode || err != nil || !(n > 0 && n <= maxSpan.Seconds()) {
		p.errorf(v, "%s %q: want a number of seconds above 0 and up to %v", key, v.Value, maxSpan.Seconds())
		return 0
	}
	return time.Duration(n * float64(time.Second))
}

var ageForm = regexp.MustCompile(`^([0-9]*\.?[0-9]+|[0-9]+\.)([smhd])$`)

func (p *parser) age(v *yaml.Node) time.Duration {
	m := ageForm.FindStringSubmatch(strings.TrimSpace(v.Value))
	if v.Kind != yaml.ScalarNode || m == nil {
		p.errorf(v, "task_age_limit %q: want a number with the unit s, m, h or d, such as 90s or 2d", v.Value)
		return 0
	}
	number, err := strconv.ParseFloat(m[1], 64)
	age := number * float64(unit(m[2]))
	if err != nil || age < float64(time.Second) || age > float64(maxSpan) {
		p.errorf(v, "task_age_limit %q: want 1s to 3650d", v.Value)
		return 0
	}
	return time.Duration(age)
}
