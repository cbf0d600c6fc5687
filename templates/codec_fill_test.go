package templates_test

import (
	"bytes"
	"encoding/json"
	"math"
	"math/big"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/testdata/codec/ext"
)

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, seed)) }

// fill sets v, and everything in it that can be set, to something interesting.
func fill(v reflect.Value, rng *rand.Rand, depth int) {
	if !v.CanSet() || rng.IntN(8) == 0 {
		return
	}
	if fillSpecial(v.Addr().Interface(), rng) {
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(rng.IntN(2) == 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(pick(rng, 0, 1, -1, int64(rng.Uint64()>>rng.IntN(64)), math.MaxInt64, math.MinInt64))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		v.SetUint(pick(rng, 0, 1, rng.Uint64()>>rng.IntN(64), math.MaxUint64))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(anyFloat(rng))
	case reflect.String:
		v.SetString(anyString(rng))
	case reflect.Interface:
		if v.NumMethod() == 0 {
			if x := anyValue(rng, depth); x != nil {
				v.Set(reflect.ValueOf(x))
			}
		}
	case reflect.Pointer:
		if depth < 4 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem(), rng, depth+1)
		}
	case reflect.Slice:
		if depth < 5 {
			v.Set(reflect.MakeSlice(v.Type(), rng.IntN(4), 5))
			fillElems(v, rng, depth)
		}
	case reflect.Array:
		fillElems(v, rng, depth)
	case reflect.Map:
		if depth < 5 {
			fillMap(v, rng, depth)
		}
	case reflect.Struct:
		for _, field := range v.Fields() {
			fill(field, rng, depth+1)
		}
	}
}

func fillElems(v reflect.Value, rng *rand.Rand, depth int) {
	for i := range v.Len() {
		fill(v.Index(i), rng, depth+1)
	}
}

func fillMap(v reflect.Value, rng *rand.Rand, depth int) {
	v.Set(reflect.MakeMap(v.Type()))
	for range rng.IntN(4) {
		key, elem := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key, rng, depth+1)
		fill(elem, rng, depth+1)
		if at, ok := reflect.TypeAssert[*time.Time](key.Addr()); ok {
			*at = at.UTC() // so that reflect.DeepEqual finds it: other locations are pointers
		}
		v.SetMapIndex(key, elem)
	}
}

// fillSpecial does it for types that are more than their structure.
func fillSpecial(p any, rng *rand.Rand) bool {
	switch p := p.(type) {
	case *time.Time:
		*p = time.Unix(rng.Int64N(4e9), rng.Int64N(1e9)).UTC()
		if rng.IntN(3) == 0 {
			*p = p.Truncate(time.Second).In(time.FixedZone("", 60*rng.IntN(600)))
		}
		if rng.IntN(200) == 0 {
			*p = p.AddDate(9000, 0, 0)
		}
	case *big.Int:
		p.SetUint64(rng.Uint64()).Mul(p, p).Neg(p)
	case *netip.Addr:
		*p = netip.AddrFrom4([4]byte{10, 1, 2, byte(rng.Uint32())})
	case *json.RawMessage:
		*p = json.RawMessage(pick(rng, ` { "a" : [ 1 , "x y\u2028" ] } `, `"\u0041<&>"`, "1e5", "\"\xff\u2028\"", "null", `[]`, `[[{}],{"":[]}]`))
		if rng.IntN(50) == 0 {
			*p = json.RawMessage(pick(rng, "", "{", "1 2", `"`, "[1,]"))
		}
	case *json.Number:
		*p = json.Number(pick(rng, "", "0", "-1.50e+10", "123456789012345678901234567890"))
		if rng.IntN(50) == 0 {
			*p = json.Number(pick(rng, "x", "1.", "1e", "+1", " 1", "NaN"))
		}
	case *ext.Level:
		*p = ext.Level(rng.IntN(100))
		if rng.IntN(100) == 0 {
			*p = -1
		}
	case *ext.Plugin:
		*p = ext.Plugin{Type: "t", Version: pick(rng, "1", "2", "3x", "4")}
		if rng.IntN(50) == 0 {
			p.Version = ""
		}
	case *ext.Grade:
		*p = ext.Grade(rng.IntN(6))
		if rng.IntN(50) == 0 {
			*p = 6
		}
	case *ext.Label:
		*p = ext.Label{Value: anyString(rng)}
	case *ext.Span:
		*p = ext.Span{From: rng.IntN(2), To: 1}
		if rng.IntN(50) == 0 {
			p.To = -1
		}
	case *ext.Window:
		*p = ext.Window{From: rng.IntN(2), To: rng.IntN(2)}
	case *ext.Customer:
		*p = ext.NewCustomer(anyString(rng))
	default:
		return false
	}
	return true
}

func pick[T any](rng *rand.Rand, values ...T) T { return values[rng.IntN(len(values))] }

func anyFloat(rng *rand.Rand) float64 {
	if rng.IntN(300) == 0 {
		return pick(rng, math.NaN(), math.Inf(1), math.Inf(-1))
	}
	return pick(rng, 0, math.Copysign(0, -1), 1, -1.5, 1e20, 1e21, 123456789e13, 1e-6, 9.99e-7, 1e-7, 1e-10, 3e38,
		math.SmallestNonzeroFloat64, math.SmallestNonzeroFloat32, rng.NormFloat64(), float64(float32(rng.NormFloat64())),
		float64(rng.Int64()), -9999.99, 10000, float64(rng.Int64()>>rng.IntN(63))/1e4)
}

