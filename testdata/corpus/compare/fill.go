package compare

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"time"
)

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, seed)) }

func pick[T any](rng *rand.Rand, values ...T) T { return values[rng.IntN(len(values))] }

// A filler sets values at random. Public types are wide and deep, so it sets a bounded number of them.
type filler struct {
	rng    *rand.Rand
	budget int // how many more values may be set
}

// fill sets v and everything in it that can be set, or leaves it as it is.
func (f *filler) fill(v reflect.Value, depth int) {
	f.budget--
	if !v.CanSet() || f.budget < 0 || f.rng.IntN(6) == 0 {
		return
	}
	if f.fillKnown(v.Addr().Interface()) {
		return
	}
	rng := f.rng
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(rng.IntN(2) == 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(pick(rng, 0, 1, -1, int64(rng.Uint64()>>rng.IntN(64)), math.MaxInt64, math.MinInt64))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		v.SetUint(pick(rng, 0, 1, rng.Uint64()>>rng.IntN(64), math.MaxUint64))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(f.float())
	case reflect.String:
		v.SetString(f.text())
	case reflect.Interface:
		if v.NumMethod() == 0 {
			if x := f.any(0); x != nil {
				v.Set(reflect.ValueOf(x))
			}
		}
	case reflect.Pointer:
		if depth < 12 {
			v.Set(reflect.New(v.Type().Elem()))
			f.fill(v.Elem(), depth+1)
		}
	case reflect.Slice:
		if depth < 12 {
			v.Set(reflect.MakeSlice(v.Type(), rng.IntN(3), 5))
			f.fillElems(v, depth)
		}
	case reflect.Array:
		f.fillElems(v, depth)
	case reflect.Map:
		if depth < 12 {
			f.fillMap(v, depth)
		}
	case reflect.Struct:
		// A random field is the first, so that each of them is within the budget some time.
		n := v.NumField()
		for i, first := 0, rng.IntN(max(n, 1)); i < n; i++ {
			f.fill(v.Field((first+i)%n), depth+1)
		}
	}
}

func (f *filler) fillElems(v reflect.Value, depth int) {
	for i := range v.Len() {
		f.fill(v.Index(i), depth+1)
	}
}

func (f *filler) fillMap(v reflect.Value, depth int) {
	v.Set(reflect.MakeMap(v.Type()))
	for range f.rng.IntN(3) {
		key, elem := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		f.fill(key, depth+1)
		f.fill(elem, depth+1)
		if key.Comparable() {
			v.SetMapIndex(key, elem)
		}
	}
}

// fillKnown sets what p points to if that is of a type that needs values of its own kind, and reports whether it is.
func (f *filler) fillKnown(p any) bool {
	rng := f.rng
	switch p := p.(type) {
	case *time.Time:
		*p = time.Unix(rng.Int64N(4e9), rng.Int64N(1e9)).UTC()
	case *json.RawMessage:
		*p = json.RawMessage(pick(rng, ` { "a" : [ 1 , "x" ] } `, `"\u0041<&>"`, "1e5", "null", `[]`, `[[{}],{"":[]}]`, "{"))
	case *json.Number:
		*p = json.Number(pick(rng, "", "0", "-1.50e+10", "123456789012345678901234567890", "x"))
	default:
		return false
	}
	return true
}

func (f *filler) float() float64 {
	return pick(f.rng, 0, math.Copysign(0, -1), 1, -1.5, 1e20, 1e21, 1e-6, 1e-7, 3e38, f.rng.NormFloat64(), float64(f.rng.Int64()))
}

func (f *filler) text() string {
	s := ""
	for range f.rng.IntN(4) {
		s += pick(f.rng, "", "plain text", `"`, `\`, "/", "<&>", "\x00", "\n\t\x7f", "é", "日本", "\U0001F600", "\u2028",
			"\xff", "\xed\xa0\x80", "null", "1", "2026-01-02T03:04:05Z", "1h", "100m", "http://example.com/x")
	}
	return s
}

func (f *filler) any(depth int) any {
	switch f.rng.IntN(8) {
	case 0:
		return f.rng.IntN(2) == 0
	case 1:
		return f.float()
	case 2, 3:
		return f.text()
	case 4:
		if depth < 3 {
			return []any{f.any(depth + 1), f.any(depth + 1)}
		}
	case 5:
		if depth < 3 {
			return map[string]any{f.text(): f.any(depth + 1), "b": nil}
		}
	}
	return nil
}
