package diag_test

import (
	"strings"
	"testing"

	"github.com/cloudtaskgen/cloudtaskgen/gen/diag"
)

func TestSuggest(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ word, want string }{
		{"tsk", "task"}, {"Task", "task"}, {"enqueueretry", "enqueue-retry"}, {"uniqe", "unique"}, {"nothing", ""}, {"", ""},
		{strings.Repeat("x", 1000), ""},
	} {
		if got := diag.Suggest(test.word, []string{"task", "unique", "retry", "enqueue-retry", "alias"}); got != test.want {
			t.Errorf("suggest(%q) = %q, want %q", test.word, got, test.want)
		}
	}
}
