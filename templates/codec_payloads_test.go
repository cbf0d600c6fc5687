package templates_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/testdata/codec/payloads"
)

// A measured is a payload that the codecs are measured with; testdata/bench compares them with other packages.
type measured struct {
	name   string
	data   []byte
	append func(dst []byte) ([]byte, error)
	decode func(data []byte) (any, error)
	std    func() (any, error) // what encoding/json decodes
	allocs float64             // of decoding: one for each string, slice, map and pointer, and one for unquoting
}

func measure[T any](name string, sample *T, appendT func([]byte, *T) ([]byte, error), decodeT func([]byte, *T) error, allocs float64) measured {
	m := measured{name: name, allocs: allocs}
	m.append = func(dst []byte) ([]byte, error) { return appendT(dst, sample) }
	data, err := m.append(nil)
	if err != nil {
		panic(err)
	}
	m.data = data
	into, stdInto := new(T), new(T)
	m.decode = func(data []byte) (any, error) { return into, decodeT(data, into) }
	m.std = func() (any, error) {
		*stdInto = *new(T)
		return stdInto, json.Unmarshal(data, stdInto)
	}
	return m
}

func measuredPayloads() []measured {
	return []measured{
		measure("tiny", payloads.NewTiny(), payloads.AppendTiny, payloads.DecodeTiny, 2),
		measure("order", payloads.NewOrder(), payloads.AppendOrder, payloads.DecodeOrder, 29),
		measure("ids", payloads.NewIDs(), payloads.AppendIDs, payloads.DecodeIDs, 2),
		measure("document", payloads.NewDocument(), payloads.AppendDocument, payloads.DecodeDocument, 640),
		measure("mixed", payloads.NewMixed(), payloads.AppendMixed, payloads.DecodeMixed, 8),
	}
}

// TestPayloads checks what the measured payloads decode into, and that the codecs allocate nothing but the values.
func TestPayloads(t *testing.T) {
	for _, m := range measuredPayloads() {
		t.Run(m.name, func(t *testing.T) {
			got, err := m.decode(m.data)
			if err != nil {
				t.Fatal(err)
			}
			want, err := m.std()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if n := testing.AllocsPerRun(50, func() { m.decode(m.data) }); n > m.allocs {
				t.Errorf("decoding allocates %v times, want at most %v", n, m.allocs)
			}
			buf := make([]byte, 0, len(m.data)+64)
			if n := testing.AllocsPerRun(50, func() { m.append(buf) }); n > 0 {
				t.Errorf("appending allocates %v times", n)
			}
		})
	}
}

// TestCodecLines checks that the codec of a struct of eight fields is short.
func TestCodecLines(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("../testdata/codec/payloads/cloudtask_gen.go")
	if err != nil {
		t.Fatal(err)
	}
	functions := regexp.MustCompile(`(?ms)^func (append|decode)Order\(.*?^}`).FindAllString(string(source), -1)
	code := strings.Join(functions, "\n")
	if fields, lines := strings.Count(code, "case "), strings.Count(code, "\n")+1; len(functions) != 2 || fields != 8 || lines >= 40 {
		t.Errorf("%d functions, %d lines for %d fields", len(functions), lines, fields)
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, m := range measuredPayloads() {
		b.Run(m.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(m.data)))
			for b.Loop() {
				if _, err := m.decode(m.data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, m := range measuredPayloads() {
		b.Run(m.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(m.data)))
			buf := make([]byte, 0, len(m.data)+64)
			for b.Loop() {
				if _, err := m.append(buf); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
