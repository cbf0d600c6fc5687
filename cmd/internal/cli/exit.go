package cli

import (
	"errors"
	"fmt"
)

// Exit codes shared by all programs. A program may define more.
const (
	ExitOK          = 0
	ExitFailed      = 1
	ExitUsage       = 2
	ExitInterrupted = 130 // 128 + SIGINT, as in shells
)

// UsageError reports an invalid command line.
type UsageError struct{ error }

// BadUsage formats a UsageError.
func BadUsage(format string, args ...any) error { return UsageError{fmt.Errorf(format, args...)} }

// AsUsage wraps err in a UsageError.
func AsUsage(err error) error { return UsageError{err} }

func (e UsageError) Unwrap() error { return e.error }

// Exit is an error that makes the program exit with this code and print nothing, because the command has already printed
// everything there is to say.
type Exit int

func (e Exit) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// ErrInterrupted is returned by commands that Ctrl-C has interrupted.
var ErrInterrupted = errors.New("interrupted")
