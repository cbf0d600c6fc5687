package failedanswer_test

import (
	"encoding/json"
	"runtime/debug"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/failedanswer"
)

func TestEncodeAndDecode(t *testing.T) {
	t.Parallel()
	for _, test := range [][2]string{
		{"no such user", ""}, {"", ""}, {"<b>\"quoted\"</b>\n\u2028é", "goroutine 1 [running]:\nmain.main()\n\t/a/main.go:7 +0x1d\n"},
	} {
		body := failedanswer.Encode(test[0], test[1])
		err, stack, ok := failedanswer.Decode(string(body))
		if !ok || err != test[0] || stack != test[1] {
			t.Errorf("%s: %q, %q, %t; want %q", body, err, stack, ok, test)
		}
	}
	for _, other := range []string{"", "failed", `{"status":"failed"}`, `{"status":"executed","error":"x"}`, `{"status":"failed","error":"cut of`, `{"status":"failed","error":7}`, `{"error":"x"}`} {
		if _, _, ok := failedanswer.Decode(other); ok {
			t.Errorf("%q says why a run failed", other)
		}
	}
}

// Whatever the texts, the body is whole JSON of a bounded size, and says what it can.
func TestSize(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"letters": strings.Repeat("x", 1<<20), "characters": strings.Repeat("é€😀", 1<<18), "escapes": strings.Repeat("\x00", 1<<20),
		"no text": strings.Repeat("\xff", 1<<20), "just too long": strings.Repeat("y", failedanswer.MaxSize-30),
	} {
		for _, stack := range []string{"", text} {
			body := failedanswer.Encode(text, stack)
			if len(body) > failedanswer.MaxSize || !json.Valid(body) || !utf8.Valid(body) || len(body) < 1000 {
				t.Errorf("%s: %d bytes: %.100s", name, len(body), body)
			}
			err, found, ok := failedanswer.Decode(string(body))
			if !ok || !strings.HasSuffix(err, "…") || (stack != "") != strings.HasSuffix(found, "…") || stack != "" && len(found) < 500 {
				t.Errorf("%s: %t, error of %d bytes, stack of %d", name, ok, len(err), len(found))
			}
		}
	}
}

// The stack begins where it was that something panicked.
func TestStack(t *testing.T) {
	t.Parallel()
	var stack string
	func() {
		defer func() {
			recover()
			stack = string(debug.Stack())
		}()
		blowUp()
	}()
	_, got, _ := failedanswer.Decode(string(failedanswer.Encode("boom", stack)))
	lines := strings.Split(got, "\n")
	if !strings.HasPrefix(lines[0], "goroutine ") || !strings.Contains(lines[1], "failedanswer_test.blowUp(") {
		t.Errorf("the stack begins with\n%s\n%s", lines[0], lines[1])
	}
}

//go:noinline
func blowUp() { panic("boom") }
