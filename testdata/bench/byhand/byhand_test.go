package byhand_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/cloudtaskgen/cloudtaskgen/testdata/bench/byhand"
	"github.com/cloudtaskgen/cloudtaskgen/testdata/codec/payloads"
)

// A pair is a codec by hand beside the generated one.
type pair struct {
	name   string
	data   []byte
	decode func(data []byte) (byHand, generated any, byHandErr, generatedErr error)
	append func(v any) (byHand, generated []byte, byHandErr, generatedErr error)
}

func pairOf[T any](name string, sample *T, appendT, appendHand func([]byte, *T) ([]byte, error), decodeT, decodeHand func([]byte, *T) error) pair {
	data, err := appendT(nil, sample)
	if err != nil {
		panic(err)
	}
	p := pair{name: name, data: data}
	p.decode = func(data []byte) (any, any, error, error) {
		a, b := new(T), new(T)
		errA, errB := decodeHand(data, a), decodeT(data, b)
		return a, b, errA, errB
	}
	p.append = func(v any) ([]byte, []byte, error, error) {
		a, errA := appendHand([]byte("before"), v.(*T))
		b, errB := appendT([]byte("before"), v.(*T))
		return a, b, errA, errB
	}
	return p
}

func pairs() []pair {
	document := payloads.NewDocument()
	document.Sections = document.Sections[:7]
	return []pair{
		pairOf("tiny", payloads.NewTiny(), payloads.AppendTiny, byhand.AppendTiny, payloads.DecodeTiny, byhand.DecodeTiny),
		pairOf("order", payloads.NewOrder(), payloads.AppendOrder, byhand.AppendOrder, payloads.DecodeOrder, byhand.DecodeOrder),
		pairOf("ids", &payloads.IDs{IDs: payloads.NewIDs().IDs[:20]}, payloads.AppendIDs, byhand.AppendIDs, payloads.DecodeIDs, byhand.DecodeIDs),
		pairOf("document", document, payloads.AppendDocument, byhand.AppendDocument, payloads.DecodeDocument, byhand.DecodeDocument),
		pairOf("mixed", payloads.NewMixed(), payloads.AppendMixed, byhand.AppendMixed, payloads.DecodeMixed, byhand.DecodeMixed),
	}
}

// check compares both codecs on a payload.
func (p pair) check(t *testing.T, data []byte) (decoded bool) {
	t.Helper()
	a, b, errA, errB := p.decode(data)
	if (errA == nil) != (errB == nil) {
		t.Fatalf("%s\nerror by hand is %v, generated %v", data, errA, errB)
	}
	if errA != nil {
		return false
	}
	if !reflect.DeepEqual(a, b) {
		t.Fatalf("%s\nis by hand\n%+v, generated\n%+v", data, a, b)
	}
	jsonA, jsonB, errA, errB := p.append(a)
	if (errA == nil) != (errB == nil) || string(jsonA) != string(jsonB) {
		t.Fatalf("%+v is by hand\n%s, %v, generated\n%s, %v", a, jsonA, errA, jsonB, errB)
	}
	return true
}

// TestSame checks that what is compared does the same work: pieces of payloads are moved, doubled, dropped and replaced.
func TestSame(t *testing.T) {
	t.Parallel()
	for _, p := range pairs() {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			p.check(t, p.data)
			decoded := 0
			for seed := range uint64(100_000) {
				if p.check(t, mutate(p.data, rand.New(rand.NewPCG(seed, 0)))) {
					decoded++
				}
			}
			if decoded < 5000 {
				t.Errorf("only %d payloads could be decoded", decoded)
			}
		})
	}
}

func mutate(data []byte, rng *rand.Rand) []byte {
	data = slices.Clone(data)
	pieces := []string{"", " ", "\n", ",", ":", "{", "}", "[", "]", `"`, "null", "true", "0", "-0", "-1", "1.5", "1e2", "1e400", "4294967296", "1.0e-7",
		"123456789012345678", "9223372036854775807", "99999999999999999999", "01", "1.", "-", "[]", "{}", "[null]", `""`, `"\u0061"`, `"\ud800"`, `"\ud83d\ude00"`,
		`\`, `\n`, `\u00`, "\x01", "\xff", "\xe2\x80\xa8", "é", "日本", "😀", "\xed\xa0\x80", `"zz":[{"q":1}],`, `"id":1,`, `"message":"x",`, "[1,2]"}
	for range 1 + rng.IntN(2) {
		i := rng.IntN(len(data) + 1)
		j := min(len(data), i+rng.IntN(1+rng.IntN(20)))
		piece := []byte(pieces[rng.IntN(len(pieces))])
		switch rng.IntN(4) {
		case 0:
			data = slices.Replace(data, i, j, piece...)
		case 1:
			data = slices.Insert(data, i, slices.Clone(data[i:j])...)
		case 2:
			at := max(0, slices.Index(data[i:], ':')) + i
			end := at + 1
			for end < len(data) && data[end] != ',' && data[end] != '}' && data[end] != ']' {
				end++
			}
			data = slices.Replace(data, min(at+1, len(data)), min(end, len(data)), piece...)
		default:
			data = slices.Insert(data, i, piece...)
		}
	}
	return data
}

// TestSuite puts every file of JSONTestSuite where any JSON may stand.
func TestSuite(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../JSONTestSuite/test_parsing/*.json")
	if err != nil || len(files) < 300 {
		t.Fatalf("found %d files, error %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range pairs() {
			p.check(t, text)
			p.check(t, slices.Concat(p.data[:len(p.data)-1], []byte(`,"unknown":`), text, []byte("}")))
			p.check(t, slices.Concat([]byte(`{"raw":`), text, []byte(","), p.data[1:]))
		}
	}
}

// TestErrors checks that errors leave dst as it was and say where.
func TestErrors(t *testing.T) {
	t.Parallel()
	order := payloads.NewOrder()
	zero := 0.0
	order.Items[3].Price = 1 / zero
	dst, err := byhand.AppendOrder([]byte("old"), order)
	if want := "payload.items[3].price: +Inf cannot be encoded as JSON"; string(dst) != "old" || err == nil || err.Error() != want {
		t.Errorf("appended %q, error %v", dst, err)
	}
	err = byhand.DecodeOrder([]byte(`{"id":"","customer":{"id":1,"name":2}}`), order)
	if want := "payload.customer.name: expected a string, offset 35"; err == nil || err.Error() != want {
		t.Errorf("error is %v", err)
	}
}
