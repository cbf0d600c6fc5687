package byhand

import "github.com/cloudtaskgen/cloudtaskgen/testdata/codec/payloads"

// DecodeMixed reads the payload, whatever was in v before.
func DecodeMixed(data []byte, v *payloads.Mixed) error {
	*v = payloads.Mixed{}
	d := decoder{data: data}
	return d.finish(d.mixed(d.space(0), v))
}

func (d *decoder) mixed(i int, v *payloads.Mixed) int {
	i, seen := d.mixedInOrder(i, v)
	if i < 0 || seen == mixedComplete {
		return i
	}
	if seen == 0 {
		if i = d.open(i); i < 0 {
			return -1
		}
	}
	for first := seen == 0; ; first = false {
		name, next := d.member(i, first)
		if name == nil {
			return d.check(next, seen, "id", "created_at", "digest", "raw", "score", "active")
		}
		switch string(name) {
		case "id":
			if i = d.required(next, &seen, 0); i >= 0 {
				v.ID, i = d.uint32(i)
			}
			if i < 0 {
				return d.in("id")
			}
		case "created_at":
			if i = d.required(next, &seen, 1); i >= 0 {
				v.CreatedAt, i = d.time(i)
			}
			if i < 0 {
				return d.in("created_at")
			}
		case "digest":
			if i = d.once(next, &seen, 2); i >= 0 {
				v.Digest, i = d.bytes(i)
			}
			if i < 0 {
				return d.in("digest")
			}
		case "nick":
			if i = d.once(next, &seen, 6); i >= 0 {
				v.Nick, i = d.nick(i)
			}
			if i < 0 {
				return d.in("nick")
			}
		case "limit":
			if i = d.once(next, &seen, 7); i >= 0 {
				v.Limit, i = d.limit(i)
			}
			if i < 0 {
				return d.in("limit")
			}
		case "parent":
			if i = d.once(next, &seen, 8); i >= 0 {
				v.Parent, i = d.parent(i)
			}
			if i < 0 {
				return d.in("parent")
			}
		case "raw":
			if i = d.once(next, &seen, 3); i >= 0 {
				v.Raw, i = d.raw(i)
			}
			if i < 0 {
				return d.in("raw")
			}
		case "score":
			if i = d.required(next, &seen, 4); i >= 0 {
				v.Score, i = d.float64(i)
			}
			if i < 0 {
				return d.in("score")
			}
		case "active":
			if i = d.required(next, &seen, 5); i >= 0 {
				v.Active, i = d.boolean(i)
			}
			if i < 0 {
				return d.in("active")
			}
		default:
			if i = d.skip(next, 1); i < 0 {
				return d.in(string(name))
			}
		}
	}
}

// mixedInOrder reads members as long as they come as they are declared, and reports which did. When that is mixedComplete the
// object is over.
func (d *decoder) mixedInOrder(i int, v *payloads.Mixed) (next int, seen uint) {
	if !has(d.data, i, `{"id":`) || d.elsewhere(i+6) {
		return i, seen
	}
	if v.ID, i = d.uint32(i + 6); i < 0 {
		return d.in("id"), 0
	}
	seen |= 1 << 0
	if !has(d.data, i, `,"created_at":`) || d.elsewhere(i+14) {
		return i, seen
	}
	if v.CreatedAt, i = d.time(i + 14); i < 0 {
		return d.in("created_at"), 0
	}
	seen |= 1 << 1
	if !has(d.data, i, `,"digest":`) || d.at(i+10) <= ' ' {
		return i, seen
	}
	if v.Digest, i = d.bytes(i + 10); i < 0 {
		return d.in("digest"), 0
	}
	seen |= 1 << 2
	if has(d.data, i, `,"nick":`) && d.at(i+8) > ' ' {
		if v.Nick, i = d.nick(i + 8); i < 0 {
			return d.in("nick"), 0
		}
		seen |= 1 << 6
	}
	if has(d.data, i, `,"limit":`) && d.at(i+9) > ' ' {
		if v.Limit, i = d.limit(i + 9); i < 0 {
			return d.in("limit"), 0
		}
		seen |= 1 << 7
	}
	if has(d.data, i, `,"parent":`) && d.at(i+10) > ' ' {
		if v.Parent, i = d.parent(i + 10); i < 0 {
			return d.in("parent"), 0
		}
		seen |= 1 << 8
	}
	if !has(d.data, i, `,"raw":`) || d.at(i+7) <= ' ' {
		return i, seen
	}
	if v.Raw, i = d.raw(i + 7); i < 0 {
		return d.in("raw"), 0
	}
	seen |= 1 << 3
	if !has(d.data, i, `,"score":`) || d.elsewhere(i+9) {
		return i, seen
	}
	if v.Score, i = d.float64(i + 9); i < 0 {
		return d.in("score"), 0
	}
	seen |= 1 << 4
	if !has(d.data, i, `,"active":`) || d.elsewhere(i+10) {
		return i, seen
	}
	if v.Active, i = d.boolean(i + 10); i < 0 {
		return d.in("active"), 0
	}
	seen |= 1 << 5
	if d.at(i) != '}' {
		return i, seen
	}
	return i + 1, mixedComplete
}

const mixedComplete = 1 << 63
