package templates_test

import (
	"encoding/binary"
	"math/rand/v2"
	"reflect"
	"testing"
)

// Each family of field types has two fuzz targets: one decodes whatever bytes, the other encodes values made from them.
// Both compare with encoding/json.

func FuzzDecodeScalars(f *testing.F)  { fuzzDecode(f, rowNamed("scalars")) }
func FuzzDecodeLists(f *testing.F)    { fuzzDecode(f, rowNamed("lists")) }
func FuzzDecodeMaps(f *testing.F)     { fuzzDecode(f, rowNamed("maps")) }
func FuzzDecodePointers(f *testing.F) { fuzzDecode(f, rowNamed("pointers")) }
func FuzzDecodeStructs(f *testing.F)  { fuzzDecode(f, rowNamed("structs")) }
func FuzzDecodeEmbeds(f *testing.F)   { fuzzDecode(f, rowNamed("embeds")) }
func FuzzDecodeOptions(f *testing.F)  { fuzzDecode(f, rowNamed("options")) }
func FuzzDecodeQuoted(f *testing.F)   { fuzzDecode(f, rowNamed("quoted")) }
func FuzzDecodeDynamic(f *testing.F)  { fuzzDecode(f, rowNamed("dynamic")) }
func FuzzDecodeCustoms(f *testing.F)  { fuzzDecode(f, rowNamed("customs")) }
func FuzzDecodeCareless(f *testing.F) { fuzzDecode(f, rowNamed("careless")) }
func FuzzDecodeOrder(f *testing.F)    { fuzzDecode(f, rowNamed("order")) }
func FuzzDecodeDefaults(f *testing.F) { fuzzDecode(f, rowNamed("defaults")) }

func FuzzAppendScalars(f *testing.F)  { fuzzAppend(f, rowNamed("scalars")) }
func FuzzAppendLists(f *testing.F)    { fuzzAppend(f, rowNamed("lists")) }
func FuzzAppendMaps(f *testing.F)     { fuzzAppend(f, rowNamed("maps")) }
func FuzzAppendPointers(f *testing.F) { fuzzAppend(f, rowNamed("pointers")) }
func FuzzAppendStructs(f *testing.F)  { fuzzAppend(f, rowNamed("structs")) }
func FuzzAppendEmbeds(f *testing.F)   { fuzzAppend(f, rowNamed("embeds")) }
func FuzzAppendOptions(f *testing.F)  { fuzzAppend(f, rowNamed("options")) }
func FuzzAppendQuoted(f *testing.F)   { fuzzAppend(f, rowNamed("quoted")) }
func FuzzAppendDynamic(f *testing.F)  { fuzzAppend(f, rowNamed("dynamic")) }
func FuzzAppendCustoms(f *testing.F)  { fuzzAppend(f, rowNamed("customs")) }
func FuzzAppendCareless(f *testing.F) { fuzzAppend(f, rowNamed("careless")) }
func FuzzAppendOrder(f *testing.F)    { fuzzAppend(f, rowNamed("order")) }
func FuzzAppendDefaults(f *testing.F) { fuzzAppend(f, rowNamed("defaults")) }

func fuzzDecode(f *testing.F, r row) {
	zero, err := r.append(nil, r.new())
	if err == nil {
		f.Add(zero)
	}
	for seed := range uint64(20) {
		payload := r.new()
		fill(reflect.ValueOf(payload).Elem(), newRand(seed), 2)
		if data, err := marshal(payload); err == nil {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) { r.compareDecode(t, data) })
}

func fuzzAppend(f *testing.F, r row) {
	for seed := range uint64(20) {
		f.Add(binary.LittleEndian.AppendUint64(nil, seed))
	}
	f.Fuzz(func(t *testing.T, choices []byte) {
		payload := r.new()
		fill(reflect.ValueOf(payload).Elem(), rand.New(&bytesSource{choices: choices}), 0)
		if data := r.compareAppend(t, payload); data != nil {
			r.compareDecode(t, data)
		}
	})
}

// bytesSource lets fuzz input make the choices of fill; when it has run out, an ordinary generator goes on.
type bytesSource struct {
	choices []byte
	rest    *rand.PCG
}

func (s *bytesSource) Uint64() uint64 {
	if len(s.choices) >= 8 {
		n := binary.LittleEndian.Uint64(s.choices)
		s.choices = s.choices[8:]
		return n
	}
	if s.rest == nil {
		s.rest = rand.NewPCG(0, 0)
		for _, c := range s.choices {
			s.rest = rand.NewPCG(s.rest.Uint64(), uint64(c))
		}
	}
	return s.rest.Uint64()
}
