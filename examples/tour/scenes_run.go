package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/cloudtaskgen/cloudtaskgen/examples/tour/documents"
	"github.com/cloudtaskgen/cloudtaskgen/examples/tour/tasks"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/gcp"
)

func (s *stage) queues(ctx context.Context) error {
	s.Scene("Queues", "A directive names the queue. The methods Queue, Timeout and TaskName depend on the payload.")

	receipt, err := tasks.EnqueueHighPriorityNotificationAsap(ctx, s.client, tasks.HighPriorityNotification{UserID: 1, AlertMessage: "disk full"})
	if err := s.enqueued("HighPriorityNotification", receipt, err); err != nil {
		return err
	}
	for _, data := range []tasks.BatchDataProcessing{{DatasetID: "a", Rows: 9}, {DatasetID: "b", Rows: 2_000_000}} {
		receipt, err := tasks.EnqueueBatchDataProcessingAsap(ctx, s.client, data)
		if err := s.enqueued("data set "+data.DatasetID, receipt, err); err != nil {
			return err
		}
	}
	return s.Expect(ctx,
		"program: HighPriorityNotification enqueued in critical-notifications-queue",
		"program: data set a enqueued in batch-jobs-queue",
		"program: data set b enqueued in large-batch-jobs-queue",
		"HighPriorityNotification: alert to Ada: disk full",
		"BatchDataProcessing a: task dataset-a in batch-jobs-queue, 10m0s to finish",
		"BatchDataProcessing b: task dataset-b in large-batch-jobs-queue, 30m0s to finish",
	)
}

func (s *stage) deletedQueue(ctx context.Context) error {
	s.Scene("A deleted queue", "For some days, Cloud Tasks does not allow creating the queue again. Config.BackupQueue takes its tasks until then.")

	name := s.location() + "/queues/" + shortLived
	if err := s.google.DeleteQueue(ctx, &cloudtaskspb.DeleteQueueRequest{Name: name}); err != nil {
		return err
	}
	cfg := s.cfg
	cfg.BackupQueue = "backup"
	client, err := gcp.NewClient(ctx, cfg)
	if err != nil {
		return err
	}
	defer client.Close()
	receipt, err := tasks.EnqueueProcessItemPush(ctx, client, tasks.ProcessItem{UserID: 1, ItemID: 7}, cloudtask.WithQueue(shortLived))
	if err := s.enqueued("item 7", receipt, err); err != nil {
		return err
	}
	return s.Expect(ctx,
		"program: item 7 enqueued in backup",
		"ProcessItem 1-7: processed",
	)
}

func (s *stage) timeout(ctx context.Context) error {
	s.Scene("Time to finish", "timeout=15m is how long Cloud Tasks waits for the response, and the deadline of Run's context.")

	receipt, err := tasks.EnqueueGenerateReportAsap(ctx, s.client, tasks.GenerateReport{
		ReportParams: map[string]string{"month": "May"}, Format: "csv",
	})
	if err := s.enqueued("GenerateReport", receipt, err); err != nil {
		return err
	}
	return s.Expect(ctx,
		"program: GenerateReport enqueued in tour",
		"GenerateReport: csv report of May, 15m0s to finish",
	)
}

func (s *stage) formerName(ctx context.Context) error {
	s.Scene("Tasks of an earlier release", "ReportGeneration was enqueued without a format, before the type was renamed and gained that field.\n"+
		"The alias routes it, and the default sets the field. MonthEnd is now called CloseBooks, with name=MonthEnd.")

	for name, payload := range map[string]string{"ReportGeneration": `{"report_params":{"month":"April"}}`, "MonthEnd": `{"month":"April"}`} {
		_, err := s.google.CreateTask(ctx, &cloudtaskspb.CreateTaskRequest{
			Parent: s.location() + "/queues/tour",
			Task: &cloudtaskspb.Task{
				DispatchDeadline: durationpb.New(15 * time.Minute),
				MessageType: &cloudtaskspb.Task_HttpRequest{HttpRequest: &cloudtaskspb.HttpRequest{
					Url:  s.cfg.BaseURL + "/tasks/" + name,
					Body: []byte(payload),
					AuthorizationHeader: &cloudtaskspb.HttpRequest_OidcToken{OidcToken: &cloudtaskspb.OidcToken{
						ServiceAccountEmail: s.cfg.ServiceAccount, Audience: s.cfg.BaseURL,
					}},
				}},
			},
		})
		if err != nil {
			return err
		}
	}
	return s.Expect(ctx, "GenerateReport: pdf report of April, 15m0s to finish", "CloseBooks: April is closed")
}

