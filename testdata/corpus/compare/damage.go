package compare

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"slices"
)

// values are put in place of others.
var values = []string{
	"null", "true", "false", "0", "-0", "1", "-1", "1.5", "1e2", "1e400", "256", "65536", "4294967296", "99999999999999999999",
	"[]", "{}", "[null]", `""`, `"a"`, `"\u0061"`, `"\ud800"`, `"\ud83d\ude00"`, `{"x":1}`, `{"x":null}`, `"2024-05-06T07:08:09Z"`,
	`"null"`, `"1"`, `"true"`, `"aGk="`, `[1,2,3,4,5]`, `"1h30m"`, `"100Mi"`, `["a",{}]`, `{"V":null}`, ` [ ] `,
}

// scraps are put anywhere, and seldom leave JSON behind.
var scraps = []string{
	"", " ", "\t\n\r ", ",", ":", "{", "}", "[", "]", `"`, "01", "1.", "-", `\`, `\u00`, "\x01", "\xff", `"x":1,`, "null", "1", `"a"`,
}

// damage returns data, whose members are given, with one or two changes. Most of them leave it JSON.
func damage(data []byte, members []member, rng *rand.Rand) []byte {
	data = slices.Clone(data)
	if len(members) == 0 || rng.IntN(4) == 0 {
		return scramble(data, rng)
	}
	m := pick(rng, members...)
	switch rng.IntN(6) {
	case 0:
		return m.remove(data)
	case 1:
		return slices.Replace(data, m.value, m.end, []byte("null")...)
	case 2:
		// A member stands twice, or in another object.
		again := pick(rng, members...)
		return slices.Insert(data, m.begin, append(slices.Clone(data[again.begin:again.end]), ',')...)
	case 3:
		return scramble(m.remove(data), rng)
	default:
		return slices.Replace(data, m.value, m.end, []byte(pick(rng, values...))...)
	}
}

// scramble changes a few bytes.
func scramble(data []byte, rng *rand.Rand) []byte {
	if len(data) == 0 {
		return data
	}
	i := rng.IntN(len(data))
	j := min(len(data), i+rng.IntN(1+rng.IntN(20)))
	switch rng.IntN(3) {
	case 0:
		return slices.Replace(data, i, j, []byte(pick(rng, scraps...))...)
	case 1:
		return slices.Insert(data, rng.IntN(len(data)+1), slices.Clone(data[i:j])...)
	}
	return slices.Insert(data, i, []byte(pick(rng, scraps...))...)
}

// A member of an object stands at data[begin:end], its value at data[value:end].
type member struct {
	name              string
	begin, value, end int
}

// remove returns data without m and a comma beside it.
func (m member) remove(data []byte) []byte {
	begin, end := m.begin, m.end
	switch {
	case end < len(data) && data[end] == ',':
		end++
	case begin > 0 && data[begin-1] == ',':
		begin--
	}
	return slices.Delete(data, begin, end)
}

// membersOf returns the members of all objects in data, up to the first error.
func membersOf(data []byte) []member {
	r := memberReader{data: data, dec: json.NewDecoder(bytes.NewReader(data))}
	r.dec.UseNumber()
	_ = r.value()
	return r.members
}

// A memberReader finds the members of objects.
type memberReader struct {
	data    []byte
	dec     *json.Decoder
	members []member
}

// value reads a value.
func (r *memberReader) value() error {
	token, err := r.dec.Token()
	if err != nil || token != json.Delim('{') && token != json.Delim('[') {
		return err
	}
	for r.dec.More() {
		if token == json.Delim('[') {
			err = r.value()
		} else {
			err = r.member()
		}
		if err != nil {
			return err
		}
	}
	_, err = r.dec.Token()
	return err
}

// member reads a name and its value.
func (r *memberReader) member() error {
	m := member{begin: r.next()}
	token, err := r.dec.Token()
	if err != nil {
		return err
	}
	m.name, _ = token.(string)
	m.value = r.next()
	if err := r.value(); err != nil {
		return err
	}
	m.end = int(r.dec.InputOffset())
	r.members = append(r.members, m)
	return nil
}

// next returns where the next token begins.
func (r *memberReader) next() int {
	i := int(r.dec.InputOffset())
	for i < len(r.data) && bytes.IndexByte([]byte(" \t\r\n,:"), r.data[i]) >= 0 {
		i++
	}
	return i
}
