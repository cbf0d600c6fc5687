package templates_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/taskjson"
	"github.com/cloudtaskgen/cloudtaskgen/testdata/codec/ext"
	"github.com/cloudtaskgen/cloudtaskgen/testdata/codec/rows"
	"github.com/cloudtaskgen/cloudtaskgen/testdata/codec/wide"
)

// TestDecodeErrors checks the text of errors: path, what is wrong, offset. In data, ^ stands where the offset has to be.
func TestDecodeErrors(t *testing.T) {
	t.Parallel()
	const item = `{"sku":"a","quantity":1}`
	tests := []struct{ name, data, want string }{
		{"nothing", `^`, `payload: expected an object, found the end`},
		{"white space only", " \n^", `payload: expected an object, found the end`},
		{"null payload", ` ^null`, `payload: expected an object, found null`},
		{"array payload", `^[]`, `payload: expected an object, found an array`},
		{"garbage payload", `^x`, `payload: expected an object, found 'x'`},
		{"byte order mark", "^\ufeff{}", `payload: expected an object, found '\ufeff'`},
		{"trailing object", `{"id":1,"items":[]}^{}`, `payload: expected nothing after the payload, found '{'`},
		{"trailing bracket", `{"id":1,"items":[]} ^]`, `payload: expected nothing after the payload, found ']'`},
		{"missing", `{"id":1^}`, `payload.items: required field is missing`},
		{"missing in empty", `{^}`, `payload.id: required field is missing`},
		{"missing after string", `{"items":[{"sku":"a"^}],"id":1}`, `payload.items[0].quantity: required field is missing`},
		{"missing after number", `{"items":[` + item + `,` + item + `,` + item + `,{"quantity":1 ^}],"id":1}`, `payload.items[3].sku: required field is missing`},
		{"missing after nested", `{"id":1,"items":[],"parent":{"id":1,"meta":{"a":[1]}^}}`, `payload.parent.items: required field is missing`},
		{"missing in map", `{"id":1,"items":[],"stock":{"a\"b":{"sku":"x"^}}}`, `payload.stock["a\"b"].quantity: required field is missing`},
		{"missing behind odd name", `{"id":1,"items":[],"odd name":{"sku":"x"^}}`, `payload["odd name"].quantity: required field is missing`},
		{"null is missing", `{"id":^null}`, `payload.id: required field is missing: it is null`},
		{"null in item", `{"id":1,"items":[{"quantity":1,"sku": ^null}]}`, `payload.items[0].sku: required field is missing: it is null`},
		{"half a null", `{"id":nul^}`, `payload.id: expected null, found '}'`},
		{"twice", `{"id":1,"items":[],"id":^2}`, `payload.id: field is given twice`},
		{"twice with null", `{"id":1,"items":null,"items":^null}`, `payload.items: field is given twice`},
		{"twice by escape", `{"id":1,"\u0069d":^1}`, `payload.id: field is given twice`},
		{"twice in item", `{"items":[` + item + `,{"sku":"a","sku":^"b"}]}`, `payload.items[1].sku: field is given twice`},
		{"wrong type", `{"id":^"1"}`, `payload.id: expected an integer, found a string`},
		{"wrong type in item", `{"items":[` + item + `,{"quantity":^true}]}`, `payload.items[1].quantity: expected an integer, found a boolean`},
		{"item is no object", `{"items":[^[]]}`, `payload.items[0]: expected an object, found an array`},
		{"items is no array", `{"items":^{}}`, `payload.items: expected an array, found an object`},
		{"out of range", `{"items":[{"quantity":^128}]}`, `payload.items[0].quantity: 128 is out of range of int8`},
		{"below range", `{"items":[{"quantity":^-129}]}`, `payload.items[0].quantity: -129 is out of range of int8`},
		{"not an integer", `{"id":^1.0}`, `payload.id: 1.0 is not a number that int64 can hold`},
		{"exponent", `{"id":^1e3}`, `payload.id: 1e3 is not a number that int64 can hold`},
		{"float range", `{"prices":[1,^1e999]}`, `payload.prices[1]: 1e999 is out of range of float64`},
		{"map value", `{"attrs":{"a":"","key":^1}}`, `payload.attrs["key"]: expected a string, found a number`},
		{"map key", `{"numbers":{"1":1,"x":^1}}`, `payload.numbers["x"]: key: strconv.ParseInt: parsing "x": invalid syntax`},
		{"time", `{"paid":^"yesterday"}`, `payload.paid: not a time: parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006"`},
		{"method", `{"level":^"high"}`, `payload.level: UnmarshalText: no level`},
		{"in any", `{"meta":{"a":[{"b":^x}]}}`, `payload.meta["a"][0]["b"]: expected a value, found 'x'`},
		{"in raw", `{"raw":[1, {"a":^}]}`, `payload.raw[1]["a"]: expected a value, found '}'`},
		{"in unknown", `{"zz":{"a":[tru^,]}}`, `payload.zz["a"][0]: expected true, found ','`},
		{"in nested struct", `{"parent":{"parent":{"items":[{"sku":"\^x"}]}}}`, `payload.parent.parent.items[0].sku: expected an escape sequence after \, found 'x'`},
		{"no comma", `{"id":1 ^"items":[]}`, `payload: expected , or } after a member, found '"'`},
		{"no comma in array", `{"items":[` + item + ` ^` + item + `]}`, `payload.items: expected , or ] after an element, found '{'`},
		{"no colon", `{"id"^,}`, `payload: expected : after a name, found ','`},
		{"trailing comma", `{"id":1,^}`, `payload: expected a name in quotes, found '}'`},
		{"unquoted name", `{^id:1}`, `payload: expected a name in quotes, found 'i'`},
		{"control character", "{\"attrs\":{\"a\":\"x^\n\"}}", `payload.attrs["a"]: expected no control character in a string, found '\n'`},
		{"hex digits", `{"attrs":{"a":"\u12^g4"}}`, `payload.attrs["a"]: expected four hexadecimal digits after \u, found 'g'`},
		{"leading zero", `{"id":0^1}`, `payload.id: expected , or } after a member, found '1'`},
		{"no digits", `{"id":-^}`, `payload.id: expected a digit, found '}'`},
		{"no fraction", `{"prices":[1.^]}`, `payload.prices[0]: expected a digit, found ']'`},
		{"bad byte", "{\"id\":^\xff}", `payload.id: expected an integer, found byte 0xff`},
		{"cut in string", `{"items":[{"sku":"ab^`, `payload.items[0].sku: expected " at the end of a string, found the end`},
		{"cut in name", `{"it^`, `payload: expected " at the end of a string, found the end`},
		{"cut in array", `{"items":[` + item + `^`, `payload.items: expected , or ] after an element, found the end`},
		{"long key", `{"attrs":{"` + strings.Repeat("é", 1000) + `":^1}}`, `payload.attrs["` + strings.Repeat("é", 30) + `..."]: expected a string, found a number`},
		{"long path", `{"meta":` + strings.Repeat("[", 50) + `^`, `payload.meta` + strings.Repeat("[0]", 15) + "…" + strings.Repeat("[0]", 16) + `: expected a value, found the end`},
		{"cut before value", `{"id":^`, `payload.id: expected an integer, found the end`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			before, after, _ := strings.Cut(test.data, "^")
			var order rows.Order
			err := rows.DecodeOrder([]byte(before+after), &order)
			want := fmt.Sprintf("%s, offset %d", test.want, len(before))
			if err == nil || err.Error() != want {
				t.Errorf("error is\n%v, want\n%s", err, want)
			}
		})
	}
}

