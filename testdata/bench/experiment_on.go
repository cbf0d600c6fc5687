//go:build goexperiment.jsonv2

package main

import (
	"encoding/json/jsontext"
	jsonv2 "encoding/json/v2"
	"errors"
)

func experimental() []peer {
	return []peer{{
		name:      v2,
		unmarshal: func(data []byte, v any) error { return jsonv2.Unmarshal(data, v) },
		marshal: func() func(v any) ([]byte, error) {
			var buf buffer
			return func(v any) ([]byte, error) {
				buf = buf[:0]
				err := jsonv2.MarshalWrite(&buf, v, jsonv2.Deterministic(true), jsontext.AllowInvalidUTF8(true))
				return buf, err
			}
		},
	}}
}

// buffer is an io.Writer that keeps what is written.
type buffer []byte

func (b *buffer) Write(p []byte) (int, error) {
	*b = append(*b, p...)
	return len(p), nil
}

func experiment(settings) (map[string]experimentResult, error) {
	return nil, errors.New("build without GOEXPERIMENT=jsonv2: the program runs itself with it")
}
