package emulator

import (
	"encoding/json"
	"fmt"
	"net/http"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
)

// errorBody is Google's form of an error over REST.
type errorBody struct {
	Error struct {
		Code    int               `json:"code"`
		Message string            `json:"message"`
		Status  string            `json:"status"`
		Details []json.RawMessage `json:"details,omitempty"`
	} `json:"error"`
}

// writeError answers with err, in the form that the caller asked for.
func writeError(w http.ResponseWriter, format answerFormat, err error) {
	st := status.Convert(err)
	httpCode := rules.HTTPStatus(int(st.Code()))
	body, err := encodeError(format, st, httpCode)
	if err != nil { // nothing in it can be encoded: say so plainly
		http.Error(w, fmt.Sprintf("%v; encoding it: %v", st, err), http.StatusInternalServerError)
		return
	}
	writeBody(w, httpCode, format, body)
}

func encodeError(format answerFormat, st *status.Status, httpCode int) ([]byte, error) {
	if format.binary {
		return proto.Marshal(st.Proto())
	}
	var body errorBody
	body.Error.Code = httpCode
	body.Error.Message = st.Message()
	body.Error.Status = code.Code(st.Code()).String()
	for _, detail := range st.Proto().GetDetails() {
		raw, err := protojson.Marshal(detail)
		if err != nil {
			return nil, fmt.Errorf("encoding a detail of type %s: %w", detail.GetTypeUrl(), err)
		}
		body.Error.Details = append(body.Error.Details, raw)
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	return format.layOut(raw)
}
