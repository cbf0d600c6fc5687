package cloudtask_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

// memory is a queue service in memory that remembers what it was asked.
type memory struct {
	before func(ctx context.Context, call call) error // fails a call before it has an effect
	after  func(ctx context.Context, call call) error // loses the answer of a call that had one
	queues []string                                   // ids of those that exist; nil: all
	page   int                                        // tasks of a page; 0: all

	mu        sync.Mutex
	calls     []call
	tasks     []*cloudtask.Task
	names     map[string]bool // taken, now or before
	requests  map[string][]cloudtask.CreateResult
	closed    int
	listing   int // open calls of DeleteTask
	mostAtOne int
}

type call struct {
	method    string
	name      string // of the queue or task
	requestID string
	tasks     []*cloudtask.Task
	at        time.Time
	n         int // 1 for the first call of all
}

func (m *memory) begin(ctx context.Context, c call) (call, error) {
	m.mu.Lock()
	c.at, c.n = time.Now(), len(m.calls)+1
	m.calls = append(m.calls, c)
	m.mu.Unlock()
	if m.before != nil {
		if err := m.before(ctx, c); err != nil {
			return c, err
		}
	}
	return c, ctx.Err()
}

func (m *memory) end(ctx context.Context, c call) error {
	if m.after == nil {
		return nil
	}
	return m.after(ctx, c)
}

func status(code cloudtask.Code) error {
	return &cloudtask.StatusError{Code: code, Message: "says the test"}
}

func (m *memory) checkQueue(name string) error {
	if m.queues != nil && !slices.Contains(m.queues, name[strings.LastIndexByte(name, '/')+1:]) {
		return &cloudtask.StatusError{Code: cloudtask.NotFound, Message: "Queue does not exist."}
	}
	return nil
}

func (m *memory) create(queue string, task *cloudtask.Task) (*cloudtask.Task, error) {
	if err := m.checkQueue(queue); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	stored := *task
	stored.Header = maps.Clone(task.Header)
	stored.Header["User-Agent"] = "Google-Cloud-Tasks"
	stored.Body = slices.Clone(task.Body)
	stored.CreateTime = time.Now().Truncate(time.Second)
	if stored.ScheduleTime.IsZero() {
		stored.ScheduleTime = time.Now().Truncate(time.Microsecond)
	}
	if stored.Name == "" {
		stored.Name = fmt.Sprintf("%s/tasks/%d", queue, 1000+len(m.tasks))
	}
	if m.names[stored.Name] {
		return nil, &cloudtask.StatusError{Code: cloudtask.AlreadyExists, Message: "Requested entity already exists"}
	}
	if m.names == nil {
		m.names = map[string]bool{}
	}
	m.names[stored.Name] = true
	m.tasks = append(m.tasks, &stored)
	basic := stored
	basic.Body = nil
	return &basic, nil
}

func (m *memory) CreateTask(ctx context.Context, queue string, task *cloudtask.Task) (*cloudtask.Task, error) {
	c, err := m.begin(ctx, call{method: "CreateTask", name: queue, tasks: []*cloudtask.Task{task}})
	if err != nil {
		return nil, err
	}
	created, err := m.create(queue, task)
	if err != nil {
		return nil, err
	}
	return created, m.end(ctx, c)
}

func (m *memory) CreateTasks(ctx context.Context, queue, requestID string, tasks []*cloudtask.Task) ([]cloudtask.CreateResult, error) {
	c, err := m.begin(ctx, call{method: "CreateTasks", name: queue, requestID: requestID, tasks: tasks})
	if err != nil {
		return nil, err
	}
	if err := m.checkQueue(queue); err != nil {
		return nil, err
	}
	m.mu.Lock()
	results, known := m.requests[requestID]
	m.mu.Unlock()
	if !known {
		for _, task := range tasks {
			created, err := m.create(queue, task)
			results = append(results, cloudtask.CreateResult{Task: created, Err: err})
		}
		m.mu.Lock()
		if m.requests == nil {
			m.requests = map[string][]cloudtask.CreateResult{}
		}
		m.requests[requestID] = results
		m.mu.Unlock()
	}
	return results, m.end(ctx, c)
}

func (m *memory) GetTask(ctx context.Context, name string) (*cloudtask.Task, error) {
	if _, err := m.begin(ctx, call{method: "GetTask", name: name}); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, task := range m.tasks {
		if task.Name == name {
			full := *task
			return &full, nil
		}
	}
	return nil, &cloudtask.StatusError{Code: cloudtask.NotFound, Message: "Requested entity was not found."}
}

