package main

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/bytedance/sonic"
	sonicencoder "github.com/bytedance/sonic/encoder"
	goccy "github.com/goccy/go-json"
	jsoniter "github.com/json-iterator/go"
	"github.com/mailru/easyjson"
	"github.com/mailru/easyjson/jlexer"
	"github.com/mailru/easyjson/jwriter"
	segmentio "github.com/segmentio/encoding/json"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/taskjson"
)

// A peer is a JSON package. Where it has a choice it is set to encode as we do: keys of maps sorted, nothing escaped for
// HTML, into a buffer that is used again; but encoding/json, which all are compared with, is json.Marshal as it comes.
type peer struct {
	name      string
	unmarshal func(data []byte, v any) error
	marshal   func() func(v any) ([]byte, error) // what is returned may use one buffer again and again
}

const (
	ours   = "cloudtaskgen"
	byHand = "by hand" // package byhand: no peer, but how fast a codec can be
)

// libraries are the peers that need no generated code.
func libraries() []peer {
	jsoniter := jsoniter.Config{SortMapKeys: true}.Froze()
	peers := []peer{
		{"encoding/json", json.Unmarshal, marshalJSON},
		{"goccy/go-json", goccy.Unmarshal, func() func(v any) ([]byte, error) {
			return func(v any) ([]byte, error) { return goccy.MarshalWithOption(v, goccy.DisableHTMLEscape()) }
		}},
		{"segmentio/encoding", segmentio.Unmarshal, func() func(v any) ([]byte, error) {
			var buf []byte
			return func(v any) (_ []byte, err error) {
				buf, err = segmentio.Append(buf[:0], v, segmentio.SortMapKeys)
				return buf, err
			}
		}},
		{"json-iterator", jsoniter.Unmarshal, func() func(v any) ([]byte, error) {
			return func(v any) ([]byte, error) {
				stream := jsoniter.BorrowStream(nil)
				defer jsoniter.ReturnStream(stream)
				stream.WriteVal(v)
				return stream.Buffer(), stream.Error
			}
		}},
		{"bytedance/sonic", sonic.Unmarshal, func() func(v any) ([]byte, error) {
			var buf []byte
			return func(v any) ([]byte, error) {
				buf = buf[:0]
				err := sonicencoder.EncodeInto(&buf, v, sonicencoder.SortMapKeys)
				return buf, err
			}
		}},
	}
	return append(peers, experimental()...)
}

func marshalJSON() func(v any) ([]byte, error) { return json.Marshal }

// easyJSON is easyjson, whose types have generated methods.
func easyJSON() peer {
	return peer{
		name: "easyjson",
		unmarshal: func(data []byte, v any) error {
			if u, ok := v.(easyjson.Unmarshaler); ok {
				return easyjson.Unmarshal(data, u)
			}
			lexer := jlexer.Lexer{Data: data}
			*v.(*any) = lexer.Interface()
			lexer.Consumed()
			return lexer.Error()
		},
		marshal: func() func(v any) ([]byte, error) {
			var buf []byte
			return func(v any) ([]byte, error) {
				w := jwriter.Writer{NoEscapeHTML: true}
				w.Buffer.Buf = buf[:0]
				v.(easyjson.Marshaler).MarshalEasyJSON(&w)
				b, err := w.BuildBytes(buf[:0])
				buf = b
				return b, err
			}
		},
	}
}

// unmarshalOurs reads any JSON as the generated codecs do.
func unmarshalOurs(data []byte, v any) error {
	d := taskjson.NewDecoder(bytes.TrimLeft(data, " \t\r\n")) // which only objects expect before them
	d.Any(v.(*any))
	return d.Finish()
}

func must(err error) {
	if err != nil {
		panic(fmt.Sprint("bench: ", err))
	}
}
