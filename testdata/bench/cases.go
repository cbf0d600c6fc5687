package main

import (
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/cloudtaskgen/cloudtaskgen/testdata/bench/easy"
	"github.com/cloudtaskgen/cloudtaskgen/testdata/codec/payloads"
)

// cases returns what is measured: every payload decoded, and appended to a buffer that has room.
func cases() []comparison {
	var decode, encode []comparison
	add := func(d, e comparison) { decode, encode = append(decode, d), append(encode, e) }
	add(compareOn[easy.Tiny]("tiny", payloads.NewTiny(), payloads.AppendTiny, payloads.DecodeTiny))
	add(compareOn[easy.Order]("order", payloads.NewOrder(), payloads.AppendOrder, payloads.DecodeOrder))
	add(compareOn[easy.IDs]("ids", payloads.NewIDs(), payloads.AppendIDs, payloads.DecodeIDs))
	add(compareOn[easy.Document]("document", payloads.NewDocument(), payloads.AppendDocument, payloads.DecodeDocument))
	add(compareOn[easy.Mixed]("mixed", payloads.NewMixed(), payloads.AppendMixed, payloads.DecodeMixed))
	return append(decode, encode...)
}

// compareOn compares on a sample. E is T with the methods of easyjson.
func compareOn[E, T any](name string, sample *T, appendT func([]byte, *T) ([]byte, error), decodeT func([]byte, *T) error) (decode, encode comparison) {
	data, err := appendT(nil, sample)
	must(err)
	easySample := new(E)
	must(json.Unmarshal(data, easySample))
	decode = comparison{name: "decode " + name, bytes: len(data)}
	encode = comparison{name: "append " + name, bytes: len(data)}
	for _, p := range libraries() {
		decode.peers = append(decode.peers, decoding(p, p.unmarshal, data, sample))
		encode.peers = append(encode.peers, appending(p, data, sample))
	}
	decode.peers = append(decode.peers,
		decoding(easyJSON(), easyJSON().unmarshal, data, easySample),
		decoding(peer{name: ours}, func(data []byte, v any) error { return decodeT(data, v.(*T)) }, data, sample))
	var buf []byte
	us := peer{name: ours, marshal: func() func(v any) ([]byte, error) {
		return func(v any) (_ []byte, err error) {
			buf, err = appendT(buf[:0], v.(*T))
			return buf, err
		}
	}}
	encode.peers = append(encode.peers, appending(easyJSON(), data, easySample), appending(us, data, sample))
	return decode, encode
}

// decoding checks that a peer decodes data into want, and returns that as a contender.
func decoding[T any](p peer, unmarshal func(data []byte, v any) error, data []byte, want *T) contender {
	var zero T
	v := new(T)
	do := func() {
		*v = zero
		must(unmarshal(data, v))
	}
	do()
	if !reflect.DeepEqual(v, want) {
		must(fmt.Errorf("%s decodes %s into %+v", p.name, data, v))
	}
	return contender{p.name, do}
}

// appending checks that a peer encodes v as data, whatever the order and the spelling, and returns that as a contender.
func appending(p peer, data []byte, v any) contender {
	marshal := p.marshal()
	do := func() {
		_, err := marshal(v)
		must(err)
	}
	got, err := marshal(v)
	must(err)
	if string(got) != string(data) {
		var a, b any
		must(json.Unmarshal(data, &a))
		must(json.Unmarshal(got, &b))
		if !reflect.DeepEqual(a, b) {
			must(fmt.Errorf("%s encodes %s as %s", p.name, data, got))
		}
	}
	return contender{p.name, do}
}