func (s *stage) retries(ctx context.Context) error {
	s.Scene("Retries", "An error or a panic is answered with 500, and Cloud Tasks delivers the task again after a backoff. The metadata\n"+
		"tells Run which attempt it is.")

	receipt, err := tasks.EnqueueRetryAwareAsap(ctx, s.client, tasks.RetryAware{APICall: "POST /invoices"})
	if err := s.enqueued("RetryAware", receipt, err); err != nil {
		return err
	}
	return s.Expect(ctx,
		"program: RetryAware enqueued in tour",
		"RetryAware: attempt 1 in tour, last: false, no previous failure",
		"RetryAware: attempt 2 in tour, last: false, previous failure: HTTP 500",
		"RetryAware: attempt 3 in tour, last: false, previous failure: HTTP 500",
		"RetryAware: attempt 4 in tour, last: true, previous failure: HTTP 500",
		"RetryAware: POST /invoices done by hand",
	)
}

func (s *stage) givingUp(ctx context.Context) error {
	s.Scene("Giving up", "An error wrapped by Discard is answered with success: Cloud Tasks forgets the task instead of retrying it.")

	receipt, err := tasks.EnqueueCloseAccountAsap(ctx, s.client, tasks.CloseAccount{UserID: 404})
	if err := s.enqueued("CloseAccount", receipt, err); err != nil {
		return err
	}
	if err := s.drained(ctx); err != nil {
		return err
	}
	return s.Expect(ctx,
		"program: CloseAccount enqueued in tour",
		"CloseAccount: no account 404, skipping retries",
	)
}

func (s *stage) headers(ctx context.Context) error {
	s.Scene("One trace", "A request enqueues a task that closes an account, which enqueues a notification. All three belong to one\n"+
		"trace: traceparent is propagated from the request to the tasks, and from task to task.")

	front := cloudtask.PropagateHeaders(s.cfg)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		receipt, err := tasks.EnqueueCloseAccountAsap(r.Context(), s.client, tasks.CloseAccount{UserID: 3})
		if err := s.enqueued("CloseAccount", receipt, err); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}))
	r := httptest.NewRequestWithContext(ctx, "DELETE", "/accounts/3", nil)
	r.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	answer := httptest.NewRecorder()
	front.ServeHTTP(answer, r)
	if answer.Code != http.StatusOK {
		return errors.New(answer.Body.String())
	}
	return s.Expect(ctx,
		"program: CloseAccount enqueued in tour",
		"CloseAccount: account 3 closed",
		"HighPriorityNotification: alert to Cy: your account is closed, trace 0af7651916cd43dd8448eb211c80319c",
	)
}

func (s *stage) forged(ctx context.Context) error {
	s.Scene("Forged requests", "The handler only accepts requests with an OIDC token of the service account, signed by the queue service.\n"+
		"The tasks of all other scenes had one.")

	for _, authorization := range []string{"", "Bearer eyJhbGciOiJub25lIn0.e30."} {
		r, err := http.NewRequestWithContext(ctx, "POST", s.cfg.BaseURL+"/tasks/CloseAccount", strings.NewReader(`{"user_id":1}`))
		if err != nil {
			return err
		}
		r.Header.Set("Authorization", authorization)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			return err
		}
		answer.Body.Close()
		s.note("POST /tasks/CloseAccount: %s", answer.Status)
	}
	return s.Expect(ctx,
		"program: POST /tasks/CloseAccount: 401 Unauthorized",
		"program: POST /tasks/CloseAccount: 401 Unauthorized",
	)
}

func (s *stage) payloadsOnly(ctx context.Context) error {
	s.Scene("Payloads without Run", "Package documents only declares the payload, so any service can enqueue it. The service that runs it\n"+
		"implements the generated interface documents.Runner.")

	receipt, err := documents.EnqueueArchiveDocumentAsap(ctx, s.client, documents.ArchiveDocument{DocumentID: "d-17", Labels: []string{"tax", "2026"}})
	if err := s.enqueued("ArchiveDocument", receipt, err); err != nil {
		return err
	}
	return s.Expect(ctx,
		"program: ArchiveDocument enqueued in archive",
		"ArchiveDocument: archived d-17 under [tax 2026]",
	)
}

// archiver runs the tasks of package documents.
type archiver struct{ app *tasks.App }

// RunArchiveDocument archives the document.
func (a archiver) RunArchiveDocument(ctx context.Context, task documents.ArchiveDocument) error {
	if task.DocumentID == "" {
		return cloudtask.Discard(errors.New("the document has no ID"))
	}
	a.app.Note("ArchiveDocument", "archived %s under %v", task.DocumentID, task.Labels)
	return nil
}
