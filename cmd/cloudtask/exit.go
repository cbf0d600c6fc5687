package main

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cloudtaskgen/cloudtaskgen/cmd/internal/cli"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

// Exit codes in addition to those of cli. docs/command.md documents them for scripts.
const (
	exitNotFound = 3
	exitDeclined = 4
)

var (
	errDeclined  = errors.New("not confirmed: nothing was changed")
	errCannotAsk = errors.New("standard input is not a terminal: pass -yes to confirm")
)

// notFoundError reports that what an argument names does not exist.
type notFoundError struct{ error }

func exitCode(err error) int {
	var missing notFoundError
	switch {
	case errors.Is(err, errCannotAsk):
		return cli.ExitUsage
	case errors.Is(err, cli.ErrInterrupted):
		return cli.ExitInterrupted
	case errors.Is(err, errDeclined):
		return exitDeclined
	case errors.As(err, &missing), status.Code(err) == codes.NotFound:
		return exitNotFound
	}
	return cli.ExitFailed
}

// callError is an error response of the queue service, with what was being done.
type callError struct {
	what string
	err  error
}

func (e *callError) Error() string {
	st := status.Convert(e.err)
	return fmt.Sprintf("%s: %s: %s", e.what, cloudtask.Code(st.Code()), st.Message())
}

func (e *callError) Unwrap() error { return e.err }

// GRPCStatus implements the interface that status.Code looks for.
func (e *callError) GRPCStatus() *status.Status { return status.Convert(e.err) }

// wrapCall wraps the error of a call in a callError, nil if err is nil. If the user has interrupted the call, it returns
// cli.ErrInterrupted.
func wrapCall(ctx context.Context, err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return cli.ErrInterrupted
	}
	return &callError{fmt.Sprintf(format, args...), err}
}
