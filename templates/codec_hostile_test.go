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
	tests := []struct{ name, row, payload string }{
		{"commas for integers", "lists", `{"ints":[` + fill(",")},
		{"commas for structs", "lists", `{"points":[` + fill("{,")},
		{"integers", "lists", `{"ints":[` + fill("1,") + `1]}`},
		{"structs", "lists", `{"points":[` + fill(`{"x":1},`) + `{"x":1}]}`},
		{"commas in a string of an array", "lists", `{"strings":["` + fill(",") + `"]}`},
		{"quotes in a string of an array", "lists", `{"strings":["` + fill(`\"`) + `"]}`},
		{"arrays in arrays", "lists", `{"tree":[` + deep("[", "]") + `]}`},
		{"deep before much", "lists", `{"tree":` + strings.Repeat("[", 9000) + fill(" ")},
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
