package emulator

import (
	"encoding/json"
	"fmt"
	"net/http"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// httpStatus is the HTTP status of an error, as google.rpc.Code says.
func httpStatus(c codes.Code) int {
	switch c {
	case codes.OK:
		return http.StatusOK
	case codes.Canceled:
		return 499 // client closed request
	case codes.InvalidArgument, codes.FailedPrecondition, codes.OutOfRange:
		return http.StatusBadRequest
	case codes.DeadlineExceeded:
		return http.StatusGatewayTimeout
	case codes.NotFound:
		return http.StatusNotFound
	case codes.AlreadyExists, codes.Aborted:
		return http.StatusConflict
	case codes.PermissionDenied:
		return http.StatusForbidden
	case codes.Unauthenticated:
		return http.StatusUnauthorized
	case codes.ResourceExhausted:
		return http.StatusTooManyRequests
	case codes.Unimplemented:
		return http.StatusNotImplemented
	case codes.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError // UNKNOWN, INTERNAL, DATA_LOSS
}

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
	httpCode := httpStatus(st.Code())
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
