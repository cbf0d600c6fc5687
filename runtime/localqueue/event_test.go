package localqueue_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
)

// Observers come and go; each hears of everything in between, in order.
func TestObserve(t *testing.T) {
	t.Parallel()
	var always, sometimes, last []string
	hear := func(into *[]string) func(localqueue.Event) {
		return func(e localqueue.Event) { *into = append(*into, e.Kind.String()) }
	}
	s := newVirtual(t, answer(500, 200), localqueue.WithObserver(hear(&always)))
	created := add(t, s, httpTask())
	stop := s.Observe(hear(&sometimes))
	if _, err := s.RunNext(t.Context()); err != nil {
		t.Fatal(err)
	}
	stop()
	stop() // again: nothing
	stopLast := s.Observe(hear(&last))
	if err := s.DeleteTask(t.Context(), created.Name); err != nil {
		t.Fatal(err)
	}
	stopLast()
	got := [][]string{always, sometimes, last}
	want := [][]string{{"created", "dispatched", "retried", "deleted"}, {"dispatched", "retried"}, {"deleted"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("heard (-want +got):\n%s", diff)
	}
}
