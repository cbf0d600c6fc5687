package emulator

import (
	"context"
	"sync"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	"google.golang.org/protobuf/proto"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
)

// api is the wire API: each method converts, calls the engine and converts back. What the engine has no part in, which
// is access policies, key settings and locations, is answered here; the queue only keeps it.
type api struct {
	cloudtaskspb.UnimplementedCloudTasksServer
	longrunningpb.UnimplementedOperationsServer

	queue *localqueue.Service

	mu sync.Mutex // held while what is kept is read and changed
}

func newAPI(queue *localqueue.Service) *api {
	return &api{queue: queue}
}

// kept reads the message that the queue keeps under the name into m, and leaves m empty if there is none.
func (a *api) kept(ctx context.Context, name string, m proto.Message) error {
	data, err := a.queue.Kept(ctx, name)
	if err != nil {
		return wireError(err)
	}
	return proto.Unmarshal(data, m)
}

// keep has the queue keep m under the name; an empty message is forgotten.
func (a *api) keep(ctx context.Context, name string, m proto.Message) error {
	data, err := proto.Marshal(m)
	if err != nil {
		return err
	}
	return wireError(a.queue.Keep(ctx, name, data))
}
