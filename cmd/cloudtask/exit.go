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

// Exit codes besides those of cli, which docs/command.md promises to scripts.
const (
	exitNotFound = 3
	exitDeclined = 4
)

var (
	errDeclined = errors.New("nothing was changed")
	errNotAsked = errors.New("standard input is not a terminal: pass -yes to confirm")
)

// notFoundError is the absence of what an argument names.
type notFoundError struct{ error }

func exitCode(err error) int {
	var missing notFoundError
	switch {
	case errors.Is(err, errNotAsked):
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

// callError says what a call to the queue service was for and what it answered, in the service's words.
type callError struct {
	what string
	err  error
}

func (e *callError) Error() string {
	st := status.Convert(e.err)
	return fmt.Sprintf("%s: %s: %s", e.what, cloudtask.Code(st.Code()), st.Message())
}

func (e *callError) Unwrap() error { return e.err }

// GRPCStatus lets status.Code see through it.
func (e *callError) GRPCStatus() *status.Status { return status.Convert(e.err) }

// failed wraps the error of a call; one that came of the user's Ctrl-C says just that.
func failed(ctx context.Context, err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return cli.ErrInterrupted
	}
	return &callError{fmt.Sprintf(format, args...), err}
}
