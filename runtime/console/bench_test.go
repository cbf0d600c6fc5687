//go:build unix

package console_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/console"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

var waitingTasks = flag.Int("waiting", 100_000, "how many tasks wait while BenchmarkPages and BenchmarkOpenPage measure")

// busy is a queue with many waiting tasks on a real clock, and its console on a port.
type busy struct {
	*localqueue.Service
	url  string
	task string // one of those that wait
}

const busyQueue = location + "/queues/busy"

func newBusy(b *testing.B, limits resource.RateLimits) *busy {
	b.Helper()
	s, err := localqueue.New(localqueue.WithHistory(1000), localqueue.WithLogger(slog.New(slog.DiscardHandler)),
		localqueue.WithQueues(resource.Queue{Name: busyQueue, RateLimits: limits}))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	out := &busy{Service: s}
	for i := range *waitingTasks {
		created, err := s.CreateTask(context.Background(), busyQueue, &resource.Task{
			ScheduleTime: time.Now().Add(time.Hour + time.Duration(i%1000)*time.Second),
			HTTP: &resource.HTTPRequest{
				URL: "http://worker.example/tasks/SendWelcomeEmail", Header: map[string]string{"Content-Type": "application/json"},
				Body: fmt.Appendf(nil, `{"user_id": %d, "custom_message": "%0230d"}`, i, i),
			},
		})
		if err != nil {
			b.Fatal(err)
		}
		if i == *waitingTasks/2 {
			out.task = created.Name
		}
	}
	server := httptest.NewServer(console.New(s))
	b.Cleanup(server.Close)
	out.url = server.URL
	return out
}

// dispatch enqueues tasks at that rate per second, which are delivered, until stop.
func (s *busy) dispatch(b *testing.B, perSecond int) (stop func()) {
	b.Helper()
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, `{"status":"executed"}`) }))
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() {
		const step = 20 * time.Millisecond
		for ticks := time.NewTicker(step); ; {
			select {
			case <-ctx.Done():
				return
			case <-ticks.C:
			}
			for range perSecond / int(time.Second/step) {
				if _, err := s.CreateTask(context.Background(), busyQueue, &resource.Task{HTTP: &resource.HTTPRequest{URL: target.URL + "/tasks/Greet", Body: make([]byte, 256)}}); err != nil {
					b.Error(err)
					return
				}
			}
		}
	})
	return func() {
		cancel()
		group.Wait()
		target.Close()
	}
}

// BenchmarkPages measures the time to serve each page over HTTP while 500 tasks per second are delivered.
func BenchmarkPages(b *testing.B) {
	s := newBusy(b, resource.RateLimits{})
	defer s.dispatch(b, 500)()
	time.Sleep(2 * time.Second)
	deep := s.deep(b)
	for _, page := range []struct{ name, path string }{
		{"queues", "/"}, {"queue", "/ui/" + busyQueue}, {"task", "/ui/" + s.task}, {"finished", "/ui/finished"},
		{"tasks-next", "/ui/tasks"}, {"tasks-newest", "/ui/tasks?order=newest"},
		{"tasks-next-middle", "/ui/tasks?" + deep(true)}, {"tasks-newest-middle", "/ui/tasks?order=newest&" + deep(false)},
		{"tasks-of-a-state", "/ui/tasks?state=scheduled"}, {"tasks-none-of-a-state", "/ui/tasks?state=retrying"},
		{"text-found", "/ui/tasks?text=%22user_id%22:"}, {"text-found-nowhere", "/ui/tasks?text=nowhere"},
		{"text-found-nowhere-newest", "/ui/tasks?order=newest&text=nowhere"},
	} {
		b.Run(page.name, func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				begin := time.Now()
				resp, err := http.Get(s.url + page.path)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != 200 {
					b.Fatal(resp.Status, err)
				}
				resp.Body.Close()
				took = append(took, time.Since(begin))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "median-ms")
			b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "longest-ms")
		})
	}
}

// deep returns the query parameters of the page in the middle of a list.
func (s *busy) deep(b *testing.B) func(nextFirst bool) string {
	return func(nextFirst bool) string {
		browse := localqueue.Browse{NextFirst: nextFirst}
		for range *waitingTasks / 2 / 1000 {
			found, err := s.Browse(context.Background(), browse)
			if err != nil || found.Next == "" {
				b.Fatal(found, err)
			}
			browse.After = found.Next
		}
		return "page=2&after=" + url.QueryEscape(browse.After)
	}
}

