package lock_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/cloudtaskgen/cloudtaskgen/gen"
	"github.com/cloudtaskgen/cloudtaskgen/gen/lock"
)

// A declaration is a field as a task declares it, and values that it may have.
type declaration struct {
	field  string
	values string
}

// declarations are all forms of types and options, each with its extremes.
var declarations = []declaration{
	{"V bool `json:\"v\"`", "true, false"},
	{"V int8 `json:\"v\"`", "-128, 127"},
	{"V int16 `json:\"v\"`", "-32768, 32767"},
	{"V int32 `json:\"v\"`", "-2147483648, 2147483647"},
	{"V int64 `json:\"v\"`", "math.MinInt64, math.MaxInt64, 0"},
	{"V int `json:\"v\"`", "math.MinInt64, math.MaxInt64"},
	{"V uint8 `json:\"v\"`", "255"},
	{"V uint16 `json:\"v\"`", "65535"},
	{"V uint32 `json:\"v\"`", "math.MaxUint32"},
	{"V uint64 `json:\"v\"`", "math.MaxUint64"},
	{"V uintptr `json:\"v\"`", "math.MaxUint64"},
	{"V float32 `json:\"v\"`", "0.1, -math.MaxFloat32, 3"},
	{"V float64 `json:\"v\"`", "0.1, -math.MaxFloat64, 3"},
	{"V string `json:\"v\"`", "`a text`, `true`, ``"},
	{"V []byte `json:\"v\"`", "{0xfb, 0xef, 0xff}, nil"},
	{"V time.Time `json:\"v\"`", "{}, time.Date(2006, 1, 2, 15, 4, 5, 6, time.UTC)"},
	{"V json.Number `json:\"v\"`", "`1e400`, `-12345678901234567890.5`, `7`"},
	{"V any `json:\"v\"`", "nil, `x`, true, 1.5, []any{1.5}, map[string]any{`k`: nil}"},
	{"V json.RawMessage `json:\"v\"`", "nil, []byte(`[1]`), []byte(`{\"k\":true}`), []byte(`\"x\"`)"},
	{"V []int32 `json:\"v\"`", "nil, {1, math.MinInt32}"},
	{"V []int64 `json:\"v\"`", "nil, {1, math.MinInt64}"},
	{"V []*int64 `json:\"v\"`", "{nil, new(int64(math.MinInt64)), nil, nil}"},
	{"V []string `json:\"v\"`", "nil, {`x`}"},
	{"V [2]int64 `json:\"v\"`", "{1, math.MinInt64}"},
	{"V [3]int64 `json:\"v\"`", "{1, 2, math.MinInt64}"},
	{"V [2]uint8 `json:\"v\"`", "{1, 255}"},
	{"V map[string]int64 `json:\"v\"`", "nil, {`k`: math.MinInt64}"},
	{"V map[int32]int64 `json:\"v\"`", "nil, {math.MinInt32: math.MinInt64}"},
	{"V map[uint64]int32 `json:\"v\"`", "nil, {math.MaxUint64: 1}"},
	{"V *int64 `json:\"v\"`", "nil, new(int64(math.MinInt64))"},
	{"V *int32 `json:\"v,omitempty\"`", "nil, new(int32(7))"},
	{"V int64 `json:\"v,omitempty\"`", "0, math.MinInt64"},
	{"V int64 `json:\"v,omitzero\"`", "0, math.MinInt64"},
	{"V string `json:\"v,omitempty\"`", "``, `x`"},
	{"V []int32 `json:\"v,omitempty\"`", "nil, {1}"},
	{"V int64 `json:\"v\" default:\"5\"`", "0, math.MinInt64"},
	{"V string `json:\"v\" default:\"x\"`", "``, `y`"},
	{"V int64 `json:\"v,string\"`", "math.MinInt64"},
	{"V int32 `json:\"v,string\"`", "math.MinInt32"},
	{"V *int64 `json:\"v,string\"`", "nil, new(int64(math.MinInt64))"},
	{"V float64 `json:\"v,string\"`", "0.1"},
	{"V bool `json:\"v,string\"`", "true, false"},
	{"V string `json:\"v,string\"`", "`x`"},
	{"V Pair `json:\"v\"`", "{}, {A: 1, B: `x`}"},
	{"V *Pair `json:\"v\"`", "nil, {A: 1, B: `x`}"},
	{"V Wide `json:\"v\"`", "{A: math.MinInt64, B: `x`, C: nil}"},
	{"V []Pair `json:\"v\"`", "nil, {{}}"},
	{"V []*Pair `json:\"v\"`", "nil, {nil, {}}"},
	{"V Tree `json:\"v\"`", "{}, {Children: []Tree{{V: math.MinInt64}}}"},
	{"V netip.Addr `json:\"v\"`", "{}, netip.MustParseAddr(`10.0.0.1`)"},
	{"V big.Int `json:\"v\"`", "{}"},
	{"V OwnReader `json:\"v\"`", "{}, {A: 1, B: `x`}"},
	{"V *OwnReader `json:\"v\"`", "nil, {A: 1, B: `x`}"},
	{"V []*OwnReader `json:\"v\"`", "nil, {nil, {}}"},
	{"V map[string]*OwnReader `json:\"v\"`", "nil, {`k`: {A: 1}}"},
	{"*Embedded", "nil, {V: math.MinInt64}"},
	{"", "{}"},
}

