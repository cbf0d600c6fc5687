package byhand

import "github.com/cloudtaskgen/cloudtaskgen/testdata/codec/payloads"

// DecodeTiny reads the payload, whatever was in v before.
func DecodeTiny(data []byte, v *payloads.Tiny) error {
	*v = payloads.Tiny{}
	d := decoder{data: data}
	return d.finish(d.tiny(d.space(0), v))
}

func (d *decoder) tiny(i int, v *payloads.Tiny) int {
	i, seen := d.tinyInOrder(i, v)
	if i < 0 || seen == tinyComplete {
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
			return d.check(next, seen, "user_id", "message")
		}
		switch string(name) {
		case "user_id":
			if i = d.required(next, &seen, 0); i >= 0 {
				v.UserID, i = d.int64(i)
			}
			if i < 0 {
				return d.in("user_id")
			}
		case "message":
			if i = d.required(next, &seen, 1); i >= 0 {
				v.Message, i = d.str(i)
			}
			if i < 0 {
				return d.in("message")
			}
		default:
			if i = d.skip(next, 1); i < 0 {
				return d.in(string(name))
			}
		}
	}
}

// tinyInOrder reads members as long as they come as they are declared, and reports which did. When that is tinyComplete the
// object is over.
func (d *decoder) tinyInOrder(i int, v *payloads.Tiny) (next int, seen uint) {
	if !has(d.data, i, `{"user_id":`) || d.elsewhere(i+11) {
		return i, seen
	}
	if v.UserID, i = d.int64(i + 11); i < 0 {
		return d.in("user_id"), 0
	}
	seen |= 1 << 0
	if !has(d.data, i, `,"message":`) || d.elsewhere(i+11) {
		return i, seen
	}
	if v.Message, i = d.str(i + 11); i < 0 {
		return d.in("message"), 0
	}
	seen |= 1 << 1
	if d.at(i) != '}' {
		return i, seen
	}
	return i + 1, tinyComplete
}

const tinyComplete = 1 << 63

// DecodeIDs reads the payload, whatever was in v before.
func DecodeIDs(data []byte, v *payloads.IDs) error {
	*v = payloads.IDs{}
	d := decoder{data: data}
	return d.finish(d.ids(d.space(0), v))
}

func (d *decoder) ids(i int, v *payloads.IDs) int {
	i, seen := d.idsInOrder(i, v)
	if i < 0 || seen == idsComplete {
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
			return d.check(next, seen, "ids")
		}
		switch string(name) {
		case "ids":
			if i = d.once(next, &seen, 0); i >= 0 {
				v.IDs, i = d.int64s(i)
			}
			if i < 0 {
				return d.in("ids")
			}
		default:
			if i = d.skip(next, 1); i < 0 {
				return d.in(string(name))
			}
		}
	}
}

// idsInOrder reads members as long as they come as they are declared, and reports which did. When that is idsComplete the
// object is over.
func (d *decoder) idsInOrder(i int, v *payloads.IDs) (next int, seen uint) {
	if !has(d.data, i, `{"ids":`) || d.at(i+7) <= ' ' {
		return i, seen
	}
	if v.IDs, i = d.int64s(i + 7); i < 0 {
		return d.in("ids"), 0
	}
	seen |= 1 << 0
	if d.at(i) != '}' {
		return i, seen
	}
	return i + 1, idsComplete
}

const idsComplete = 1 << 63

// DecodeDocument reads the payload, whatever was in v before.
func DecodeDocument(data []byte, v *payloads.Document) error {
	*v = payloads.Document{}
	d := decoder{data: data}
	return d.finish(d.document(d.space(0), v))
}

func (d *decoder) document(i int, v *payloads.Document) int {
	i, seen := d.documentInOrder(i, v)
	if i < 0 || seen == documentComplete {
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
			return d.check(next, seen, "title", "language", "sections")
		}
		switch string(name) {
		case "title":
			if i = d.required(next, &seen, 0); i >= 0 {
				v.Title, i = d.str(i)
			}
			if i < 0 {
				return d.in("title")
			}
		case "language":
			if i = d.required(next, &seen, 1); i >= 0 {
				v.Language, i = d.str(i)
			}
			if i < 0 {
				return d.in("language")
			}
		case "sections":
			if i = d.once(next, &seen, 2); i >= 0 {
				v.Sections, i = d.sections(i)
			}
			if i < 0 {
				return d.in("sections")
			}
		default:
			if i = d.skip(next, 1); i < 0 {
				return d.in(string(name))
			}
		}
	}
}

// documentInOrder reads members as long as they come as they are declared, and reports which did. When that is documentComplete the
// object is over.
func (d *decoder) documentInOrder(i int, v *payloads.Document) (next int, seen uint) {
	if !has(d.data, i, `{"title":`) || d.elsewhere(i+9) {
		return i, seen
	}
	if v.Title, i = d.str(i + 9); i < 0 {
		return d.in("title"), 0
	}
	seen |= 1 << 0
	if !has(d.data, i, `,"language":`) || d.elsewhere(i+12) {
		return i, seen
	}
	if v.Language, i = d.str(i + 12); i < 0 {
		return d.in("language"), 0
	}
	seen |= 1 << 1
	if !has(d.data, i, `,"sections":`) || d.at(i+12) <= ' ' {
		return i, seen
	}
	if v.Sections, i = d.sections(i + 12); i < 0 {
		return d.in("sections"), 0
	}
	seen |= 1 << 2
	if d.at(i) != '}' {
		return i, seen
	}
	return i + 1, documentComplete
}

const documentComplete = 1 << 63

func (d *decoder) section(i int, v *payloads.Section) int {
	i, seen := d.sectionInOrder(i, v)
	if i < 0 || seen == sectionComplete {
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
			return d.check(next, seen, "heading", "text")
		}
		switch string(name) {
		case "heading":
			if i = d.required(next, &seen, 0); i >= 0 {
				v.Heading, i = d.str(i)
			}
			if i < 0 {
				return d.in("heading")
			}
		case "text":
			if i = d.required(next, &seen, 1); i >= 0 {
				v.Text, i = d.str(i)
			}
			if i < 0 {
				return d.in("text")
			}
		default:
			if i = d.skip(next, 3); i < 0 {
				return d.in(string(name))
			}
		}
	}
}

// sectionInOrder reads members as long as they come as they are declared, and reports which did. When that is sectionComplete the
// object is over.
func (d *decoder) sectionInOrder(i int, v *payloads.Section) (next int, seen uint) {
	if !has(d.data, i, `{"heading":`) || d.elsewhere(i+11) {
		return i, seen
	}
	if v.Heading, i = d.str(i + 11); i < 0 {
		return d.in("heading"), 0
	}
	seen |= 1 << 0
	if !has(d.data, i, `,"text":`) || d.elsewhere(i+8) {
		return i, seen
	}
	if v.Text, i = d.str(i + 8); i < 0 {
		return d.in("text"), 0
	}
	seen |= 1 << 1
	if d.at(i) != '}' {
		return i, seen
	}
	return i + 1, sectionComplete
}

const sectionComplete = 1 << 63
