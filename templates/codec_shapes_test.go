package templates_test

import (
	"encoding/binary"
	"math/rand/v2"
	"reflect"
	"testing"
)

// TestShapes compares the codecs of structs of random shapes with encoding/json, in both directions.
func TestShapes(t *testing.T) {
	t.Parallel()
	for _, r := range shapeRows {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			encoded := 0
			for seed := range uint64(60) {
				rng := newRand(seed)
				payload := r.new()
				fill(reflect.ValueOf(payload).Elem(), rng, 1)
				if data := r.compareAppend(t, payload); data != nil {
					encoded++
					r.compareDecode(t, data)
					r.compareDecode(t, mutate(data, rng))
					r.compareRewritten(t, data, rng)
				}
			}
			if encoded == 0 {
				t.Error("none of the values could be encoded")
			}
		})
	}
}

// The shape is chosen by the first argument.

func FuzzDecodeShapes(f *testing.F) {
	for i, r := range shapeRows {
		for seed := range uint64(3) {
			payload := r.new()
			fill(reflect.ValueOf(payload).Elem(), newRand(seed), 2)
			if data, err := marshal(payload); err == nil {
				f.Add(uint8(i), data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, shape uint8, data []byte) {
		shapeRows[int(shape)%len(shapeRows)].compareDecode(t, data)
	})
}

func FuzzAppendShapes(f *testing.F) {
	for i := range shapeRows {
		f.Add(uint8(i), binary.LittleEndian.AppendUint64(nil, uint64(i)))
	}
	f.Fuzz(func(t *testing.T, shape uint8, choices []byte) {
		r := shapeRows[int(shape)%len(shapeRows)]
		payload := r.new()
		fill(reflect.ValueOf(payload).Elem(), rand.New(&bytesSource{choices: choices}), 1)
		if data := r.compareAppend(t, payload); data != nil {
			r.compareDecode(t, data)
		}
	})
}