const declared = `
type Pair struct {
	A int32  ` + "`json:\"a\"`" + `
	B string ` + "`json:\"b\"`" + `
}

type Wide struct {
	A int64  ` + "`json:\"a\"`" + `
	B string ` + "`json:\"b\"`" + `
	C *int   ` + "`json:\"c\"`" + `
}

type Tree struct {
	V        int64  ` + "`json:\"v\"`" + `
	Children []Tree ` + "`json:\"children,omitempty\"`" + `
}

type Embedded struct {
	V int64 ` + "`json:\"v\"`" + `
}

// OwnReader is written as the struct that it is, and reads its own JSON.
type OwnReader Pair

func (r *OwnReader) UnmarshalJSON(data []byte) error { return json.Unmarshal(data, (*Pair)(r)) }
`

// tooStrict reports pairs of which the rules say no although no error shows here: they mean something else by the same JSON, or
// it takes other values than these.
func tooStrict(reader, writer string) bool {
	has := func(s string, any ...string) bool {
		for _, x := range any {
			if strings.Contains(s, x) {
				return true
			}
		}
		return false
	}
	switch {
	case has(reader, "OwnReader") && !has(writer, "OwnReader"):
		return true // nobody knows what it reads
	case has(reader, "big.Int", "netip.Addr", ",string") || has(writer, "big.Int", "netip.Addr"):
		return true // whose values here are few
	case has(reader, "V string") && has(writer, "V []byte", "V string `json:\"v,string"):
		return true // the text that it was, and not the value
	case has(writer, "map[") && has(reader, "Pair", "Wide", "Tree", "V OwnReader", "V *OwnReader"), has(reader, "map[") && has(writer, "Pair", "Wide", "Tree"):
		return true
	}
	return false
}

// TestReads compares what the rules say of two declarations of a field with what the codecs do: whatever one writes, the other
// reads as the same value exactly if the rules say so.
func TestReads(t *testing.T) {
	m := newModule(t)
	var tasks, run strings.Builder
	tasks.WriteString("package main\n\nimport (\n\t\"encoding/json\"\n\t\"math/big\"\n\t\"net/netip\"\n\t\"time\"\n)\n\nvar (\n\t_ json.Number\n\t_ big.Int\n\t_ netip.Addr\n\t_ time.Time\n)\n" + declared)
	run.WriteString("package main\n\nimport (\n\t\"encoding/json\"\n\t\"math\"\n\t\"math/big\"\n\t\"net/netip\"\n\t\"time\"\n)\n\nvar (\n\t_ = math.MaxInt8\n\t_ json.Number\n\t_ big.Int\n\t_ netip.Addr\n\t_ time.Time\n)\n\nfunc main() {\n\treadAll()\n}\n\nvar writers = [][]string{\n")
	for i, d := range declarations {
		fmt.Fprintf(&tasks, "\n//cloudtask:task\ntype T%d struct {\n\t%s\n}\n", i, d.field)
		fmt.Fprintf(&run, "\tpayloads(AppendT%d, func() (all []T%d) {\n", i, i)
		switch typ, named := strings.CutPrefix(d.field, "V "); {
		case named:
			typ, _, _ = strings.Cut(typ, " `")
			fmt.Fprintf(&run, "\t\tfor _, v := range []%s{%s} {\n\t\t\tall = append(all, T%d{V: v})\n\t\t}\n", typ, d.values, i)
		case d.field == "":
			fmt.Fprintf(&run, "\t\tall = []T%d{{}}\n", i)
		default:
			fmt.Fprintf(&run, "\t\tall = []T%d{{}, {Embedded: &Embedded{V: math.MinInt64}}}\n", i)
		}
		run.WriteString("\t\treturn all\n\t}()),\n")
	}
	run.WriteString("}\n\nvar readers = []func(string) (string, error){\n")
	for i := range declarations {
		fmt.Fprintf(&run, "\treader(AppendT%d, DecodeT%d),\n", i, i)
	}
	run.WriteString("}\n")
	m.write(t, "tasks.go", tasks.String())
	m.write(t, "run.go", run.String())
	m.write(t, "read.go", readAll)
	m.generate(t)
	loaded, err := gen.Load(t.Context(), gen.Options{Dir: m.dir, Env: m.env})
	if err != nil {
		t.Fatal(err)
	}
	shapes := map[string]*lock.Task{}
	for _, task := range loaded.Packages[0].Tasks {
		shapes[task.Name] = lock.Shape(loaded.Packages[0], task)
	}
	cmd := exec.Command("go", "run", ".")
	cmd.Dir, cmd.Env = m.dir, m.env
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	var problems [][]string // by reader and writer: what went wrong; "" when nothing did
	if err := json.Unmarshal(out, &problems); err != nil {
		t.Fatal(err)
	}
	for r, reader := range declarations {
		for w, writer := range declarations {
			says := lock.Reads(shapes[fmt.Sprintf("T%d", r)], shapes[fmt.Sprintf("T%d", w)])
			switch problem := problems[r][w]; {
			case says && problem != "":
				t.Errorf("%s is said to read %s: %s", reader.field, writer.field, problem)
			case !says && problem == "" && !tooStrict(reader.field, writer.field):
				t.Errorf("%s is said not to read all of %s, which it does", reader.field, writer.field)
			}
		}
	}
}