func anyString(rng *rand.Rand) string {
	s := ""
	for range rng.IntN(6) {
		s += pick(rng, "", "plain text", `"`, `\`, "/", "<&>", "\x00", "\b\f\n\r\t\x1f\x7f", "é", "日本", "\U0001F600", "\u2028\u2029",
			"\ufffd", "\xff", "\xc3", "\xe2\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "null", "1", "\u00a0")
	}
	return s
}

func anyValue(rng *rand.Rand, depth int) any {
	if depth > 4 {
		return nil
	}
	switch rng.IntN(16) {
	case 0:
		return nil
	case 1:
		return rng.IntN(2) == 0
	case 2, 3:
		return anyFloat(rng)
	case 4, 5, 6:
		return anyString(rng)
	case 7, 8:
		s := make([]any, rng.IntN(4))
		for i := range s {
			s[i] = anyValue(rng, depth+1)
		}
		return s
	case 9, 10:
		m := make(map[string]any)
		for range rng.IntN(4) {
			m[anyString(rng)] = anyValue(rng, depth+1)
		}
		return m
	}
	return pick[any](rng, int8(-3), uint64(math.MaxUint64), float32(0.1), []any(nil), map[string]any(nil), []string{"<a>", "\u2028"},
		json.Number("12"), json.RawMessage(`{ "a" : "<" }`), time.Unix(1e9, 5).UTC(), ext.Level(4), ext.Money{Cents: 5}, &ext.Money{Cents: 6},
		ext.NewCustomer("x<y"), ext.Plugin{Version: pick(rng, "1", "1", "1", "")}, struct{ A *int }{}, map[int]string{10: "a", 9: "b"}, (*int)(nil), []byte("bytes"), [2]bool{true})
}

// mutate changes some pieces of a JSON text.
func mutate(data []byte, rng *rand.Rand) []byte {
	data = slices.Clone(data)
	for range 1 + rng.IntN(3) {
		if len(data) == 0 {
			return data
		}
		i := rng.IntN(len(data))
		j := min(len(data), i+rng.IntN(1+rng.IntN(20)))
		piece := []byte(pick(rng, "", "", " ", "\t\n\r ", ",", ":", "{", "}", "[", "]", `"`, "null", "true", "false", "0", "-0", "1", "-1",
			"1.5", "1e2", "1e400", "256", "65536", "4294967296", "99999999999999999999", "01", "1.", "-", "[]", "{}", "[null]",
			`""`, `"a"`, `"\u0061"`, `"\ud800"`, `"\ud83d\ude00"`, `"\udc00\ud800"`, `\`, `\u00`, "\x01", "\xff", `{"x":1}`, `{"x":null}`,
			`"x":1,`, `"2024-05-06T07:08:09Z"`, `"level-3"`, `"null"`, `"1"`, `"true"`, `"aGk="`, `[1,2,3,4,5]`, `{"cents":4}`, `"zz":[{"q":1}],`,
			`"F"`, `"f"`, `"t/1"`, `"list":"",`))
		switch at := structural(data, rng); {
		case rng.IntN(3) > 0 && at >= 0: // replace a whole scalar, or what looks like one
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

// rewrite writes a JSON text in another way, with white space between its tokens and the members of its objects in another order.
func rewrite(data []byte, rng *rand.Rand) []byte {
	r := rewriter{rng: rng, order: rng.IntN(3)}
	if rng.IntN(3) == 0 {
		var indented bytes.Buffer
		_ = json.Indent(&indented, r.value(data), "", pick(rng, "  ", "\t"))
		return indented.Bytes()
	}
	r.spaces = []string{"", "", " ", "\n", "\n    ", "\r\n\t"}
	return append(r.value(data), r.space()...)
}

// A rewriter is what rewrite does with one text.
type rewriter struct {
	rng    *rand.Rand
	order  int // of members: 0 as they are, 1 in reverse, 2 at random
	spaces []string
}

func (r *rewriter) space() string {
	if r.spaces == nil {
		return ""
	}
	return pick(r.rng, r.spaces...)
}

func (r *rewriter) value(data []byte) []byte {
	dec := json.NewDecoder(bytes.NewReader(data))
	opening, _ := dec.Token()
	object := opening == json.Delim('{')
	if !object && opening != json.Delim('[') {
		return append([]byte(r.space()), data...)
	}
	var parts []string
	for dec.More() {
		part := r.space()
		if object {
			name, _ := dec.Token()
			quoted, _ := marshal(name)
			part += string(quoted) + r.space() + ":"
		}
		var value json.RawMessage
		_ = dec.Decode(&value)
		parts = append(parts, part+string(r.value(value))+r.space())
	}
	switch {
	case object && r.order == 1:
		slices.Reverse(parts)
	case object && r.order == 2:
		r.rng.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	}
	brackets := "[]"
	if object {
		brackets = "{}"
	}
	return []byte(r.space() + brackets[:1] + strings.Join(parts, ",") + r.space() + brackets[1:])
}
