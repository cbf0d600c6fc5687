package main

import (
	"io"
	"os"

	"github.com/cloudtaskgen/cloudtaskgen/cmd/internal/cli"
)

// style is how text looks on a terminal, as the parameters of an ANSI SGR sequence.
type style string

const (
	plain  style = ""
	bold   style = "1"
	dim    style = "2"
	red    style = "31"
	green  style = "32"
	yellow style = "33"
	alarm  style = "1;31"
)

// paint returns a function that styles text for the stream. It leaves text as it is unless the stream is a terminal with colours,
// and if NO_COLOR is set (https://no-color.org).
func paint(stream io.Writer) func(style, string) string {
	if !cli.IsTerminal(stream) || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return func(_ style, text string) string { return text }
	}
	return func(s style, text string) string {
		if s == plain || text == "" {
			return text
		}
		return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
	}
}
