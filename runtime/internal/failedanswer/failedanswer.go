// Package failedanswer is the body of the answer by which a handler tells an embedded queue why a run failed. A queue in
// production gets nothing but its first member.
package failedanswer

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// MaxSize is the most bytes that a body has.
const MaxSize = 8 << 10

// prefix begins every body that says why.
const prefix = `{"status":"failed","error":`

type body struct {
	Status string `json:"status"`
	Error  string `json:"error"`
	Stack  string `json:"stack,omitempty"`
}

// Encode returns the body for an error and, after a panic, its stack. What is too long is cut.
func Encode(err, stack string) []byte {
	const (
		maxError = 2 << 10
		maxStack = MaxSize - maxError - len(prefix+`"","stack":""}`)
	)
	out, marshalErr := json.Marshal(body{"failed", fit(err, maxError), fit(fromPanic(stack), maxStack)})
	if marshalErr != nil { // of strings: never
		return []byte(`{"status":"failed"}`)
	}
	return out
}

// Decode returns what a body says. It is not ok unless the body says why a run failed.
func Decode(text string) (err, stack string, ok bool) {
	var b body
	if !Is(text) || json.Unmarshal([]byte(text), &b) != nil {
		return "", "", false
	}
	return b.Error, b.Stack, true
}

// Is reports whether a response's body, or the beginning of one, is such a body.
func Is[T string | []byte](text T) bool {
	return len(text) >= len(prefix) && string(text[:len(prefix)]) == prefix
}

// fromPanic returns a stack without the frames above the one that panicked, which are those of its recovery.
func fromPanic(stack string) string {
	header, frames, _ := strings.Cut(stack, "\n")
	if _, rest, found := strings.Cut(frames, "\npanic("); found {
		if lines := strings.SplitN(rest, "\n", 3); len(lines) == 3 { // of panic itself: the function and its place
			return header + "\n" + lines[2]
		}
	}
	return stack
}

// fit returns a text, or the beginning of it, that has no more bytes in JSON than that.
func fit(text string, most int) string {
	const mark = "…"
	size, end := 0, 0 // where a text that is too long is cut
	for i, r := range text {
		if size <= most-len(mark) {
			end = i
		}
		if size += sizeInJSON(r); size > most {
			return text[:end] + mark
		}
	}
	return text
}

// sizeInJSON returns how many bytes a character of a JSON string takes, or a few more.
func sizeInJSON(r rune) int {
	switch r {
	case '"', '\\', '\n', '\r', '\t':
		return 2
	case '<', '>', '&', '\u2028', '\u2029', utf8.RuneError:
		return 6
	}
	if r < ' ' {
		return 6
	}
	return utf8.RuneLen(r)
}
