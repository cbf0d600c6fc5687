package console_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/console"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// manyQueues is the console of a service with many queues that have one task each.
type manyQueues struct{ page http.Handler }

const manyLocation = "projects/many/locations/l"

var manyQueuesPages = []string{
	"/", "/?after=" + manyLocation + "/queues/q-000500", "/ui/tasks", "/ui/tasks?order=newest", "/ui/tasks?state=scheduled", "/ui/finished", "/ui/send",
	"/ui/" + manyLocation + "/queues/q-000100", "/?ask=purge:" + manyLocation + "/queues/q-000100",
}

func newManyQueues(t testing.TB, n int) manyQueues {
	t.Helper()
	s, err := localqueue.New(localqueue.WithHistory(100), localqueue.WithLogger(slog.New(slog.DiscardHandler)), localqueue.WithQueues(resource.Queue{Name: "emails"}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	at := time.Now().Add(24 * time.Hour)
	for i := range n {
		task := &resource.Task{ScheduleTime: at, HTTP: &resource.HTTPRequest{URL: "http://worker.example/tasks/Greet", Body: []byte("{}")}}
		if _, err := s.CreateTask(t.Context(), fmt.Sprintf("%s/queues/q-%06d", manyLocation, i), task); err != nil {
			t.Fatal(err)
		}
	}
	return manyQueues{console.New(s)}
}

func (s manyQueues) get(t testing.TB, path string) {
	recorder := httptest.NewRecorder()
	if s.page.ServeHTTP(recorder, httptest.NewRequest("GET", "http://localhost"+path, nil)); recorder.Code != 200 {
		t.Fatalf("%s: %d", path, recorder.Code)
	}
}

// cost returns the number and size of the allocations for a page.
func (s manyQueues) cost(t testing.TB, path string) (allocations, size uint64) {
	const times = 5
	s.get(t, path)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range times {
		s.get(t, path)
	}
	runtime.ReadMemStats(&after)
	return (after.Mallocs - before.Mallocs) / times, (after.TotalAlloc - before.TotalAlloc) / times
}

// The allocations for a page depend on what it shows, not on the number of queues. The test is not parallel, because it counts
// allocations.
func TestPagesOfManyQueues(t *testing.T) {
	few, many := newManyQueues(t, 1_000), newManyQueues(t, 6_000)
	for _, path := range manyQueuesPages {
		n, size := few.cost(t, path)
		manyN, manySize := many.cost(t, path)
		if manyN > n+n/4+500 {
			t.Errorf("%s: %d allocations with 1,000 queues, %d with 6,000", path, n, manyN)
		}
		if bound := size + size/4 + 100_000; path != "/ui/tasks?state=scheduled" && manySize > bound { // a search notes 50,000 queues at most
			t.Errorf("%s: %d bytes with 1,000 queues, %d with 6,000", path, size, manySize)
		}
	}
}
