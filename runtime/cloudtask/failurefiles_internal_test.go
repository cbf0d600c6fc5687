package cloudtask

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// A disk that hangs holds an attempt up for a second, however many wait for it.
func TestHangingDisk(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, err := newFailureStore(FailureFiles{Dir: t.TempDir()}.withDefaults())
		if err != nil {
			t.Fatal(err)
		}
		store.writing <- struct{}{} // whose write does not return
		began := time.Now()
		if _, err := store.save(&FailedTask{Method: "POST", URL: "http://localhost/"}); !errors.Is(err, errSlowDisk) {
			t.Errorf("error %v", err)
		}
		if waited := time.Since(began); waited != time.Second {
			t.Errorf("waited %v", waited)
		}
	})
}
