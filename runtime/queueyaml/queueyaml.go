// Package queueyaml reads App Engine's queue.yaml, so that the embedded queue has the queues of production.
//
//	queues, ignored, err := queueyaml.Parse(data)
//	…
//	queue, err := localqueue.New(localqueue.WithQueues(queues...))
//
// What each element becomes in Cloud Tasks is Google's mapping:
//
//	rate                             max_dispatches_per_second; 0 pauses the queue
//	bucket_size                      max_burst_size (5 without it), until the queue is updated by another way
//	max_concurrent_requests          max_concurrent_dispatches
//	target                           app_engine_routing_override: service, version.service or instance.version.service
//	retry_parameters:
//	  task_retry_limit               max_attempts, less the first one; without it the number is unlimited
//	  task_age_limit                 max_retry_duration
//	  min_backoff_seconds            min_backoff
//	  max_backoff_seconds            max_backoff
//	  max_doublings                  max_doublings
//
// total_storage_limit, application and acl are accepted and have no effect, which Parse tells. Queues with mode: pull, of which
// Cloud Tasks has none, and everything that queue.yaml does not know are errors.
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
	maxSpan        = 10 * 365 * 24 * time.Hour // far beyond what a task lives

	defaultMaxBackoff = time.Hour
)

// Parse reads a queue.yaml. The queues have bare ids for names, so that localqueue.WithQueues defines them in every
// project and location. ignored says, a line each and with its line number, what has no effect here. The error, with line
// numbers too, tells of everything that is wrong.
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
	if len(p.problems) > 0 {
		return nil, nil, errors.Join(p.problems...)
	}
	return p.queues, p.ignored, nil
}

// parser collects what a file has and what is wrong with it.
type parser struct {
	queues   []resource.Queue
	names    map[string]int // lines
	ignored  []string
	problems []error
}

func (p *parser) wrong(n *yaml.Node, format string, args ...any) {
	p.problems = append(p.problems, fmt.Errorf("line %d: %s", n.Line, fmt.Sprintf(format, args...)))
}

func (p *parser) ignore(n *yaml.Node, what string) {
	p.ignored = append(p.ignored, fmt.Sprintf("line %d: %s", n.Line, what))
}

// element reads the value of a key.
type element func(value *yaml.Node)

// mapping reads a mapping whose keys are known.
func (p *parser) mapping(n *yaml.Node, what string, elements map[string]element) {
	n = resolve(n)
	if n.Kind != yaml.MappingNode {
		p.wrong(n, "%s: want keys and values", what)
		return
	}
	seen := make(map[string]bool)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], resolve(n.Content[i+1])
		read := elements[key.Value]
		switch {
		case read == nil:
			p.wrong(key, "%s: unknown key %q", what, key.Value)
		case seen[key.Value]:
			p.wrong(key, "%s: the key %q stands here twice", what, key.Value)
		default:
			seen[key.Value] = true
			read(value)
		}
	}
}

// resolve returns what an alias stands for.
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
				p.wrong(list, "queue: want a list of queues")
				return
			}
			for _, item := range list.Content {
				p.queue(resolve(item))
			}
		},
		"total_storage_limit": func(v *yaml.Node) { p.ignore(v, "total_storage_limit has no effect") },
		"application":         func(v *yaml.Node) { p.ignore(v, "application has no effect: the queues exist in every project") },
	})
	if !listed && len(p.problems) == 0 {
		p.wrong(n, "want a list under the key queue")
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
				p.wrong(v, "mode %q: Cloud Tasks has push queues only", v.Value)
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
		p.wrong(n, "a queue without a name")
	case !rated:
		p.wrong(n, "queue %q: rate is required, such as 5/s", q.Name)
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
		p.wrong(v, "name %q: want 1 to 100 letters, digits and hyphens", v.Value)
		return
	}
	q.Name = v.Value
	if line, taken := p.names[q.Name]; taken {
		p.wrong(v, "the queue %q is defined in line %d already", q.Name, line)
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
			p.wrong(v, "rate %q: %v", v.Value, err)
			return
		}
		rate = number / unit(m[2]).Seconds()
	} else if v.Value != "0" { // which pauses, whatever the unit
		p.wrong(v, "rate %q: want a number, a slash and one of s, m, h and d, such as 5/s or 10/m", v.Value)
		return
	}
	if rate > maxRate {
		p.wrong(v, "rate %q: more than %d tasks a second", v.Value, maxRate)
		return
	}
	if q.RateLimits.MaxDispatchesPerSecond = rate; rate == 0 {
		q.State = resource.StatePaused
	}
}

// unit returns the duration that a letter stands for.
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
		p.wrong(v, "target %q: want service, version.service or instance.version.service, in lower case", v.Value)
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
				p.ignore(v, "max_doublings: 0 has no effect: Cloud Tasks' API takes 0 as unset, which is 16")
			}
		},
	})
	if longest := cmp.Or(q.Retry.MaxBackoff, defaultMaxBackoff); q.Retry.MinBackoff > longest {
		p.wrong(n, "min_backoff_seconds is more than max_backoff_seconds, which is %v", longest.Seconds())
	}
}

func (p *parser) integer(key string, v *yaml.Node, least, most int) int {
	n, err := strconv.Atoi(v.Value)
	if v.Kind != yaml.ScalarNode || err != nil || n < least || n > most {
		p.wrong(v, "%s %q: want a whole number from %d to %d", key, v.Value, least, most)
		return least
	}
	return n
}

func (p *parser) seconds(key string, v *yaml.Node) time.Duration {
	n, err := strconv.ParseFloat(v.Value, 64)
	if v.Kind != yaml.ScalarNode || err != nil || !(n > 0 && n <= maxSpan.Seconds()) {
		p.wrong(v, "%s %q: want a number of seconds, more than 0 and at most %v", key, v.Value, maxSpan.Seconds())
		return 0
	}
	return time.Duration(n * float64(time.Second))
}

var ageForm = regexp.MustCompile(`^([0-9]*\.?[0-9]+|[0-9]+\.)([smhd])$`)

func (p *parser) age(v *yaml.Node) time.Duration {
	m := ageForm.FindStringSubmatch(strings.TrimSpace(v.Value))
	if v.Kind != yaml.ScalarNode || m == nil {
		p.wrong(v, "task_age_limit %q: want a number and one of s, m, h and d, such as 90s or 2d", v.Value)
		return 0
	}
	number, err := strconv.ParseFloat(m[1], 64)
	age := number * float64(unit(m[2]))
	if err != nil || age < float64(time.Second) || age > float64(maxSpan) {
		p.wrong(v, "task_age_limit %q: want from 1s to 3650d", v.Value)
		return 0
	}
	return time.Duration(age)
}