func (m *memory) ListTasks(ctx context.Context, queue, pageToken string) ([]*cloudtask.Task, string, error) {
	if _, err := m.begin(ctx, call{method: "ListTasks", name: queue}); err != nil {
		return nil, "", err
	}
	if err := m.checkQueue(queue); err != nil {
		return nil, "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []*cloudtask.Task
	for _, task := range m.tasks {
		if strings.HasPrefix(task.Name, queue+"/tasks/") {
			basic := *task
			basic.Body = nil
			all = append(all, &basic)
		}
	}
	start := 0
	if pageToken != "" {
		fmt.Sscan(pageToken, &start)
	}
	rest := all[min(start, len(all)):]
	if m.page == 0 || len(rest) <= m.page {
		return rest, "", nil
	}
	return rest[:m.page], fmt.Sprint(start + m.page), nil
}

func (m *memory) DeleteTask(ctx context.Context, name string) error {
	m.mu.Lock()
	m.listing++
	m.mostAtOne = max(m.mostAtOne, m.listing)
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		m.listing--
		m.mu.Unlock()
	}()
	c, err := m.begin(ctx, call{method: "DeleteTask", name: name})
	if err != nil {
		return err
	}
	m.mu.Lock()
	before := len(m.tasks)
	m.tasks = slices.DeleteFunc(m.tasks, func(task *cloudtask.Task) bool { return task.Name == name })
	deleted := len(m.tasks) < before
	m.mu.Unlock()
	if !deleted {
		return &cloudtask.StatusError{Code: cloudtask.NotFound, Message: "Requested entity was not found."}
	}
	return m.end(ctx, c)
}

func (m *memory) GetQueue(ctx context.Context, name string) (*cloudtask.Queue, error) {
	if _, err := m.begin(ctx, call{method: "GetQueue", name: name}); err != nil {
		return nil, err
	}
	return &cloudtask.Queue{Name: name, Retry: cloudtask.RetryConfig{MaxAttempts: 3}}, nil
}

func (m *memory) Close() error {
	m.closed++
	return nil
}

// methods returns the names of the calls so far.
func (m *memory) methods() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var names []string
	for _, c := range m.calls {
		names = append(names, c.method)
	}
	return names
}

// only returns the one task that is queued.
func (m *memory) only(t *testing.T) *cloudtask.Task {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.tasks) != 1 {
		t.Fatalf("%d tasks are queued, want 1", len(m.tasks))
	}
	return m.tasks[0]
}

// queued returns how many tasks are in each queue.
func (m *memory) queued() map[string]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	counts := map[string]int{}
	for _, task := range m.tasks {
		queue := task.Name[:strings.LastIndex(task.Name, "/tasks/")]
		counts[queue[strings.LastIndexByte(queue, '/')+1:]]++
	}
	return counts
}

const queuePrefix = "projects/p/locations/l/queues/"

// mail is the payload of the tests' tasks.
type mail struct {
	To   string `json:"to"`
	Text string `json:"text,omitempty"`
}

// mailType returns a definition such as cloudtaskgen writes.
func mailType(change ...func(*cloudtask.Definition)) *cloudtask.Definition {
	d := &cloudtask.Definition{
		Task: (*mail)(nil),
		Name: "SendMail",
		Append: func(dst []byte, payload any) ([]byte, error) {
			task := payload.(*mail)
			if task.Text == "unencodable" {
				return nil, fmt.Errorf("payload.text: cannot be encoded")
			}
			b, err := json.Marshal(task)
			return append(dst, b...), err
		},
		Decode: func(data []byte, task any) error { return json.Unmarshal(data, task) },
	}
	for _, c := range change {
		c(d)
	}
	return d
}

func uniqueTo(d *cloudtask.Definition) {
	d.UniqueKey = func(dst []byte, payload any) ([]byte, error) {
		task := payload.(*mail)
		b, err := json.Marshal([]string{task.To})
		return append(dst, b...), err
	}
}

// retried makes enqueueing try UNAVAILABLE and DEADLINE_EXCEEDED again.
func retried(d *cloudtask.Definition) {
	d.EnqueueRetry = &cloudtask.RetryPolicy{On: []cloudtask.Code{cloudtask.Unavailable, cloudtask.DeadlineExceeded}}
}

func testConfig() cloudtask.Config {
	return cloudtask.Config{Project: "p", Location: "l", BaseURL: "https://mail.example.com", Logger: slog.New(slog.DiscardHandler)}
}

func newClient(t *testing.T, backend cloudtask.Backend, change func(*cloudtask.Config), routes ...cloudtask.Route) *cloudtask.Client {
	t.Helper()
	cfg := testConfig()
	if change != nil {
		change(&cfg)
	}
	c, err := cloudtask.NewClient(backend, cfg, routes...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// wantError checks that err says each of the parts.
func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one that says %q", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
}

func wantMatch(t *testing.T, what, got, pattern string) {
	t.Helper()
	if !regexp.MustCompile("^" + pattern + "$").MatchString(got) {
		t.Errorf("%s is %q, want a match of %s", what, got, pattern)
	}
}

// put queues a task as if SendMail had been enqueued with {"to":"ann"}, under a resource name that begins at its queue.
func (m *memory) put(name, url string, change ...func(*cloudtask.Task)) *cloudtask.Task {
	task := &cloudtask.Task{
		Name:       queuePrefix + name,
		URL:        url,
		Header:     map[string]string{"Content-Type": "application/json", "Cloudtask-Timeout": "10m0s", "User-Agent": "Google-Cloud-Tasks"},
		Body:       []byte(`{"to":"ann"}`),
		CreateTime: time.Now().Truncate(time.Second),
	}
	for _, c := range change {
		c(task)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.names == nil {
		m.names = map[string]bool{}
	}
	m.names[task.Name] = true
	m.tasks = append(m.tasks, task)
	return task
}