// TestDecodeErrorValue checks what programs can take out of an error.
func TestDecodeErrorValue(t *testing.T) {
	t.Parallel()
	err := rows.DecodeOrder([]byte(`{"id":1,"items":[{"sku":"","quantity":1e9}]}`), new(rows.Order))
	want := &taskjson.Error{Path: "payload.items[0].quantity", Offset: 38, Msg: "1e9 is not a number that int8 can hold"}
	if diff := cmp.Diff(want, err); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	err = rows.DecodeOrder([]byte(`{"paid":"2024-13-01T00:00:00Z"}`), new(rows.Order))
	if _, ok := errors.AsType[*time.ParseError](err); !ok {
		t.Errorf("%v wraps no *time.ParseError", err)
	}
}

// A link has no codec, so that it is left to encoding/json.
type link struct{ L *link }

func TestEncodeErrors(t *testing.T) {
	t.Parallel()
	good := rows.Item{SKU: "a"}
	cycle := &rows.Order{}
	cycle.Parent = cycle
	knot := map[string]any{}
	knot["knot"] = knot
	var self any
	self = &self
	var list *link
	for range taskjson.MaxDepth {
		list = &link{list}
	}
	ring := rows.Node{}
	ring.Kids = []rows.Node{{}}
	ring.Kids[0].Kids = ring.Kids
	ring.Kids[0].Next = &ring.Kids[0]
	tests := []struct {
		name  string
		order rows.Order
		want  string
	}{
		{"NaN", rows.Order{Items: []rows.Item{good, good}, Prices: [2]float64{0, math.NaN()}}, `payload.prices[1]: NaN cannot be encoded as JSON`},
		{"infinity in map", rows.Order{Numbers: map[int]float64{1: 1, 22: math.Inf(-1)}}, `payload.numbers["22"]: -Inf cannot be encoded as JSON`},
		{"raw", rows.Order{Raw: json.RawMessage(`{"a":1,}`)}, `payload.raw: json.RawMessage is not valid: expected a name in quotes, found '}', at its byte 7`},
		{"empty raw in any", rows.Order{Meta: map[string]any{"k": []any{1.5, json.RawMessage("")}}}, `payload.meta["k"][1]: json.RawMessage: json: error calling MarshalJSON for type json.RawMessage: unexpected end of JSON input`},
		{"method", rows.Order{Parent: &rows.Order{Level: -2}}, `payload.parent.level: MarshalText of *ext.Level: negative level`},
		{"year", rows.Order{Paid: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}, `payload.paid: not a time that JSON can hold: Time.AppendText: year outside of range [0,9999]`},
		{"channel in any", rows.Order{Meta: make(chan int)}, `payload.meta: chan int: json: unsupported type: chan int`},
		{"first of two", rows.Order{Meta: func() {}, Prices: [2]float64{math.NaN()}}, `payload.meta: func(): json: unsupported type: func()`},
		{"raw that is too deep", rows.Order{Raw: json.RawMessage(strings.Repeat("[", taskjson.MaxDepth) + strings.Repeat("]", taskjson.MaxDepth))},
			`payload.raw: json.RawMessage is not valid: nested more than 10000 levels deep, at its byte 9999`},
		{"list in any that is too deep", rows.Order{Meta: list}, `payload.meta: *templates_test.link is not valid: nested more than 10000 levels deep, at its byte 49995`},
		{"NaN in nested map", rows.Order{Meta: map[string]any{"a": map[string]any{"b": []any{math.NaN()}}}}, `payload.meta["a"]["b"][0]: NaN cannot be encoded as JSON`},
		{"cycle in any", rows.Order{Meta: knot}, `payload.meta` + strings.Repeat(`["knot"]`, 15) + "…" + strings.Repeat(`["knot"]`, 16) + `: nested more than 10000 levels deep; is it a cycle?`},
		{"cycle through a pointer in any", rows.Order{Meta: &self}, `payload.meta: *interface {}: json: unsupported value: encountered a cycle via *interface {}`},
		{"cycle", *cycle, `payload` + strings.Repeat(".parent", 16) + "…" + strings.Repeat(".parent", 16) + `: nested more than 10000 levels deep; is it a cycle?`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dst, err := rows.AppendOrder([]byte("old"), &test.order)
			if string(dst) != "old" {
				t.Errorf("dst is %q", dst)
			}
			if err == nil || err.Error() != test.want {
				t.Errorf("error is\n%v, want\n%s", err, test.want)
			}
			var e *taskjson.Error
			if !errors.As(err, &e) || e.Offset != -1 {
				t.Errorf("error is %#v", err)
			}
		})
	}
	others := []struct {
		name, row string
		payload   any
		want      string
	}{
		{"MarshalJSON fails", "lists", &rows.Lists{Monies: []ext.Money{{}, {Cents: math.MinInt64}}}, `payload.monies[1]: MarshalJSON of *ext.Money: no such amount`},
		{"MarshalJSON returns no JSON", "maps", &rows.Maps{Wallets: map[string]rows.Wallet{"w": {Ref: &ext.Money{Cents: math.MinInt64 + 1}}}},
			`payload.wallets["w"].ref: result of MarshalJSON of *ext.Money is not valid: expected a value, found '}', at its byte 9`},
		{"MarshalText of a key fails", "maps", &rows.Maps{Levels: map[ext.Level]int{-1: 2}}, `payload.levels: MarshalText of key of type ext.Level: negative level`},
		{"NaN in nested lists", "lists", &rows.Lists{Grid: [][]float64{{1}, {2, math.NaN()}}}, `payload.grid[1][1]: NaN cannot be encoded as JSON`},
		{"quoted infinity", "quoted", &rows.Quoted{Float: math.Inf(1)}, `payload.float: +Inf cannot be encoded as JSON`},
		{"number that is none", "dynamic", &rows.Dynamic{Number: "1x"}, `payload.number: json.Number "1x" is not a number`},
	}
	for _, test := range others {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dst, err := rowNamed(test.row).append([]byte("old"), test.payload)
			if string(dst) != "old" || err == nil || err.Error() != test.want {
				t.Errorf("dst is %q, error\n%v, want\n%s", dst, err, test.want)
			}
		})
	}
	t.Run("branching cycle", func(t *testing.T) {
		t.Parallel()
		// Going on after the error would take as many calls as the cycle has ways through it.
		dst, err := rows.AppendStructs(nil, &rows.Structs{Node: ring})
		if err == nil || !strings.HasSuffix(err.Error(), "is it a cycle?") || len(dst) > 0 {
			t.Errorf("appended %q, error %v", dst, err)
		}
	})
}

