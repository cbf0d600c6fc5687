package lock

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

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
		c.field(p, payloadUnreadable, at, true, false, "today's code does not decode a payload of the version %s: %s; %s (the payload is "+
			"%s)", version, failure.Error, remedy, shorten(payload))
	}
}

// shorten cuts a payload to what a message can bear.
func shorten(payload string) string {
	const most = 200
	if len(payload) <= most {
		return payload
	}
	return strings.ToValidUTF8(payload[:most], "") + "…"
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
		switch typ.form {
		case structure:
			f := find(t.fields(typ.name), step)
			if f == nil {
				return at.with(step)
			}
			at, typ = at.with(step), f.Type
		case slice, array, mapping:
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
				c.field(p, encodingChanged, now.at, false, true, "%s wrote %s and writes %s for the same value: whether the version before reads that, "+
					"only you can know; let it read both before this one writes it", now.typ, before.json, now.json)
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
