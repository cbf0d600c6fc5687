package localqueue_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// unlimited is a queue that the service's limits do not hold back.
var unlimited = localqueue.WithQueues(resource.Queue{
	Name:       "fast",
	RateLimits: resource.RateLimits{MaxDispatchesPerSecond: 1e9, MaxConcurrentDispatches: 1e6},
})

const fastQueue = location + "/queues/fast"

func benchTask(url string) *resource.Task {
	return &resource.Task{HTTP: &resource.HTTPRequest{
		URL: url, Body: bytes.Repeat([]byte("x"), 256), Header: map[string]string{"Content-Type": "application/json"},
	}}
}

func BenchmarkCreateTask(b *testing.B) {
	for _, clients := range []int{1, 16} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			s := newService(b, unlimited)
			b.ReportAllocs()
			b.SetParallelism(max(1, clients/runtime.GOMAXPROCS(0)))
			b.RunParallel(func(pb *testing.PB) {
				task := benchTask("http://localhost/tasks/X")
				task.ScheduleTime = time.Now().Add(time.Hour)
				for pb.Next() {
					if _, err := s.CreateTask(context.Background(), fastQueue, task); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

// BenchmarkCreateTaskDurable compares creating tasks in memory and with a directory, by clients that each wait for their
// answer.
func BenchmarkCreateTaskDurable(b *testing.B) {
	const clients = 16
	for _, durable := range []bool{false, true} {
		b.Run(fmt.Sprintf("durable=%v", durable), func(b *testing.B) {
			opts := []localqueue.Option{unlimited}
			if durable {
				opts = append(opts, localqueue.WithDir(b.TempDir()))
			}
			s := newService(b, opts...)
			b.SetParallelism(clients / runtime.GOMAXPROCS(0))
			b.RunParallel(func(pb *testing.PB) {
				task := benchTask("http://localhost/tasks/X")
				task.ScheduleTime = time.Now().Add(time.Hour)
				for pb.Next() {
					if _, err := s.CreateTask(context.Background(), fastQueue, task); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tasks/s")
		})
	}
}

var recoverTasks = flag.Int("recover-tasks", 100_000, "how many tasks BenchmarkRecover recovers")

// BenchmarkRecover is the start of a service on a directory with many tasks for the future. It reports the time and the
// live memory afterwards, and keeps the directory if RECOVER_DIR names one.
func BenchmarkRecover(b *testing.B) {
	dir := os.Getenv("RECOVER_DIR")
	if dir == "" {
		dir = b.TempDir()
	}
	s := newService(b, unlimited, localqueue.WithDir(dir))
	batch := make([]*resource.Task, 100)
	for i := range batch {
		batch[i] = benchTask("https://worker.example.com/tasks/SendWelcomeEmail")
		batch[i].ScheduleTime = time.Now().Add(time.Hour + time.Duration(i)*time.Second)
	}
	for range *recoverTasks / len(batch) {
		if _, err := s.BatchCreateTasks(context.Background(), fastQueue, "", batch); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	s = nil //nolint:wastedassign // its memory is not to be counted
	before := heap()
	for b.Loop() {
		s = newService(b, unlimited, localqueue.WithDir(dir))
		b.StopTimer()
		b.ReportMetric(float64(heap()-before)/float64(*recoverTasks), "B/task")
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// BenchmarkDispatch compares creating and delivering tasks with the thinnest dispatcher: workers that post bodies and
// remember nothing. They take turns.
func BenchmarkDispatch(b *testing.B) {
	for _, side := range []struct {
		name    string
		history int
	}{{"localqueue", 0}, {"localqueue-with-history", 1000}} {
		b.Run(side.name, func(b *testing.B) {
			var floor, took time.Duration
			var connections int64
			for b.Loop() {
				took1, _ := dispatch(b, func(target *target) { thinnest(b, target) })
				took2, opened := dispatch(b, func(target *target) { addTasks(b, target, side.history) })
				floor, took, connections = floor+took1, took+took2, max(connections, opened)
			}
			b.ReportMetric(floor.Seconds()*1000/float64(b.N), "thinnest-ms")
			b.ReportMetric(took.Seconds()*1000/float64(b.N), "localqueue-ms")
			b.ReportMetric(took.Seconds()/floor.Seconds(), "×thinnest")
			b.ReportMetric(float64(connections), "connections")
		})
	}
}

const dispatchedTasks = 20_000

// dispatch returns how long it takes deliver to have a target answer the tasks, and how many connections it opens.
func dispatch(b *testing.B, deliver func(*target)) (time.Duration, int64) {
	target := newTarget(b, dispatchedTasks)
	defer target.Close()
	begin := time.Now()
	deliver(target)
	<-target.done
	return time.Since(begin), target.connections.Load()
}

// addTasks adds the tasks to a queue that has no limits, from four goroutines.
func addTasks(b *testing.B, target *target, history int) {
	s := newService(b, unlimited, localqueue.WithHistory(history))
	defer s.Close()
	task := benchTask(target.URL)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range dispatchedTasks / 4 {
				if _, err := s.CreateTask(context.Background(), fastQueue, task); err != nil {
					b.Error(err)
				}
			}
		})
	}
	group.Wait()
	<-target.done
}

// target is a loopback server that counts requests and connections.
type target struct {
	*httptest.Server
	connections atomic.Int64
	done        chan struct{} // closed when it has answered the expected number of requests
}

func newTarget(b testing.TB, requests int64) *target {
	t := &target{done: make(chan struct{})}
	var answered atomic.Int64
	t.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if answered.Add(1) == requests {
			close(t.done)
		}
	}))
	t.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			t.connections.Add(1)
		}
	}
	t.Start()
	return t
}

// thinnest posts the bodies.
func thinnest(b *testing.B, target *target) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	defer client.CloseIdleConnections()
	work := make(chan []byte, 64)
	var workers sync.WaitGroup
	for range 64 {
		workers.Go(func() {
			for body := range work {
				resp, err := client.Post(target.URL, "application/json", bytes.NewReader(body))
				if err != nil {
					b.Error(err)
					continue
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
			}
		})
	}
	body := bytes.Repeat([]byte("x"), 256)
	for range dispatchedTasks {
		work <- body
	}
	close(work)
	workers.Wait()
}

func BenchmarkMemoryPerFutureTask(b *testing.B) {
	const tasks = 100_000
	for b.Loop() {
		s := newService(b, unlimited)
		task := benchTask("https://worker.example.com/tasks/SendWelcomeEmail")
		task.ScheduleTime = time.Now().Add(time.Hour)
		before := heap()
		for range tasks {
			if _, err := s.CreateTask(context.Background(), fastQueue, task); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(heap()-before)/tasks, "B/task")
		_ = s.Close()
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkVirtualWeek is seven days of a thousand tasks: of some that fail three times each, and of some that always
// fail, whose back-off doubles from ten seconds on, so that each is attempted sixteen times.
func BenchmarkVirtualWeek(b *testing.B) {
	retries := cloudtask.RetryConfig{MaxAttempts: -1, MinBackoff: 10 * time.Second, MaxBackoff: 30 * 24 * time.Hour}
	for _, attempts := range []int{4, 16} {
		b.Run(fmt.Sprintf("attempts=%d", attempts), func(b *testing.B) {
			b.ReportAllocs()
			reportCPU(b, func() {
				for range b.N {
					s := newVirtual(b, func(w http.ResponseWriter, r *http.Request) {
						if attempts == 16 || r.Header.Get("X-CloudTasks-TaskRetryCount") < "3" {
							w.WriteHeader(500)
						}
					}, localqueue.WithQueues(resource.Queue{Name: "emails", Retry: retries}))
					for range 1000 {
						add(b, s, httpTask())
					}
					if made, err := s.RunFor(context.Background(), 7*24*time.Hour); err != nil || made != attempts*1000 {
						b.Fatalf("%d attempts, %v; want %d", made, err, attempts*1000)
					}
				}
			})
		})
	}
}

// BenchmarkLatency is how long after CreateTask has returned the handler is reached, when the queue is idle. Often it is
// reached before, which counts as zero.
func BenchmarkLatency(b *testing.B) {
	arrived := make(chan time.Time, 1)
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { arrived <- time.Now() }))
	b.Cleanup(server.Close)
	s := newService(b, unlimited)
	task := benchTask(server.URL)
	var latencies []time.Duration
	for b.Loop() {
		if _, err := s.CreateTask(context.Background(), fastQueue, task); err != nil {
			b.Fatal(err)
		}
		answered := time.Now()
		latencies = append(latencies, max(0, (<-arrived).Sub(answered)))
		if _, err := s.WaitIdle(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
	slices.Sort(latencies)
	for _, percent := range []int{50, 99} {
		b.ReportMetric(float64(latencies[len(latencies)*percent/100].Microseconds()), fmt.Sprintf("p%d-µs", percent))
	}
}

// BenchmarkMillionFutureTasks creates a million tasks that are due in an hour and lists them all, by pages of a thousand.
func BenchmarkMillionFutureTasks(b *testing.B) {
	const tasks = 1_000_000
	for b.Loop() {
		s := newService(b, unlimited)
		task := benchTask("https://worker.example.com/tasks/SendWelcomeEmail")
		task.ScheduleTime = time.Now().Add(time.Hour)
		begin := time.Now()
		for range tasks {
			if _, err := s.CreateTask(context.Background(), fastQueue, task); err != nil {
				b.Fatal(err)
			}
		}
		created := time.Now()
		listed, page := 0, resource.Page{}
		for {
			part, next, err := s.ListTasks(context.Background(), fastQueue, page, resource.ViewBasic)
			if err != nil {
				b.Fatal(err)
			}
			if listed += len(part); next == "" {
				break
			}
			page.Token = next
		}
		if listed != tasks {
			b.Fatalf("listed %d tasks of %d", listed, tasks)
		}
		b.ReportMetric(created.Sub(begin).Seconds(), "create-s")
		b.ReportMetric(time.Since(created).Seconds(), "list-s")
		b.ReportMetric(float64(heap())/(1<<20), "heap-MiB")
		_ = s.Close()
	}
}
