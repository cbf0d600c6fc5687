package emulator

import (
	"bytes"
	"context"
	"crypto/rand"

	"cloud.google.com/go/iam/apiv1/iampb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// Access policies of queues are stored and returned, and enforced nowhere: whoever reaches the port may do everything.
// They are kept under the queues' names, and go with them.

func (a *api) GetIamPolicy(ctx context.Context, req *iampb.GetIamPolicyRequest) (*iampb.Policy, error) {
	if _, err := a.queue.GetQueue(ctx, req.GetResource()); err != nil {
		return nil, wireError(err)
	}
	policy := &iampb.Policy{}
	return policy, a.kept(ctx, req.GetResource(), policy)
}

// SetIamPolicy replaces the policy. A policy with an etag replaces only the one that it was read from.
func (a *api) SetIamPolicy(ctx context.Context, req *iampb.SetIamPolicyRequest) (*iampb.Policy, error) {
	if _, err := a.queue.GetQueue(ctx, req.GetResource()); err != nil {
		return nil, wireError(err)
	}
	policy := &iampb.Policy{}
	if req.GetPolicy() != nil {
		policy = proto.CloneOf(req.GetPolicy())
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	var before iampb.Policy
	if err := a.kept(ctx, req.GetResource(), &before); err != nil {
		return nil, err
	}
	if len(policy.GetEtag()) > 0 && !bytes.Equal(policy.GetEtag(), before.GetEtag()) {
		return nil, status.Error(codes.Aborted, "There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff.")
	}
	policy.Etag = []byte(rand.Text()[:8])
	return policy, a.keep(ctx, req.GetResource(), policy)
}

// TestIamPermissions grants everything on a queue that exists, and nothing, without an error, on one that does not.
func (a *api) TestIamPermissions(ctx context.Context, req *iampb.TestIamPermissionsRequest) (*iampb.TestIamPermissionsResponse, error) {
	_, err := a.queue.GetQueue(ctx, req.GetResource())
	switch err := wireError(err); status.Code(err) {
	case codes.OK:
		return &iampb.TestIamPermissionsResponse{Permissions: req.GetPermissions()}, nil
	case codes.NotFound:
		return &iampb.TestIamPermissionsResponse{}, nil
	default:
		return nil, err
	}
}
