package cloudtask

import (
	"errors"
	"fmt"
)

// Code is a canonical status code, as gRPC and google.rpc.Code number and spell them. It says why the queue service
// refused a call, and which failures an enqueue retry policy covers.
type Code int

// The canonical codes (google/rpc/code.proto).
const (
	OK                 Code = 0
	Canceled           Code = 1
	Unknown            Code = 2
	InvalidArgument    Code = 3
	DeadlineExceeded   Code = 4
	NotFound           Code = 5
	AlreadyExists      Code = 6
	PermissionDenied   Code = 7
	ResourceExhausted  Code = 8
	FailedPrecondition Code = 9
	Aborted            Code = 10
	OutOfRange         Code = 11
	Unimplemented      Code = 12
	Internal           Code = 13
	Unavailable        Code = 14
	DataLoss           Code = 15
	Unauthenticated    Code = 16
)

var codeNames = [...]string{
	"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
	"PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
	"INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
}

// String returns the code's name as google.rpc.Code spells it, such as "UNAVAILABLE".
func (c Code) String() string {
	if c < 0 || int(c) >= len(codeNames) {
		return fmt.Sprintf("CODE(%d)", int(c))
	}
	return codeNames[c]
}

// ParseCode returns the code of a name as [Code.String] spells it; "CANCELED" is accepted for "CANCELLED".
func ParseCode(name string) (Code, error) {
	if name == "CANCELED" {
		return Canceled, nil
	}
	for i, n := range codeNames {
		if n == name {
			return Code(i), nil
		}
	}
	return Unknown, fmt.Errorf("unknown status code %q: want a gRPC code name such as UNAVAILABLE", name)
}

// StatusError is how a [Backend] reports what the queue service answered. A failure to reach the service at all has
// the code [Unavailable].
type StatusError struct {
	Code    Code
	Message string // the service's own words
	Err     error  // what the backend's client returned, if anything
}

// Error returns the code's name and the service's message.
func (e *StatusError) Error() string { return e.Code.String() + ": " + e.Message }

// Unwrap returns the error of the backend's client.
func (e *StatusError) Unwrap() error { return e.Err }

// StatusOf returns the code of the first [StatusError] in err's tree; [OK] for nil and [Unknown] where there is none.
func StatusOf(err error) Code {
	if err == nil {
		return OK
	}
	if status, ok := errors.AsType[*StatusError](err); ok {
		return status.Code
	}
	return Unknown
}