// readAll is the program that tries every reader on every writer's payloads.
const readAll = `package main

import (
	"bytes"
	"encoding/json"
	"math/big"
	"os"
	"reflect"
)

func payloads[T any](encode func([]byte, *T) ([]byte, error), tasks []T) []string {
	var texts []string
	for i := range tasks {
		text, err := encode(nil, &tasks[i])
		if err != nil {
			panic(err)
		}
		texts = append(texts, string(text))
	}
	return texts
}

func reader[T any](encode func([]byte, *T) ([]byte, error), decode func([]byte, *T) error) func(string) (string, error) {
	return func(payload string) (string, error) {
		var task T
		if err := decode([]byte(payload), &task); err != nil {
			return "", err
		}
		text, err := encode(nil, &task)
		return string(text), err
	}
}

func readAll() {
	problems := make([][]string, len(readers))
	for r, read := range readers {
		for w, payloads := range writers {
			hasField := w < len(writers)-1
			problem := ""
			for _, payload := range payloads {
				again, err := read(payload)
				if err != nil {
					problem = payload + ": " + err.Error()
				} else if !kept(value(payload), value(again), hasField) {
					problem = payload + " is read as " + again
				}
			}
			problems[r] = append(problems[r], problem)
		}
	}
	json.NewEncoder(os.Stdout).Encode(problems)
}

func value(text string) any {
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		panic(err)
	}
	return v
}

// kept reports whether what was written is there again. null and what is left out may have become the empty value.
func kept(written, read any, hasField bool) bool {
	switch w := written.(type) {
	case nil:
		return true
	case json.Number:
		if r, ok := read.(json.Number); ok {
			a, _, errA := big.ParseFloat(w.String(), 10, 2000, big.ToNearestEven)
			b, _, errB := big.ParseFloat(r.String(), 10, 2000, big.ToNearestEven)
			return errA == nil && errB == nil && (a.Cmp(b) == 0 || w == r)
		}
		return false
	case []any:
		r, ok := read.([]any)
		if s, isBytes := read.(string); isBytes {
			var b []byte
			text, _ := json.Marshal(s)
			if json.Unmarshal(text, &b) != nil || len(b) != len(w) {
				return false
			}
			return true
		}
		if !ok || len(r) < len(w) {
			return false
		}
		for i := range w {
			if !kept(w[i], r[i], true) {
				return false
			}
		}
		return true
	case map[string]any:
		r, ok := read.(map[string]any)
		for name, v := range r {
			if _, has := w[name]; !has && hasField && v != json.Number("0") && v != "" && v != nil && v != false && reflect.ValueOf(v).Kind() != reflect.Slice && reflect.ValueOf(v).Kind() != reflect.Map {
				return false
			}
		}
		for name, v := range w {
			if _, has := r[name]; !has {
				continue
			}
			if !kept(v, r[name], true) {
				return false
			}
		}
		return ok
	}
	return reflect.DeepEqual(written, read)
}
`
