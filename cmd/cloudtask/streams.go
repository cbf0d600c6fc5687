package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// streams are the standard streams of the process.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// interactive reports whether there is somebody to ask.
func (s streams) interactive() bool { return isTerminal(s.in) && isTerminal(s.err) }

// ask prints the prompt and returns the line that is typed, without its end.
func (s streams) ask(ctx context.Context, prompt string) (string, error) {
	fmt.Fprint(s.err, prompt)
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(s.in).ReadString('\n') // the end of the input is an empty answer
		answer <- strings.TrimSpace(line)
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(s.err)
		return "", errInterrupted
	case line := <-answer:
		return line, nil
	}
}

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
	if !isTerminal(stream) || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return func(_ style, text string) string { return text }
	}
	return func(s style, text string) string {
		if s == plain || text == "" {
			return text
		}
		return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
	}
}
