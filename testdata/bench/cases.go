package main

import (
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/cloudtaskgen/cloudtaskgen/testdata/bench/byhand"
	"github.com/cloudtaskgen/cloudtaskgen/testdata/bench/easy"
	"github.com/cloudtaskgen/cloudtaskgen/testdata/codec/payloads"
)

// cases returns what is measured: every payload decoded, and appended to a buffer that has room.
func cases() []comparison {
	var decode, encode []comparison
	add := func(d, e comparison) { decode, encode = append(decode, d), append(encode, e) }
	add(compareOn[easy.Tiny]("tiny", payloads.NewTiny(), codec[payloads.Tiny]{payloads.AppendTiny, payloads.DecodeTiny}, codec[payloads.Tiny]{byhand.AppendTiny, byhand.DecodeTiny}))
	add(compareOn[easy.Order]("order", payloads.NewOrder(), codec[payloads.Order]{payloads.AppendOrder, payloads.DecodeOrder}, codec[payloads.Order]{byhand.AppendOrder, byhand.DecodeOrder}))
	add(compareOn[easy.IDs]("ids", payloads.NewIDs(), codec[payloads.IDs]{payloads.AppendIDs, payloads.DecodeIDs}, codec[payloads.IDs]{byhand.AppendIDs, byhand.DecodeIDs}))
	add(compareOn[easy.Document]("document", payloads.NewDocument(), codec[payloads.Document]{payloads.AppendDocument, payloads.DecodeDocument}, codec[payloads.Document]{byhand.AppendDocument, byhand.DecodeDocument}))
	add(compareOn[easy.Mixed]("mixed", payloads.NewMixed(), codec[payloads.Mixed]{payloads.AppendMixed, payloads.DecodeMixed}, codec[payloads.Mixed]{byhand.AppendMixed, byhand.DecodeMixed}))
	return append(decode, encode...)
}

// A codec is a pair of functions for T.
type codec[T any] struct {
	append func(dst []byte, v *T) ([]byte, error)
	decode func(data []byte, v *T) error
}

// compareOn compares on a sample. E is T with the methods of easyjson.
func compareOn[E, T any](name string, sample *T, generated, hand codec[T]) (decode, encode comparison) {
	data, err := generated.append(nil, sample)
	must(err)
	easySample := new(E)
	must(json.Unmarshal(data, easySample))
	decode = comparison{name: "decode " + name, bytes: len(data)}
	encode = comparison{name: "append " + name, bytes: len(data)}
	for _, p := range libraries() {
		decode.peers = append(decode.peers, decoding(p, p.unmarshal, data, sample))
		encode.peers = append(encode.peers, appending(p, data, sample))
	}
	decode.peers = append(decode.peers, decoding(easyJSON(), easyJSON().unmarshal, data, easySample))
	encode.peers = append(encode.peers, appending(easyJSON(), data, easySample))
	// These two last, next to each other: they are compared with each other, too.
	hand.contend(byHand, data, sample, &decode, &encode)
	generated.contend(ours, data, sample, &decode, &encode)
	return decode, encode
}

// contend adds the codec to both comparisons.
func (c codec[T]) contend(name string, data []byte, sample *T, decode, encode *comparison) {
	var buf []byte
	p := peer{name: name, marshal: func() func(v any) ([]byte, error) {
		return func(v any) (_ []byte, err error) {
			buf, err = c.append(buf[:0], v.(*T))
			return buf, err
		}
	}}
	decode.peers = append(decode.peers, decoding(p, func(data []byte, v any) error { return c.decode(data, v.(*T)) }, data, sample))
	encode.peers = append(encode.peers, appending(p, data, sample))
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
