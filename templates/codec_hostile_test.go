package templates_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/taskjson"
)

// TestHostile decodes megabytes that are made to cost much. What is quadratic in them would take minutes, and the memory
// allocated has to stay a small multiple of what was sent.
func TestHostile(t *testing.T) {
	const size = 2 << 20
	fill := func(piece string) string { return strings.Repeat(piece, size/len(piece)) }
	deep := func(piece, end string) string {
		levels := taskjson.MaxDepth - 3
		once := strings.Repeat(piece, levels) + strings.Repeat(end, levels)
		return strings.TrimSuffix(strings.Repeat(once+",", size/len(once)), ",")
	}
	keys := new(strings.Builder)
	for i := 0; keys.Len() < size; i++ {
		keys.WriteString(`"` + strings.Repeat("k", i%7) + time.Duration(i).String() + `":"",`)
	}
	type test struct{ name, row, payload string }
	tests := []test{
		{"commas for integers", "lists", `{"ints":[` + fill(",")},
		{"commas for structs", "lists", `{"points":[` + fill("{,")},
		{"integers", "lists", `{"ints":[` + fill("1,") + `1]}`},
		{"structs", "lists", `{"points":[` + fill(`{"x":1},`) + `{"x":1}]}`},
		{"commas in a string of an array", "lists", `{"strings":["` + fill(",") + `"]}`},
		{"quotes in a string of an array", "lists", `{"strings":["` + fill(`\"`) + `"]}`},
		{"arrays in arrays", "lists", `{"tree":[` + deep("[", "]") + `]}`},
		{"deep before much", "lists", `{"tree":` + strings.Repeat("[", 9000) + fill(" ")},
		{"structs in structs again and again", "structs", `{"node":{"kids":[` + fill(strings.Repeat(`{"value":1,"kids":[`, 200)+strings.Repeat("]}", 200)+",")},
		{"structs in structs", "structs", `{"node":` + strings.Repeat(`{"value":1,"kids":[`, 4000) + fill(`{"value":1},`)},
		{"keys", "maps", `{"strings":{` + keys.String() + `"":""}}`},
		{"unknown keys", "maps", `{` + keys.String() + `"":""}`},
		{"any arrays", "dynamic", `{"any":[` + fill("[],") + `[]]}`},
		{"any objects", "dynamic", `{"any":[` + fill("{},") + `{}]}`},
		{"any deep", "dynamic", `{"any":[` + deep("[", "]") + `]}`},
		{"raw deep", "dynamic", `{"raw":[` + deep(`{"":`, "}") + `]}`},
		{"raw", "dynamic", `{"raw":[` + fill("[],") + `[]]}`},
		{"number", "scalars", `{"int":` + fill("1") + `}`},
		{"float", "scalars", `{"float64":0.` + fill("1") + `}`},
		{"escapes", "scalars", `{"string":"` + fill(`\u0041`) + `"}`},
		{"not UTF-8", "scalars", `{"string":"` + fill("\xff") + `"}`},
		{"separators", "scalars", `{"string":"` + fill("\u2028") + `"}`},
		{"no end", "scalars", `{"string":"` + fill("x")},
		{"white space", "scalars", "{" + fill(" \n")},
		{"long names", "scalars", `{"` + fill("x") + `":1}`},
		{"long digits in quotes", "quoted", `{"int":"` + fill("1") + `"}`},
		{"long digits as they stand", "dynamic", `{"number":` + fill("1") + `}`},
		{"long digits in a key", "maps", `{"ints":{"` + fill("1") + `":""}}`},
		{"one key again", "maps", `{"strings":{` + fill(`"a":"",`)},
		{"open structs", "structs", `{"node":` + fill(`{"next":`)},
		{"open maps", "maps", `{"dir":` + fill(`{"a":`)},
		{"open arrays", "lists", `{"tree":` + fill("[")},
	}
	for _, place := range []string{"any", "raw", "unknown"} {
		for _, value := range []struct{ name, json string }{
			{"open arrays", fill("[")},
			{"open objects", fill(`{"a":`)},
			{"escapes", `"` + fill(`\u0000`) + `"`},
			{"long exponent", `1e` + fill("9")},
			{"long digits", `0.` + fill("1")},
			{"one name again", `{` + fill(`"a":1,`) + `"a":1}`},
		} {
			tests = append(tests, test{value.name + " in " + place, "dynamic", `{"` + place + `":` + value.json + `}`})
		}
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			payload, data := rowNamed(test.row).new(), []byte(test.payload)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			err := rowNamed(test.row).decode(data, payload)
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			if err == nil {
				t.Fatal("decoded, though required fields are missing")
			}
			if times := float64(after.TotalAlloc-before.TotalAlloc) / float64(len(data)); times > 64 {
				t.Errorf("allocated %.0f bytes for each that was sent", times)
			}
			if took > 10*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// TestStack decodes what is nested as deeply as can be. Any JSON takes next to no stack, since nothing calls itself for
// it; a type that holds itself takes a little for each level.
func TestStack(t *testing.T) {
	const levels = taskjson.MaxDepth - 3
	nested := func(open, inner, end string) string {
		return strings.Repeat(open, levels) + inner + strings.Repeat(end, levels)
	}
	tests := []struct {
		name, row, payload string
		limit              uint64 // KiB of stack
	}{
		{"arrays in any", "dynamic", `{"any":` + nested("[", "", "]") + "}", 128},
		{"objects in any", "dynamic", `{"any":` + nested(`{"a":`, "1", "}") + "}", 128},
		{"arrays in raw JSON", "dynamic", `{"raw":` + nested("[", "", "]") + "}", 128},
		{"objects in raw JSON", "dynamic", `{"raw":` + nested(`{"a":`, "1", "}") + "}", 128},
		{"an unknown field", "dynamic", `{"zz":` + nested(`{"a":`, "1", "}") + "}", 128},
		{"structs in structs", "structs", `{"node":` + nested(`{"value":1,"next":`, `{"value":1}`, "}") + "}", 4096},
		{"slices in slices", "lists", `{"tree":` + nested(`[`, "", "]") + "}", 4096},
		{"maps in maps", "maps", `{"dir":` + nested(`{"a":`, "{}", "}") + "}", 4096},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { // in a goroutine of its own, whose stack is small at first
			payload, data := rowNamed(test.row).new(), []byte(test.payload)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := rowNamed(test.row).decode(data, payload)
			runtime.ReadMemStats(&after)
			if err == nil || strings.Contains(err.Error(), "deep") {
				t.Fatalf("error is %v, want that required fields are missing", err)
			}
			if after.StackInuse > before.StackInuse+test.limit<<10 {
				t.Errorf("the stack grew by %d KiB", (after.StackInuse-before.StackInuse)>>10)
			}
		})
	}
}
