package compare

import (
	"bytes"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"
)

// pieces are what mutate puts in: tokens, values of every kind, and what is no JSON.
var pieces = []string{
	"", " ", "\t\n\r ", ",", ":", "{", "}", "[", "]", `"`, "null", "true", "false", "0", "-0", "1", "-1", "1.5", "1e2", "1e400",
	"256", "65536", "4294967296", "99999999999999999999", "01", "1.", "-", "[]", "{}", "[null]", `""`, `"a"`, `"\u0061"`, `"\ud800"`,
	`"\ud83d\ude00"`, `\`, `\u00`, "\x01", "\xff", `{"x":1}`, `{"x":null}`, `"x":1,`, `"2024-05-06T07:08:09Z"`, `"null"`, `"1"`, `"true"`,
	`"aGk="`, `[1,2,3,4,5]`, `"1h30m"`, `"100Mi"`, `["a",{}]`, `{"V":null}`,
}

// mutate changes some pieces of a JSON text, or some values in it.
func mutate(data []byte, rng *rand.Rand) []byte {
	if rng.IntN(3) == 0 {
		if changed := changeValues(data, rng); changed != nil {
			return changed
		}
	}
	data = slices.Clone(data)
	for range 1 + rng.IntN(2) {
		if len(data) == 0 {
			return data
		}
		i := rng.IntN(len(data))
		j := min(len(data), i+rng.IntN(1+rng.IntN(20)))
		piece := []byte(pieces[rng.IntN(len(pieces))])
		switch at := structural(data, rng); {
		case rng.IntN(3) > 0 && at >= 0: // a whole scalar, or what looks like one
			end := at + 1
			for end < len(data) && data[end] != ',' && data[end] != '}' && data[end] != ']' {
				end++
			}
			data = slices.Replace(data, at+1, end, piece...)
		case rng.IntN(2) == 0:
			data = slices.Replace(data, i, j, piece...)
		case rng.IntN(2) == 0:
			data = slices.Insert(data, rng.IntN(len(data)+1), slices.Clone(data[i:j])...)
		default:
			data = slices.Insert(data, i, piece...)
		}
	}
	return data
}

// changeValues returns JSON in which some members are missing, null, or of another kind.
func changeValues(data []byte, rng *rand.Rand) []byte {
	var value any
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if dec.Decode(&value) != nil {
		return nil
	}
	for range 1 + rng.IntN(3) {
		changeOne(value, rng)
	}
	changed, err := json.Marshal(value)
	if err != nil {
		return nil
	}
	return changed
}

// changeOne changes one member of an object in value, or of one further in.
func changeOne(value any, rng *rand.Rand) {
	switch value := value.(type) {
	case map[string]any:
		names := slices.Sorted(maps.Keys(value))
		if len(names) == 0 {
			return
		}
		name := pick(rng, names...)
		if rng.IntN(4) > 0 && isContainer(value[name]) {
			changeOne(value[name], rng)
			return
		}
		if rng.IntN(2) == 0 {
			delete(value, name)
		} else {
			value[name] = pick[any](rng, nil, nil, nil, "", "a", 0, 1.5, true, []any{}, map[string]any{})
		}
	case []any:
		if len(value) > 0 {
			changeOne(pick(rng, value...), rng)
		}
	}
}

func isContainer(value any) bool {
	switch value.(type) {
	case map[string]any, []any:
		return true
	}
	return false
}

// structural returns the index of some byte after which a value or name stands; -1 if it finds none.
func structural(data []byte, rng *rand.Rand) int {
	for range 100 {
		i := rng.IntN(len(data))
		if c := data[i]; c == ':' || c == ',' || c == '[' || c == '{' {
			return i
		}
	}
	return -1
}