// allDefaults is what {} decodes into.
func allDefaults() rows.Defaults {
	zone := time.Date(2024, 5, 6, 7, 8, 9, 0, time.FixedZone("", 7200))
	return rows.Defaults{
		String: `a "b" <c>`, Name: "anon", Bool: true, Int: -7, Count: 12, Float: 1500, Wait: 30 * time.Second,
		IntP: new(int64(5)), NameP: new(new(rows.Name("deep"))), Time: time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC), TimeP: &zone,
		List: []int{1, 2}, Map: map[string]int{"a": 1}, Point: rows.Point{X: 3}, PointP: &rows.Point{X: 4},
		Any: map[string]any{"k": []any{1.0}}, Bytes: []byte("hi"), Quoted: 9, Number: "1.50", Array: [2]int{8}, Level: "low",
		Extra2: &rows.Extra2{Behind: 1},
	}
}

// withDefaults makes up for encoding/json's ignorance of defaults.
func (r row) withDefaults() row {
	r.adjust = func(data []byte, payload any) {
		var members map[string]json.RawMessage
		if json.Unmarshal(data, &members) != nil || members == nil {
			return
		}
		want := reflect.ValueOf(payload).Elem()
		defaults := reflect.ValueOf(allDefaults())
		for i := range want.NumField() {
			name, _, _ := strings.Cut(want.Type().Field(i).Tag.Get("json"), ",")
			if name == "" {
				name = "behind" // the field of the embedded struct
			}
			member, ok := members[name]
			switch want.Field(i).Kind() {
			case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
				ok = ok && (name != "behind" || string(member) != "null")
			default:
				var quoted string
				isNull := string(member) == "null" || name == "quoted" && json.Unmarshal(member, &quoted) == nil && quoted == "null"
				ok = ok && !isNull
			}
			if !ok {
				want.Field(i).Set(defaults.Field(i))
			}
		}
	}
	return r
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	all := allDefaults()
	tests := []struct {
		name, data string
		change     func(*rows.Defaults)
	}{
		{"missing", `{}`, func(*rows.Defaults) {}},
		{"null is missing where nil is no value", `{"string":null,"name":null,"bool":null,"int":null,"count":null,"float":null,"wait":null,
			"time":null,"point":null,"quoted":"null","number":null,"array":null,"level":null,"behind":null,"empty":null}`, func(*rows.Defaults) {}},
		{"null is a value", `{"intp":null,"namep":null,"timep":null,"list":null,"map":null,"pointp":null,"any":null,"bytes":null}`, func(d *rows.Defaults) {
			d.IntP, d.NameP, d.TimeP, d.List, d.Map, d.PointP, d.Any, d.Bytes = nil, nil, nil, nil, nil, nil, nil, nil
		}},
		{"zero values", `{"string":"","bool":false,"int":0,"intp":0,"list":[],"point":{"x":0},"array":[],"quoted":"0","map":{},"level":""}`, func(d *rows.Defaults) {
			d.String, d.Bool, d.Int, d.IntP, d.List, d.Point, d.Array, d.Quoted = "", false, 0, new(int64(0)), []int{}, rows.Point{}, [2]int{}, 0
			d.Map, d.Level = map[string]int{}, ""
		}},
		{"no merging", `{"map":{"b":2},"point":{"x":1},"any":{"z":1},"array":[null,5],"pointp":{"x":2,"y":3}}`, func(d *rows.Defaults) {
			d.Map, d.Point, d.Any, d.Array = map[string]int{"b": 2}, rows.Point{X: 1}, map[string]any{"z": 1.0}, [2]int{0, 5}
			d.PointP = &rows.Point{X: 2, Y: 3}
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			want := all
			test.change(&want)
			var got rows.Defaults
			if err := rows.DecodeDefaults([]byte(test.data), &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	t.Run("twice with null", func(t *testing.T) {
		t.Parallel()
		err := rows.DecodeDefaults([]byte(`{"int":null,"int":1}`), new(rows.Defaults))
		if want := "payload.int: field is given twice, offset 18"; err == nil || err.Error() != want {
			t.Errorf("error is %v, want %s", err, want)
		}
	})
	t.Run("inside of null", func(t *testing.T) {
		t.Parallel()
		var w wide.Wide
		if err := wide.DecodeWide(wideJSON(t, `"kids":[null]`), &w); err != nil {
			t.Fatal(err)
		}
		if len(w.Kids) != 1 || !reflect.ValueOf(w.Kids[0]).IsZero() {
			t.Errorf("a null among structs became %v", w.Kids)
		}
	})
}

// wideJSON returns a payload of package wide with all that is required and more.
func wideJSON(t *testing.T, more string) []byte {
	t.Helper()
	data, err := wide.AppendWide(nil, new(wide.Wide))
	if err != nil {
		t.Fatal(err)
	}
	return append(append(data[:len(data)-1], ","+more...), '}')
}

// TestWide checks that more fields than a word has bits are told apart.
func TestWide(t *testing.T) {
	t.Parallel()
	for i := range 150 {
		var all, lacking []string
		for j := range 150 {
			member := fmt.Sprintf(`"f%d":%s`, j, []string{"1", `"x"`, "false"}[j%3])
			all = append(all, member)
			if j != i {
				lacking = append(lacking, member)
			}
		}
		var w wide.Wide
		if err := wide.DecodeWide([]byte("{"+strings.Join(append(all, all[i]), ",")+"}"), &w); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("payload.f%d: field is given twice", i)) {
			t.Errorf("f%d twice: error is %v", i, err)
		}
		err := wide.DecodeWide([]byte("{"+strings.Join(lacking, ",")+"}"), &w)
		if i%3 == 0 {
			if want := fmt.Sprintf("payload.f%d: required field is missing", i); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("without f%d: error is %v, want %s", i, err, want)
			}
			continue
		}
		if err != nil {
			t.Errorf("without f%d: %v", i, err)
		}
		value := reflect.ValueOf(w).Field(i)
		if isTrue := i%3 == 2 && value.Bool(); i%3 == 2 && !isTrue {
			t.Errorf("without f%d it is %v and not its default", i, value)
		}
	}
	if err := wide.DecodeWide([]byte("null"), new(wide.Wide)); err == nil {
		t.Error("null is taken for a payload")
	}
	for seed := range uint64(50) {
		w := new(wide.Wide)
		fill(reflect.ValueOf(w).Elem(), newRand(seed), 3)
		r := rowOf("wide", wide.AppendWide, wide.DecodeWide)
		data := r.compareAppend(t, w)
		var back wide.Wide
		if err := wide.DecodeWide(data, &back); err != nil {
			t.Fatal(err)
		}
		r.compareRewritten(t, data, newRand(seed))
	}
}

// TestDecodeRules decodes payloads that turn on one rule each, all of which encoding/json has, too. In each the member
// given replaces that of a zero payload.
func TestDecodeRules(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, row, member, json string }{
		{"bytes from an array", "lists", "bytes", `[1,null,255]`},
		{"bytes from an empty array", "lists", "bytes", `[]`},
		{"empty bytes", "lists", "blob", `""`},
		{"named bytes in base64", "lists", "octets", `"AQI="`},
		{"base64 with line breaks", "lists", "bytes", `"AQ\nI="`},
		{"bytes with text methods in base64", "lists", "letters", `"AQI="`},
		{"bytes with text methods", "lists", "letters", `["a","b"]`},
		{"array of bytes", "lists", "hash", `[1,2]`},
		{"array that is too long", "lists", "fixed", `[1,2,3,4,{"a":[]}]`},
		{"array that is too short", "lists", "fixed", `[1]`},
		{"array with null", "lists", "fixed", `[null,1,null]`},
		{"array without room", "lists", "empty", `[1,2]`},
		{"empty slice", "lists", "strings", `[]`},
		{"slice with nulls", "lists", "points", `[null,{"x":1},null]`},
		{"pointers with nulls", "lists", "pointers", `[null,1,null]`},
		{"structs null in arrays", "lists", "parts", `[null]`},
		{"methods called with null", "lists", "monies", `[null,{"cents":3}]`},
		{"last key wins", "maps", "strings", `{"a":"1","b":"2","a":"3"}`},
		{"last key wins over a struct", "maps", "uints", `{"1":{"x":1,"y":2},"1":{"x":3}}`},
		{"last key wins with null", "maps", "counts", `{"1":{"x":1},"1":null}`},
		{"keys that become one", "maps", "strings", "{\"\xff\":\"1\",\"\\ud800\":\"2\"}"},
		{"null values", "maps", "small", `{"1":null}`},
		{"key with a plus", "maps", "ints", `{"+1":"x","-0":"y"}`},
		{"text key", "maps", "levels", `{"level-\u0034":1}`},
		{"last name wins in any", "dynamic", "any", `{"a":1,"a":{"b":2},"a":{"c":3}}`},
		{"numbers in any", "dynamic", "any", `[1,-0,1e3,0.1,9007199254740993]`},
		{"surrogates", "dynamic", "any", `"\ud83d\ude00\ud83d\ud83d\ude00\ude00\ud83dx"`},
		{"not UTF-8", "dynamic", "any", "\"\xff\xed\xa0\x80\xc0\x80\""},
		{"raw with white space", "dynamic", "raw", "[ 1 ,\n2 ]"},
		{"raw null", "dynamic", "raw", "null"},
		{"number as it stands", "dynamic", "number", "-1.50E+0"},
		{"number in quotes", "dynamic", "number", `"1.50"`},
		{"null through pointers", "pointers", "deep", "null"},
		{"value through pointers", "pointers", "deep", "-5"},
		{"pointer to any null", "pointers", "any", "null"},
		{"pointer to raw null", "pointers", "raw", "null"},
		{"pointer to methods null", "pointers", "money", "null"},
		{"quoted null for a pointer", "quoted", "intp", `"null"`},
		{"null for a quoted pointer", "quoted", "intp", `null`},
		{"quoted pointer", "quoted", "intp", `"12"`},
		{"quoted hexadecimal float", "quoted", "float", `"0x1p-2"`},
		{"quoted string", "quoted", "string", `"\"a\\u0062\""`},
		{"quoted number in quotes", "quoted", "number", `"\"1\""`},
		{"minus zero", "scalars", "int", `-0`},
		{"limits", "scalars", "uint64", `18446744073709551615`},
		{"limits", "scalars", "int64", `-9223372036854775808`},
		{"float of an integer", "scalars", "float32", `16777217`},
		{"time with a comma", "customs", "time", `"2024-05-06T07:08:09,5Z"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := rowNamed(test.row)
			zero, err := r.append(nil, r.new())
			if err != nil {
				t.Fatal(err)
			}
			var members map[string]json.RawMessage
			if err := json.Unmarshal(zero, &members); err != nil {
				t.Fatal(err)
			}
			if members[test.member] == nil {
				t.Fatalf("there is no %s", test.member)
			}
			members[test.member] = nil
			data, err := json.Marshal(members)
			if err != nil {
				t.Fatal(err)
			}
			null := fmt.Sprintf("%q:null", test.member)
			data = []byte(strings.Replace(string(data), null, fmt.Sprintf("%q:%s", test.member, test.json), 1))
			if err := r.decode(data, r.new()); err != nil {
				t.Fatal(err)
			}
			r.compareDecode(t, data)
		})
	}
}

// TestNullPresent checks which required fields null is a value of.
func TestNullPresent(t *testing.T) {
	t.Parallel()
	data := []byte(`{"time":"2024-05-06T07:08:09Z","level":"level-1","money":null,"big":null,"value":null,"addr":"","stamp":null,
		"oneway":{"a":1},"back":null,"mixed":1,"list":null,"shape":{"sides":1}}`)
	var c rows.Customs
	if err := rows.DecodeCustoms(data, &c); err != nil {
		t.Fatal(err)
	}
	if c.Money != (ext.Money{Cents: -1}) {
		t.Errorf("UnmarshalJSON was not called with null: %v", c.Money)
	}
	for _, name := range []string{"time", "level", "addr", "oneway", "mixed", "shape"} {
		var members map[string]json.RawMessage
		if err := json.Unmarshal(data, &members); err != nil {
			t.Fatal(err)
		}
		members[name] = json.RawMessage("null")
		payload, err := json.Marshal(members)
		if err != nil {
			t.Fatal(err)
		}
		err = rows.DecodeCustoms(payload, &c)
		if want := "payload." + name + ": required field is missing: it is null"; err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("error is %v, want %s", err, want)
		}
	}
}

// TestDepth checks the bound on nesting, which is encoding/json's, where generated functions, any, raw JSON and unknown
// fields call themselves.
func TestDepth(t *testing.T) {
	t.Parallel()
	nested := func(open, inner, end string, levels int) string {
		return strings.Repeat(open, levels) + inner + strings.Repeat(end, levels)
	}
	const item = `"id":1,"items":null`
	tests := []struct {
		name  string
		depth func(levels int) string // a payload that is nested so deeply
	}{
		{"struct", func(n int) string { return nested(`{`+item+`,"parent":`, `{"id":1,"items":null}`, "}", n-1) }},
		{"indented struct", func(n int) string {
			return nested("{\n  \"id\": 1,\n  \"items\": null,\n  \"parent\": ", "{\n  \"id\": 1,\n  \"items\": null\n}", "}", n-1)
		}},
		{"any", func(n int) string { return `{` + item + `,"meta":` + nested("[", "", "]", n-1) + "}" }},
		{"any objects", func(n int) string { return `{` + item + `,"meta":` + nested(`{"a":`, "1", "}", n-1) + "}" }},
		{"raw", func(n int) string { return `{` + item + `,"raw":` + nested(`[1,`, "1", "]", n-1) + "}" }},
		{"unknown", func(n int) string { return `{` + item + `,"zz":` + nested(`{"a":`, "1", "}", n-1) + "}" }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var order rows.Order
			data := []byte(test.depth(taskjson.MaxDepth))
			if err := rows.DecodeOrder(data, &order); err != nil {
				t.Fatalf("%.200v", err)
			}
			if err := json.Unmarshal(data, new(rows.Order)); err != nil {
				t.Fatal(err)
			}
			if err := rows.DecodeOrder([]byte(test.depth(taskjson.MaxDepth-1)), &order); err != nil {
				t.Fatalf("%.200v", err)
			}
			// The array of prices, which is always there, may be the innermost level.
			if got, err := rows.AppendOrder(nil, &order); err != nil || len(got) == 0 {
				t.Fatalf("cannot be encoded again: %.200v", err)
			}
			for _, levels := range []int{taskjson.MaxDepth + 1, 20 * taskjson.MaxDepth} {
				err := rows.DecodeOrder([]byte(test.depth(levels)), &order)
				if err == nil || !strings.Contains(err.Error(), "nested more than 10000 levels deep, offset ") {
					t.Errorf("%d levels: error is %.200v", levels, err)
				}
			}
		})
	}
}

// TestAllocations checks that the codecs themselves allocate nothing.
func TestAllocations(t *testing.T) {
	s := rows.Scalars{String: "text", Name: "n", Float64: 1.5, Int: -1}
	data, err := rows.AppendScalars(nil, &s)
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 0, 2*len(data))
	if n := testing.AllocsPerRun(100, func() {
		if _, err := rows.AppendScalars(buf, &s); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("AppendScalars allocates %v times", n)
	}
	var back rows.Scalars
	if n := testing.AllocsPerRun(100, func() {
		if err := rows.DecodeScalars(data, &back); err != nil {
			t.Fatal(err)
		}
	}); n > 2 { // the two strings
		t.Errorf("DecodeScalars allocates %v times", n)
	}
	data = []byte(`{"point":{"x":1},"customer":{"name":"","since":"2024-05-06T07:08:09Z"},"anon":{"A":1,"B":2},"tagged":{"deep":{},"list":null},` +
		`"node":{"value":1,"kids":[{"value":1},{"value":2}]},"page":{"items":null},"pair":{"first":"","second":null},"pairs":null,"none":{},"opaque":{},"alias":{"x":1},"zz":[{"a":"b"}]}`)
	var structs rows.Structs
	if n := testing.AllocsPerRun(100, func() {
		if err := rows.DecodeStructs(data, &structs); err != nil {
			t.Fatal(err)
		}
	}); n > 2 { // growing kids
		t.Errorf("DecodeStructs allocates %v times", n)
	}
}
