package lock

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/gen"
	"github.com/cloudtaskgen/cloudtaskgen/gen/lock/trial"
)

// retention is how long Cloud Tasks keeps a task.
const retention = 31 * 24 * time.Hour

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

// prune returns the day before which everything is forgotten.
func (c *checker) prune() (string, error) {
	if c.opts.Prune == "" {
		return "", nil
	}
	day, err := time.Parse(time.DateOnly, c.opts.Prune)
	if err != nil {
		return "", fmt.Errorf("-prune %s: want a day, such as 2006-01-02", c.opts.Prune)
	}
	if c.opts.Now.Sub(day) < retention {
		return "", fmt.Errorf("-prune %s: tasks can be in flight for 31 days, so that only what is older can be forgotten", c.opts.Prune)
	}
	return c.opts.Prune, nil
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

// unreadable adds breaks for payloads that today's code does not decode, unless others explain them.
func (c *comparison) unreadable(p *pair, read readable, kept func(string) bool) {
	for _, payload := range p.locked.payloads() {
		failure, failed := read[p.today].failures[payload]
		if !failed || !kept(payload) {
			continue
		}
		at := p.today.resolve(failure.Path)
		if c.explained(p.today, at) {
			continue
		}
		version, remedy := "before this one", "let it read that too"
		for _, e := range p.locked.Earlier {
			if compact(e.Payload) == payload {
				version = "that was replaced on " + e.Until
				remedy += ", or forget that version with cloudtaskgen lock -prune once 31 days have passed since it ran anywhere"
			}
		}
		c.field(p, payloadUnreadable, at, true, false, "today's code does not decode a payload of the version %s: %s; %s (the payload is %s)", version, failure.Error, remedy, payload)
	}
}

// explained reports whether a break of tasks in flight is about a value, what it is in or something in it.
func (c *comparison) explained(today *Task, at path) bool {
	for _, p := range c.pairs {
		if p.today != today {
			continue
		}
		for about := range p.paths {
			if within(about, at.String()) || within(at.String(), about) {
				return true
			}
		}
	}
	return false
}

// within reports whether a path, as it is spelled, leads to a value or to something in it.
func within(path, outer string) bool {
	rest, ok := strings.CutPrefix(path, outer)
	return ok && (outer == "" || rest == "" || rest[0] == '.' || rest[0] == '[')
}

// resolve returns the path that an error of the codec names, such as payload.items[0].sku.
func (t *Task) resolve(text string) path {
	text = strings.TrimPrefix(text, namePayload)
	var at path
	typ := &Type{form: structure, name: namePayload}
	for text != "" && typ != nil {
		step := ""
		switch {
		case text[0] == '.':
			end := strings.IndexAny(text[1:], ".[") + 1
			if end == 0 {
				end = len(text)
			}
			step, text = text[1:end], text[end:]
		case strings.HasPrefix(text, `["`):
			quoted, err := strconv.QuotedPrefix(text[1:])
			if err != nil {
				return at
			}
			step, _ = strconv.Unquote(quoted)
			text = strings.TrimPrefix(text[1+len(quoted):], "]")
		default:
			_, text, _ = strings.Cut(text, "]")
		}
		typ = base(typ).read()
		switch {
		case typ.form == structure:
			f := find(t.fields(typ.name), step)
			if f == nil {
				return at.with(step)
			}
			at, typ = at.with(step), f.Type
		case typ.form == slice, typ.form == array, typ.form == mapping:
			at, typ = at.with(element), typ.elem
		default:
			return at
		}
	}
	return at
}

// encoding adds breaks for values of types with JSON of their own that are written in another way than before.
func (c *comparison) encoding(p *pair, rewritten map[string]string) {
	if !p.rolling {
		return
	}
	done := map[string]bool{}
	for _, sample := range p.locked.Samples {
		text, differs := rewritten[compact(sample)]
		if !differs {
			continue
		}
		was, is := map[string]opaque{}, map[string]opaque{}
		p.locked.opaques(&Type{form: structure, name: namePayload}, sample, nil, was)
		p.today.opaques(&Type{form: structure, name: namePayload}, json.RawMessage(text), nil, is)
		for _, name := range slices.Sorted(maps.Keys(is)) {
			now, before := is[name], was[name]
			if before.typ != nil && sameType(before.typ, now.typ) && before.json != now.json && !done[name] {
				done[name] = true
				c.field(p, encodingChanged, now.at, false, true, "%s wrote %s and writes %s for the same value: whether the version before reads that, only you can know; let it read both before this one writes it", now.typ, before.json, now.json)
			}
		}
	}
}

// An opaque is a value of a type with JSON of its own.
type opaque struct {
	at   path
	typ  *Type
	json string
}

// opaques collects those of a sample, by their paths.
func (t *Task) opaques(typ *Type, value json.RawMessage, at path, found map[string]opaque) {
	switch typ = typ.written(); typ.form {
	case pointer, quoted:
		t.opaques(typ.elem, value, at, found)
	case text, custom:
		if compact(value) != "null" {
			found[at.String()] = opaque{at, typ, compact(value)}
		}
	case slice, array:
		var elems []json.RawMessage
		if json.Unmarshal(value, &elems) == nil && len(elems) > 0 {
			t.opaques(typ.elem, elems[0], at.with(element), found)
		}
	case mapping:
		var entries map[string]json.RawMessage
		if json.Unmarshal(value, &entries) == nil {
			for _, entry := range entries { // one, in a sample
				t.opaques(typ.elem, entry, at.with(element), found)
			}
		}
	case structure:
		var members map[string]json.RawMessage
		if json.Unmarshal(value, &members) != nil {
			return
		}
		for _, f := range t.fields(typ.name) {
			if member, ok := members[f.Name]; ok {
				t.opaques(f.Type, member, at.with(f.Name), found)
			}
		}
	}
}

// accept sorts the breaks that have not been accepted into the result, and returns what the lock records. With Against, what
// the lock has accepted since then counts, too: what had been before is about other changes.
func (c *checker) accept(breaks []Break, accepts []Acceptance) ([]Acceptance, error) {
	since := slices.Clone(c.working.Accepted)
	for _, a := range c.base.Accepted {
		if i := slices.Index(since, a); i >= 0 {
			since = slices.Delete(since, i, i+1)
		}
	}
	covers := func(b Break) func(Acceptance) bool {
		return func(a Acceptance) bool { return a.Rule == b.Rule && a.Subject == b.Subject }
	}
	var used []Acceptance // of those since then
	unused := slices.Clone(accepts)
	for _, b := range breaks {
		switch i := slices.IndexFunc(since, covers(b)); {
		case i >= 0:
			if !slices.Contains(used, since[i]) {
				used = append(used, since[i])
			}
		case !slices.ContainsFunc(accepts, covers(b)):
			c.res.Breaks = append(c.res.Breaks, b)
		}
		unused = slices.DeleteFunc(unused, covers(b))
	}
	slices.SortStableFunc(c.res.Breaks, func(a, b Break) int {
		return cmp.Or(
			cmp.Compare(a.Pos.File, b.Pos.File), cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Column, b.Pos.Column),
			cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Subject, b.Subject))
	})
	if len(unused) > 0 {
		return nil, fmt.Errorf("-accept %s:%s: there is no such break%s", unused[0].Rule, unused[0].Subject, listed(breaks))
	}
	recorded := c.working.Accepted
	if c.opts.Write && c.base != c.working {
		recorded = slices.Concat(c.base.Accepted, used)
	}
	return slices.Concat(recorded, accepts), nil
}

func listed(breaks []Break) string {
	if len(breaks) == 0 {
		return ", nor any other"
	}
	var names []string
	for _, b := range breaks {
		names = append(names, b.Rule+":"+b.Subject)
	}
	return "; there is " + strings.Join(names, ", ")
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
