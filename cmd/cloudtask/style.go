package main

import (
	"io"
	"os"

	"github.com/cloudtaskgen/cloudtaskgen/cmd/internal/cli"
)

// style is how text looks on a terminal: the parameters of ANSI's SGR sequence.
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

// paint returns a function that styles text for the stream: only on a terminal, and not where NO_COLOR
// (https://no-color.org) or a terminal without colours says otherwise.
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
