package byhand

import (
	"encoding/json"
	"math"

	"github.com/cloudtaskgen/cloudtaskgen/testdata/codec/payloads"
)

func (d *decoder) int(i int) (int, int) {
	n, end := d.int64(i)
	if n < math.MinInt || n > math.MaxInt {
		return 0, d.fail(i, "out of range of int")
	}
	return int(n), end
}

// array opens an array and reports whether it has an element. For null the place is behind it, too.
func (d *decoder) array(i int) (next int, isNull, more bool) {
	switch d.at(i) {
	case '[':
		i = d.space(i + 1)
		if d.at(i) == ']' {
			return i + 1, false, false
		}
		return i, false, true
	case 'n':
		return d.literal(i, "null"), true, false
	}
	return d.fail(i, "expected an array"), true, false
}

func (d *decoder) int64s(i int) ([]int64, int) {
	i, isNull, more := d.array(i)
	if isNull {
		return nil, i
	}
	if !more {
		return []int64{}, i
	}
	s := make([]int64, 0, d.elements(i, ',')+1)
	for more {
		n, next := int64(0), 0
		if d.isNull(i) {
			next = d.literal(i, "null")
		} else {
			n, next = d.int64(i)
		}
		if next < 0 {
			return nil, -1
		}
		s = append(s, n)
		if i = next + 1; i < len(d.data) && d.data[next] == ',' && d.data[i] > ' ' {
			continue
		}
		i, more = d.element(next)
	}
	return s, i
}

func (d *decoder) items(i int) ([]payloads.Item, int) {
	i, isNull, more := d.array(i)
	if isNull {
		return nil, i
	}
	s := make([]payloads.Item, 0, d.elements(i, '{'))
	for more {
		s = append(s, payloads.Item{})
		if d.isNull(i) {
			i = d.literal(i, "null")
		} else {
			i = d.item(i, &s[len(s)-1])
		}
		if i < 0 {
			return nil, d.in("[]")
		}
		i, more = d.element(i)
	}
	return s, i
}

func (d *decoder) sections(i int) ([]payloads.Section, int) {
	i, isNull, more := d.array(i)
	if isNull {
		return nil, i
	}
	s := make([]payloads.Section, 0, d.elements(i, '{'))
	for more {
		s = append(s, payloads.Section{})
		if d.isNull(i) {
			i = d.literal(i, "null")
		} else {
			i = d.section(i, &s[len(s)-1])
		}
		if i < 0 {
			return nil, d.in("[]")
		}
		i, more = d.element(i)
	}
	return s, i
}

func (d *decoder) attrs(i int) (map[string]string, int) {
	if d.isNull(i) {
		return nil, d.literal(i, "null")
	}
	if i = d.open(i); i < 0 {
		return nil, -1
	}
	m := make(map[string]string)
	for first := true; ; first = false {
		name, next := d.member(i, first)
		if name == nil {
			return m, next
		}
		key, value := string(name), ""
		if d.isNull(next) {
			i = d.literal(next, "null")
		} else {
			value, i = d.str(next)
		}
		if i < 0 {
			return nil, d.in(key)
		}
		m[key] = value
	}
}

func (d *decoder) nick(i int) (*string, int) {
	if d.isNull(i) {
		return nil, d.literal(i, "null")
	}
	s, i := d.str(i)
	return &s, i
}

func (d *decoder) limit(i int) (*int64, int) {
	if d.isNull(i) {
		return nil, d.literal(i, "null")
	}
	n, i := d.int64(i)
	return &n, i
}

func (d *decoder) parent(i int) (*payloads.Customer, int) {
	if d.isNull(i) {
		return nil, d.literal(i, "null")
	}
	c := new(payloads.Customer)
	return c, d.customer(i, c)
}

func (d *decoder) raw(i int) (json.RawMessage, int) {
	end := d.skip(i, 1)
	if end < 0 {
		return nil, -1
	}
	return append(json.RawMessage(nil), d.data[i:end]...), end
}
