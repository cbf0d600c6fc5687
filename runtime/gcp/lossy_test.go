package gcp_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/gcp"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
)

var lossyTasks = flag.Int("lossy", 150, "how many tasks of each kind TestLossyNetwork enqueues")

// lossyNetwork loses 30 % of all calls to the queue: half of them on the way there, half on the way back, when the queue
// has done what it was asked for. Half of the latter are lost so late that the tasks have run.
type lossyNetwork struct {
	queue   *localqueue.Service
	mu      sync.Mutex
	random  *rand.Rand
	calls   int
	lost    int            // on the way back
	creator map[string]int // which enqueue has created the task with that id, in a call of its own
}

// enqueueKey is the context key of an enqueue's number.
type enqueueKey struct{}

func (n *lossyNetwork) intercept(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	n.mu.Lock()
	fate := n.random.IntN(100)
	if n.calls++; n.calls == 1 {
		fate = 99 // one at least has run
	}
	n.mu.Unlock()
	lost := status.Error(codes.Unavailable, "the connection is gone, says the test")
	if fate < 15 {
		return lost
	}
	err := invoke(ctx, method, req, reply, cc, opts...)
	if fate >= 92 {
		n.untilGone(ctx, req, reply)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if task, ok := reply.(*cloudtaskspb.Task); ok && err == nil && strings.HasSuffix(method, "/CreateTask") {
		n.creator[lastSegment(task.GetName())] = ctx.Value(enqueueKey{}).(int)
	}
	if fate >= 85 {
		n.lost++
		return lost
	}
	return err
}

// untilGone waits until the queue has none of the tasks that the call has created.
func (n *lossyNetwork) untilGone(ctx context.Context, req, reply any) {
	var names []string
	switch req := req.(type) {
	case *cloudtaskspb.CreateTaskRequest:
		names = append(names, reply.(*cloudtaskspb.Task).GetName())
	case *cloudtaskspb.BatchCreateTasksRequest:
		for _, create := range req.GetRequests() {
			names = append(names, create.GetTask().GetName())
		}
	}
	for _, name := range names {
		for name != "" && ctx.Err() == nil {
			if _, err := n.queue.Backend().GetTask(ctx, name); err != nil {
				break
			}
			time.Sleep(time.Millisecond)
		}
	}
}

func lastSegment(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }

// lossyKind is a way to enqueue. Enqueues are numbered; the tasks of 2k and 2k+1 have one name, where tasks have names.
type lossyKind struct {
	name    string
	named   bool
	retried bool
	batch   bool
	equal   bool // the payloads of tasks of one name, which say the enqueue's number otherwise
	change  func(*cloudtask.Definition)
	opts    func(number int) []cloudtask.EnqueueOption
}

func (k *lossyKind) payload(number int) mail {
	if k.equal {
		number -= number % 2
	}
	return mail{UserID: number}
}

// With 30 % of calls and answers lost, each task is in the queue once, and no receipt and no error claims what is not so.
func TestLossyNetwork(t *testing.T) {
	t.Parallel()
	unique := func(d *cloudtask.Definition) {
		d.UniqueKey = func(dst []byte, task any) ([]byte, error) {
			return fmt.Appendf(dst, "[%d]", task.(*mail).UserID/2), nil
		}
	}
	named := func(d *cloudtask.Definition) {
		d.TaskNameOf = func(task any) string { return fmt.Sprintf("user-%d", task.(*mail).UserID/2) }
	}
	once := func(d *cloudtask.Definition) { d.Once = true }
	withName := func(number int) []cloudtask.EnqueueOption {
		return []cloudtask.EnqueueOption{cloudtask.WithTaskName(fmt.Sprintf("pair-%d", number/2))}
	}
	for _, kind := range []lossyKind{
		{name: "unique", named: true, retried: true, change: unique},
		{name: "unique, of equal payloads", named: true, retried: true, equal: true, change: unique},
		{name: "WithTaskName", named: true, retried: true, opts: withName},
		{name: "unnamed", retried: true},
		{name: "unique, not retried", named: true, change: unique},
		{name: "unnamed, not retried"},
		{name: "batches of unnamed", retried: true, batch: true},
		{name: "batches with TaskName", named: true, retried: true, batch: true, change: named},
		{name: "batches of unnamed, not retried", batch: true},
		{name: "batches of unique, not retried", named: true, batch: true, change: unique},
		{name: "batches of once", named: true, retried: true, batch: true, change: once},
	} {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			newLossyTrial(t, kind).run(t)
		})
	}
}

// lossyTrial is a system whose client has a lossy network.
type lossyTrial struct {
	kind       lossyKind
	definition cloudtask.Definition
	network    lossyNetwork
	system     *system
	client     *cloudtask.Client

	mu      sync.Mutex
	created map[string]int   // times that a task of that resource name was created, as the queue says
	ran     map[string][]int // payloads that have run, by task id

	outcomes []lossyOutcome // by number
}

// lossyOutcome is what an enqueue has returned.
type lossyOutcome struct {
	receipt cloudtask.Receipt
	err     error
}

