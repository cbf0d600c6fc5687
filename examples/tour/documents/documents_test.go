package documents

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtasktest"
)

// archive is a service that archives documents.
type archive struct{ archived []ArchiveDocument }

func (a *archive) RunArchiveDocument(_ context.Context, task ArchiveDocument) error {
	if task.DocumentID == "" {
		return errors.New("no document")
	}
	a.archived = append(a.archived, task)
	return nil
}

// A service that only enqueues needs no Runner: what it enqueues stays where it is.
func TestEnqueue(t *testing.T) {
	t.Parallel()
	q := cloudtasktest.New(t)
	want := ArchiveDocument{DocumentID: "d-17", Labels: []string{"tax", "2026"}}
	if _, err := EnqueueArchiveDocumentAsap(t.Context(), q.Client, want); err != nil {
		t.Fatal(err)
	}
	document := cloudtasktest.Only(t, EnqueuedArchiveDocument(q), want)
	if document.Queue != "archive" {
		t.Errorf("%v, want it in archive", document)
	}
	document.Want(t, cloudtasktest.Waiting)
}

// The service that archives implements Runner.
func TestRun(t *testing.T) {
	t.Parallel()
	service := new(archive)
	q := cloudtasktest.New(t, Routes(service)...)
	documents := []ArchiveDocument{{DocumentID: "a"}, {}, {DocumentID: "b"}}
	if _, err := EnqueueArchiveDocumentBatch(t.Context(), q.Client, documents); err != nil {
		t.Fatal(err)
	}
	q.RunFor(0)
	want := []cloudtasktest.Outcome{cloudtasktest.Executed, cloudtasktest.Waiting, cloudtasktest.Executed}
	for i, document := range cloudtasktest.Exactly(t, EnqueuedArchiveDocument(q), documents...) {
		document.Want(t, want[i])
	}
	if diff := cmp.Diff([]ArchiveDocument{documents[0], documents[2]}, service.archived); diff != "" {
		t.Errorf("archived (-want +got):\n%s", diff)
	}
}