// BenchmarkOpenPage measures the processor time of queue and console per second in which 500 tasks are delivered, without an open page
// and with each of them, in turns within a run.
func BenchmarkOpenPage(b *testing.B) {
	s := newBusy(b, resource.RateLimits{})
	defer s.dispatch(b, 500)()
	time.Sleep(2 * time.Second)
	for _, page := range []struct{ name, path string }{
		{"queues", "/"}, {"queue", "/ui/" + busyQueue}, {"tasks", "/ui/tasks"}, {"finished", "/ui/finished"}, {"task", "/ui/" + s.task},
		{"text-found-nowhere", "/ui/tasks?text=nowhere"},
	} {
		b.Run(page.name, func(b *testing.B) {
			const turn = 2 * time.Second
			var without, with time.Duration
			for b.Loop() {
				begin := processorTime()
				time.Sleep(turn)
				without += processorTime() - begin
				closePages := s.openPages(b, page.path)
				time.Sleep(turn / 4)
				begin = processorTime()
				time.Sleep(turn)
				with += processorTime() - begin
				closePages()
			}
			seconds := turn.Seconds() * float64(b.N)
			b.ReportMetric(without.Seconds()*1000/seconds, "closed-cpu-ms/s")
			b.ReportMetric(with.Seconds()*1000/seconds, "open-cpu-ms/s")
			b.ReportMetric(100*(with-without).Seconds()/without.Seconds(), "%added")
		})
	}
}

func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// openPages opens pages as browsers do, and reads their updates until they are closed.
func (s *busy) openPages(b *testing.B, paths ...string) (closePages func()) {
	b.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	for _, path := range paths {
		r, err := http.NewRequestWithContext(ctx, "GET", s.url+"/ui/live?view="+url.QueryEscape(path), nil)
		if err != nil {
			b.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			b.Fatal(err)
		}
		group.Go(func() {
			defer resp.Body.Close()
			_, _ = io.Copy(io.Discard, resp.Body) // until it is closed
		})
	}
	return func() {
		cancel()
		group.Wait()
	}
}

// BenchmarkThroughputWithBrowsers measures how long a queue without limits takes to deliver 20,000 tasks, without open pages and with
// ten browsers that show ten pages, in turns within a run.
func BenchmarkThroughputWithBrowsers(b *testing.B) {
	const tasks = 20_000
	s := newBusy(b, resource.RateLimits{MaxDispatchesPerSecond: 1e9, MaxConcurrentDispatches: 1e6})
	deliver := func() time.Duration {
		done := make(chan struct{})
		var answered atomic.Int64
		target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			if answered.Add(1) == tasks {
				close(done)
			}
		}))
		defer target.Close()
		begin := time.Now()
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				task := &resource.Task{HTTP: &resource.HTTPRequest{URL: target.URL + "/tasks/Greet", Body: make([]byte, 256)}}
				for range tasks / 4 {
					if _, err := s.CreateTask(context.Background(), busyQueue, task); err != nil {
						b.Error(err)
					}
				}
			})
		}
		group.Wait()
		<-done
		return time.Since(begin)
	}
	var pages []string
	for _, queue := range []string{"", "?queue=" + busyQueue} {
		pages = append(pages, "/ui/tasks"+queue, "/ui/finished"+queue)
	}
	pages = append(pages, "/", "/ui/"+busyQueue, "/ui/"+s.task, "/ui/tasks?order=newest", "/ui/tasks?state=scheduled", "/ui/tasks?text=nowhere")
	deliver() // to warm up
	var without, with time.Duration
	for b.Loop() {
		without += deliver()
		closePages := s.openPages(b, pages...)
		with += deliver()
		closePages()
	}
	b.ReportMetric(tasks*float64(b.N)/without.Seconds(), "alone-tasks/s")
	b.ReportMetric(tasks*float64(b.N)/with.Seconds(), "watched-tasks/s")
	b.ReportMetric(with.Seconds()/without.Seconds(), "×alone")
}

// BenchmarkManyQueues measures the pages of a service with 100,000 queues that have one task each.
func BenchmarkManyQueues(b *testing.B) {
	s := newManyQueues(b, 100_000)
	for _, path := range manyQueuesPages {
		b.Run(path, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.get(b, path)
			}
		})
	}
}