func newLossyTrial(t *testing.T, kind lossyKind) *lossyTrial {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	trial := &lossyTrial{
		kind: kind, definition: mailDefinition(), created: map[string]int{}, ran: map[string][]int{}, outcomes: make([]lossyOutcome, *lossyTasks),
	}
	trial.network.random, trial.network.creator = rand.New(rand.NewPCG(seed, 0)), map[string]int{}
	if kind.change != nil {
		kind.change(&trial.definition)
	}
	trial.system = newSystem(t, &trial.definition, func(ctx context.Context, task any) error {
		trial.mu.Lock()
		defer trial.mu.Unlock()
		id := cloudtask.MetadataFrom(ctx).TaskID
		trial.ran[id] = append(trial.ran[id], task.(*mail).UserID)
		<-trial.system.runs // which is for tests of few tasks
		return nil
	})
	trial.network.queue = trial.system.queue
	trial.system.queue.Observe(func(e localqueue.Event) {
		if e.Kind == localqueue.TaskCreated {
			trial.mu.Lock()
			defer trial.mu.Unlock()
			trial.created[e.Task]++
		}
	})
	cfg := trial.system.cfg
	if kind.retried {
		cfg.EnqueueRetry = cloudtask.RetryPolicy{On: []cloudtask.Code{cloudtask.Unavailable}, Initial: 10 * time.Millisecond, Max: 50 * time.Millisecond, Deadline: time.Minute}
	}
	backend, err := gcp.NewBackend(t.Context(), cfg, option.WithGRPCDialOption(grpc.WithUnaryInterceptor(trial.network.intercept)))
	if err != nil {
		t.Fatal(err)
	}
	if trial.client, err = cloudtask.NewClient(backend, cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { trial.client.Close() })
	return trial
}

// run enqueues, several at a time, so that the two of a name are enqueued at about the same time.
func (l *lossyTrial) run(t *testing.T) {
	size := 1
	if l.kind.batch {
		size = 3 // odd, so that some tasks have their names in common with the next batch's
	}
	var group sync.WaitGroup
	slots := make(chan struct{}, 16)
	for first := 0; first < len(l.outcomes); first += size {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			if l.kind.batch {
				l.enqueueBatch(t, first, min(first+size, len(l.outcomes)))
			} else {
				l.enqueue(t, first)
			}
		})
	}
	group.Wait()
	l.system.settle(t)
	l.checkQueue(t)
	l.checkClaims(t)
}

func (l *lossyTrial) enqueue(t *testing.T, number int) {
	var opts []cloudtask.EnqueueOption
	if l.kind.opts != nil {
		opts = l.kind.opts(number)
	}
	task := l.kind.payload(number)
	receipt, err := l.definition.Push(context.WithValue(t.Context(), enqueueKey{}, number), l.client, &task, opts...)
	l.outcomes[number] = lossyOutcome{receipt, err}
}

func (l *lossyTrial) enqueueBatch(t *testing.T, from, to int) {
	var tasks []mail
	for number := from; number < to; number++ {
		tasks = append(tasks, l.kind.payload(number))
	}
	receipts, err := l.definition.Batch(t.Context(), l.client, tasks)
	var batchErr *cloudtask.BatchError
	if err != nil && !errors.As(err, &batchErr) {
		t.Errorf("a batch: %v", err)
		return
	}
	for i, receipt := range receipts {
		l.outcomes[from+i].receipt = receipt
		if batchErr != nil {
			l.outcomes[from+i].err = batchErr.Errors[i]
		}
	}
}

// checkQueue checks that no task was created or has run twice.
func (l *lossyTrial) checkQueue(t *testing.T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, times := range l.created {
		if times != 1 || len(l.ran[lastSegment(name)]) != 1 {
			t.Errorf("%s was created %d times, and has run with the payloads %v", name, times, l.ran[lastSegment(name)])
		}
	}
	payloads := map[int]string{}
	for id, ran := range l.ran {
		for _, payload := range ran {
			if other, twice := payloads[payload]; twice {
				t.Errorf("%d was enqueued twice, as %s and %s", payload, id, other)
			}
			payloads[payload] = id
		}
	}
}

// creator returns the number of the enqueue that has created the task, -1 if there is no such task.
func (l *lossyTrial) creator(id string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	ran := l.ran[id]
	switch {
	case len(ran) == 0:
		return -1
	case l.kind.equal:
		l.network.mu.Lock()
		defer l.network.mu.Unlock()
		return l.network.creator[id]
	}
	return ran[0]
}

// checkClaims compares what the enqueues have returned with what the queue has done.
func (l *lossyTrial) checkClaims(t *testing.T) {
	byCreator := map[int]string{}
	for id := range l.ran {
		byCreator[l.creator(id)] = id
	}
	counts := map[string]int{}
	for number, o := range l.outcomes {
		id := o.receipt.TaskID
		switch creator := l.creator(id); {
		case errors.Is(o.err, cloudtask.ErrOutcomeUnknown):
			counts["unknown"]++
		case o.err != nil:
			if counts["not enqueued"]++; byCreator[number] != "" {
				t.Errorf("%d is said not to be enqueued, and is: %v", number, o.err)
			}
		case o.receipt.MayBeOwn:
			if counts["may be own"]++; creator < 0 || !o.receipt.Duplicate {
				t.Errorf("%d: %+v, and no task has that name", number, o.receipt)
			}
		case o.receipt.Duplicate:
			if counts["duplicates"]++; creator < 0 || creator == number {
				t.Errorf("%d is called a duplicate of %s, which was enqueued by %d", number, id, creator)
			}
		default:
			if counts["enqueued"]++; creator != number {
				t.Errorf("%d is said to have enqueued %s, which %d has", number, id, creator)
			}
		}
	}
	t.Logf("%v; %d answers were lost", counts, l.network.lost)
	switch {
	case l.network.lost == 0 || counts["enqueued"]+counts["may be own"] == 0:
		t.Error("nothing was put to the test")
	case l.kind.retried && counts["unknown"]+counts["not enqueued"] > 0:
		t.Error("a minute of retries was not enough")
	case l.kind.retried && l.kind.named && !l.kind.batch && (counts["may be own"] == 0 || counts["duplicates"] == 0):
		t.Error("no task had run before it was asked for again, or no name was taken")
	case !l.kind.retried && counts["unknown"] == 0:
		t.Error("no outcome was unknown")
	}
}
