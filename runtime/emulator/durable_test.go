package emulator_test

import (
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
