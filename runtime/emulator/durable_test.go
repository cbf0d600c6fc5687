package emulator_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"cloud.google.com/go/iam/apiv1/iampb"
	"google.golang.org/protobuf/proto"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
)

// What only the wire API has is kept in the queue's directory too.
func TestRestartKeepsPoliciesAndKeys(t *testing.T) {
	t.Parallel()
	const cmek = locationName + "/cmekConfig"
	const key = locationName + "/keyRings/r/cryptoKeys/k"
	dir := t.TempDir()
	e := serve(t, localqueue.WithDir(dir))
	policy, err := e.client.SetIamPolicy(t.Context(), &iampb.SetIamPolicyRequest{Resource: queueName, Policy: &iampb.Policy{
		Bindings: []*iampb.Binding{{Role: "roles/cloudtasks.enqueuer", Members: []string{"user:a@example.com"}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.client.UpdateCmekConfig(t.Context(), &cloudtaskspb.UpdateCmekConfigRequest{CmekConfig: &cloudtaskspb.CmekConfig{Name: cmek, KmsKey: key}}); err != nil {
		t.Fatal(err)
	}
	e.server.Close()
	if err := e.queue.Close(); err != nil {
		t.Fatal(err)
	}

	e = serve(t, localqueue.WithDir(dir))
	if got, err := e.client.GetIamPolicy(t.Context(), &iampb.GetIamPolicyRequest{Resource: queueName}); err != nil || !proto.Equal(got, policy) {
		t.Errorf("policy %v, %v; want %v", got, err, policy)
	}
	if got, err := e.client.GetCmekConfig(t.Context(), &cloudtaskspb.GetCmekConfigRequest{Name: cmek}); err != nil || got.GetKmsKey() != key {
		t.Errorf("key settings %v, %v; want %s", got, err, key)
	}
}

// A queue is deleted with its policy or not at all, wherever a crash ends the journal: a queue of the same name that is
// created afterwards has none.
func TestDeletedQueueHasNoPolicy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	read := func(name string) []byte {
		t.Helper()
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return bytes.TrimRight(data, "\x00")
	}
	const journal, watermark = "journal-00000001", "watermark"
	e := serve(t, localqueue.WithDir(dir), localqueue.WithTombstones(0, -1))
	policy := &iampb.Policy{Bindings: []*iampb.Binding{{Role: "roles/cloudtasks.enqueuer", Members: []string{"user:a@example.com"}}}}
	if _, err := e.client.SetIamPolicy(t.Context(), &iampb.SetIamPolicyRequest{Resource: queueName, Policy: policy}); err != nil {
		t.Fatal(err)
	}
	before, mark := len(read(journal)), read(watermark)
	if err := e.client.DeleteQueue(t.Context(), &cloudtaskspb.DeleteQueueRequest{Name: queueName}); err != nil {
		t.Fatal(err)
	}
	after := read(journal)
	deleted := 0
	for end := before; end <= len(after); end += 256 {
		dir := t.TempDir()
		for name, data := range map[string][]byte{journal: after[:end], watermark: mark} {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		queue, err := localqueue.New(localqueue.WithDir(dir), localqueue.WithTombstones(0, -1), localqueue.WithLogger(slog.New(slog.DiscardHandler)))
		if err != nil {
			t.Fatal(err)
		}
		client := dialMemory(t, queue)
		want := 1
		if _, err := client.CreateQueue(t.Context(), &cloudtaskspb.CreateQueueRequest{Parent: locationName, Queue: &cloudtaskspb.Queue{Name: queueName}}); err == nil {
			want = 0
			deleted++
		}
		if got, err := client.GetIamPolicy(t.Context(), &iampb.GetIamPolicyRequest{Resource: queueName}); err != nil || len(got.GetBindings()) != want {
			t.Errorf("with %d of %d bytes of the deletion: policy %v, %v; want %d bindings", end-before, len(after)-before, got, err, want)
		}
		if err := queue.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if deleted == 0 {
		t.Error("the queue was there after every crash")
	}
}
