package cli

import (
	"errors"
	"fmt"
)

// Exit codes that all programs share. Others are a program's own.
const (
	ExitOK          = 0
	ExitFailed      = 1
	ExitUsage       = 2
	ExitInterrupted = 130 // 128 + SIGINT, as shells have it
)

// UsageError is a mistake on the command line.
type UsageError struct{ error }

// BadUsage returns a UsageError.
func BadUsage(format string, args ...any) error { return UsageError{fmt.Errorf(format, args...)} }

// AsUsage returns err as a UsageError.
func AsUsage(err error) error { return UsageError{err} }

func (e UsageError) Unwrap() error { return e.error }

// Exit is an error that ends the program with this exit code and prints nothing: the command has said everything.
type Exit int

func (e Exit) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// ErrInterrupted is the end of a command by Ctrl-C.
var ErrInterrupted = errors.New("interrupted")
