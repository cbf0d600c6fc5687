package gcp_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/gcp"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// While the account of tasks is changed, those of the one before are in flight; and an enqueuer may have one of its own.
func TestHandlerAcceptsFurtherAccounts(t *testing.T) {
	t.Parallel()
	definition := mailDefinition()
	s := newSystem(t, &definition, succeed, func(client, handler *cloudtask.Config) {
		client.ServiceAccount = "before@p.iam.gserviceaccount.com"
		handler.AcceptedServiceAccounts = []string{"scheduler@p.iam.gserviceaccount.com", client.ServiceAccount}
	})
	if _, err := definition.Asap(t.Context(), s.client, &mail{UserID: 3}); err != nil {
		t.Fatal(err)
	}
	if d := s.next(t); d.task.UserID != 3 {
		t.Errorf("ran %+v", d)
	}
	s.idle(t)
}

// Staging and production share a project: each sees its own queues.
func TestQueuePrefixes(t *testing.T) {
	t.Parallel()
	definition := mailDefinition()
	s := newSystem(t, &definition, succeed, func(client, handler *cloudtask.Config) {
		client.QueuePrefix, handler.QueuePrefix = "staging-", "staging-"
	})
	if _, err := definition.Asap(t.Context(), s.client, &mail{}); cloudtask.StatusOf(err) != cloudtask.NotFound || !strings.Contains(err.Error(), `"staging-emails"`) {
		t.Errorf("%v, want that there is no queue staging-emails", err)
	}
	if _, err := s.queue.CreateQueue(t.Context(), "projects/p/locations/l", &resource.Queue{Name: "projects/p/locations/l/queues/staging-emails"}); err != nil {
		t.Fatal(err)
	}
	receipt, err := definition.Asap(t.Context(), s.client, &mail{UserID: 1})
	if err != nil {
		t.Fatal(err)
	}
	if d := s.next(t); receipt.Queue != "staging-emails" || d.metadata.Queue != receipt.Queue || d.metadata.TaskID != receipt.TaskID {
		t.Errorf("the receipt has queue %q, the run %+v", receipt.Queue, d.metadata)
	}
	receipts, err := definition.Batch(t.Context(), s.client, []mail{{UserID: 2}, {UserID: 3}}, cloudtask.WithDelay(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	var task mail
	if _, err := definition.Debug(t.Context(), s.client, receipts[1].TaskID, &task); err != nil || task.UserID != 3 {
		t.Errorf("Debug: %+v, %v", task, err)
	}
	if discarded, err := definition.Discard(t.Context(), s.client); err != nil || len(discarded) != 2 {
		t.Errorf("Discard: %v, %v", discarded, err)
	}
	s.idle(t)
}

func TestDiscardThousands(t *testing.T) {
	t.Parallel()
	definition := mailDefinition()
	for _, permitted := range []bool{true, false} {
		s := newSystem(t, &definition, succeed)
		var mu sync.Mutex
		calls := map[string]int{}
		count := func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			name := method[strings.LastIndexByte(method, '/')+1:]
			mu.Lock()
			calls[name]++
			mu.Unlock()
			if name == "BatchDeleteTasks" && !permitted {
				return status.Error(codes.PermissionDenied, "cloudtasks.tasks.delete")
			}
			return invoke(ctx, method, req, reply, cc, opts...)
		}
		backend, err := gcp.NewBackend(t.Context(), s.cfg, option.WithGRPCDialOption(grpc.WithUnaryInterceptor(count)))
		if err != nil {
			t.Fatal(err)
		}
		client, err := cloudtask.NewClient(backend, s.cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		n := 2300
		if !permitted {
			n = 120
		}
		receipts, err := definition.Batch(t.Context(), client, make([]mail, n), cloudtask.WithDelay(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, receipt := range receipts {
			want = append(want, "Mail/"+receipt.TaskID)
		}
		discarded, err := definition.Discard(t.Context(), client)
		slices.Sort(want)
		slices.Sort(discarded)
		if err != nil || !slices.Equal(discarded, want) {
			t.Errorf("permitted %t: discarded %d tasks, want %d; %v", permitted, len(discarded), n, err)
		}
		s.idle(t)
		if permitted && (calls["BatchDeleteTasks"] != 3 || calls["DeleteTask"] != 0) || !permitted && calls["DeleteTask"] != n {
			t.Errorf("permitted %t: calls %v", permitted, calls)
		}
	}
}
