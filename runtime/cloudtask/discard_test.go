package cloudtask_test

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

func TestDiscardIsSeenThrough(t *testing.T) {
	t.Parallel()
	cause := &fs.PathError{Op: "open", Path: "x", Err: fs.ErrNotExist}
	for name, err := range map[string]error{"Discard": cloudtask.Discard(cause), "DiscardStatus": cloudtask.DiscardStatus(204, cause)} {
		var path *fs.PathError
		if !errors.Is(err, fs.ErrNotExist) || !errors.As(err, &path) || err.Error() != "discarded: open x: file does not exist" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := cloudtask.Discard(nil); err == nil || err.Error() != "discarded" || errors.Unwrap(err) != nil {
		t.Errorf("without a reason: %v", err)
	}
}
