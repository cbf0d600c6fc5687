package lock

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/cloudtaskgen/cloudtaskgen/gen"
	"github.com/cloudtaskgen/cloudtaskgen/gen/lock/trial"
)

// compare finds the breaks, and what the lock should be.
func (c *checker) compare(accepts []Acceptance) error {
	prune, err := c.prune()
	if err != nil {
		return err
	}
	today := make([]*Task, len(c.today))
	for i, s := range c.today {
		today[i] = s.task
	}
	since := compare(today, c.base.Tasks)
	from := since // what the lock goes on from
	if c.base != c.working && !c.opts.Write {
		from = compare(today, c.working.Tasks)
	}
	read, err := c.try(since, from)
	if e, ok := errors.AsType[*buildError](err); ok {
		if c.res.Diagnostics = e.diagnostics(c.res.Dir); len(c.res.Diagnostics) > 0 {
			return nil
		}
	}
	if err != nil {
		return err
	}
	for _, p := range since.pairs {
		since.unreadable(p, read, c.stillKept(p))
		since.encoding(p, read[p.today].rewritten)
	}
	accepted, err := c.accept(since.breaks, accepts)
	if err != nil {
		return err
	}
	next := &File{Version: formatVersion, Tasks: slices.Concat(c.outside, today), Accepted: accepted}
	next.Accepted = slices.DeleteFunc(next.Accepted, func(a Acceptance) bool { return a.On < prune })
	for _, t := range today {
		t.Earlier = from.earlier(t, read, c.day())
		t.Earlier = slices.DeleteFunc(t.Earlier, func(e Earlier) bool { return e.Until < prune })
	}
	slices.SortFunc(next.Tasks, byName)
	if len(next.Tasks) == 0 && !c.res.exists {
		return nil
	}
	content, err := next.format()
	c.res.next = gen.File{Path: c.name, Content: content}
	return err
}

// A readings is what became of earlier payloads with the code of one of today's tasks.
type readings struct {
	failures  map[string]trial.Failure // of those that do not decode
	rewritten map[string]string        // what is written today for what they mean, where that is something else
}

// readable has the readings of all tasks.
type readable map[*Task]readings

// try tries today's codecs: it fills in the samples, and reads the payloads of the tasks that comparisons have.
func (c *checker) try(comparisons ...*comparison) (readable, error) {
	for i := range c.today {
		s := &c.today[i]
		for _, cmp := range comparisons {
			for _, p := range cmp.pairs {
				if p.today != s.task || !p.inFlight {
					continue
				}
				for _, payload := range p.locked.payloads() {
					if !slices.Contains(s.earlier, payload) {
						s.earlier = append(s.earlier, payload)
					}
				}
			}
		}
	}
	outcomes, err := try(c.ctx, c.opts.Gen, c.today)
	if err != nil {
		return nil, err
	}
	read := readable{}
	for i, s := range c.today {
		for _, text := range outcomes[i].Samples {
			s.task.Samples = append(s.task.Samples, json.RawMessage(text))
		}
		for _, note := range outcomes[i].Notes {
			if c.opts.Write {
				c.note("task %s: %s", s.task.Name, note)
			}
		}
		r := readings{failures: map[string]trial.Failure{}, rewritten: map[string]string{}}
		for _, f := range outcomes[i].Failures {
			r.failures[s.earlier[f.Index]] = f
		}
		for index, text := range outcomes[i].Rewritten {
			r.rewritten[s.earlier[index]] = text
		}
		read[s.task] = r
	}
	return read, nil
}

// payloads returns the payloads that a locked task has, its own and those of versions before it.
func (t *Task) payloads() []string {
	var texts []string
	for _, s := range t.Samples {
		texts = append(texts, compact(s))
	}
	for _, e := range t.Earlier {
		texts = append(texts, compact(e.Payload))
	}
	return texts
}

// compact returns JSON as the codecs write it, whatever has laid out the lock.
func compact(payload json.RawMessage) string {
	var b bytes.Buffer
	_ = json.Compact(&b, payload) // the lock's decoder has read it
	return b.String()
}

// stillKept reports whether the lock still has an earlier payload of the one that is compared with: it may have been pruned.
func (c *checker) stillKept(p *pair) func(payload string) bool {
	kept := map[string]bool{}
	for _, s := range p.locked.Samples {
		kept[compact(s)] = true
	}
	for _, t := range c.working.Tasks {
		for _, e := range t.Earlier {
			kept[compact(e.Payload)] = true
		}
	}
	return func(payload string) bool { return kept[payload] }
}

// earlier returns the payloads of earlier versions that one of today's tasks is to go on reading.
func (c *comparison) earlier(t *Task, read readable, day string) []Earlier {
	var earlier []Earlier
	keep := func(until string, payload json.RawMessage) {
		text := compact(payload)
		same := func(e Earlier) bool { return string(e.Payload) == text }
		_, failed := read[t].failures[text]
		if failed || slices.ContainsFunc(t.Samples, func(s json.RawMessage) bool { return string(s) == text }) {
			return
		}
		if i := slices.IndexFunc(earlier, same); i >= 0 {
			earlier[i].Until = max(earlier[i].Until, until)
			return
		}
		earlier = append(earlier, Earlier{Until: until, Payload: json.RawMessage(text)})
	}
	for _, p := range c.pairs {
		if p.today != t || !p.inFlight {
			continue
		}
		for _, e := range p.locked.Earlier {
			keep(e.Until, e.Payload)
		}
		for _, s := range p.locked.Samples {
			keep(day, s)
		}
	}
	slices.SortStableFunc(earlier, func(a, b Earlier) int { return strings.Compare(a.Until, b.Until) })
	return earlier
}
