package emulator

import (
	"context"
	"net"
	"strings"
	"sync"
	"time"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// answerRate is how many bytes of a large answer a client over gRPC has to take within stalled: gRPC takes an answer from
// its handler at once, and keeps it until the client's flow control lets it go. A connection that is slower is closed.
const answerRate = 4 << 20

// unreadAnswers bounds the large answers that clients have not read yet, over either face: a call whose answer may be large
// waits for its turn before the answer is made, and the turn ends when the answer has been sent.
type unreadAnswers struct {
	turns chan struct{}
	reads map[string]bool             // full names of the methods that read; true: any number of tasks or queues
	next  grpc.UnaryServerInterceptor // which lets no panic through
}

func newUnreadAnswers(next grpc.UnaryServerInterceptor, services []*grpc.ServiceDesc) *unreadAnswers {
	u := &unreadAnswers{turns: make(chan struct{}, maxLargeReads), reads: make(map[string]bool), next: next}
	for _, service := range services {
		found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(service.ServiceName))
		if err != nil {
			continue // newRoutes tells of it
		}
		methods := found.(protoreflect.ServiceDescriptor).Methods()
		for i := range methods.Len() {
			m := methods.Get(i)
			if name := string(m.Name()); strings.HasPrefix(name, "Get") || strings.HasPrefix(name, "List") {
				u.reads["/"+service.ServiceName+"/"+name] = isLarge(m.Output())
			}
		}
	}
	return u
}

// isLarge reports whether an answer is a page of a list, or an operation, which has what a batch has made.
func isLarge(answer protoreflect.MessageDescriptor) bool {
	return answer.Fields().ByName("next_page_token") != nil || answer.FullName() == "google.longrunning.Operation"
}

// mayBeLarge reports whether the answer to a call may be more than a part.
func (u *unreadAnswers) mayBeLarge(req any, info *grpc.UnaryServerInfo) bool {
	many, read := u.reads[info.FullMethod]
	if !read || many {
		return many
	}
	view, ok := req.(interface{ GetResponseView() cloudtaskspb.Task_View })
	return ok && view.GetResponseView() == cloudtaskspb.Task_FULL
}

// intercept has calls whose answers may be large take turns.
func (u *unreadAnswers) intercept(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	if !u.mayBeLarge(req, info) {
		return u.next(ctx, req, info, handler)
	}
	select {
	case u.turns <- struct{}{}:
	case <-ctx.Done():
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	end := sync.OnceFunc(func() { <-u.turns })
	resp, err := u.next(ctx, req, info, handler)
	message, ok := resp.(proto.Message)
	if err != nil || !ok || proto.Size(message) <= answerPart/4 { // as JSON it may be four times as long
		end()
		return resp, err
	}
	return &largeAnswer{message, end}, nil
}

// interceptGRPC is intercept for gRPC, which waits for clients without an end.
func (u *unreadAnswers) interceptGRPC(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	resp, err := u.intercept(ctx, req, info, handler)
	large, ok := resp.(*largeAnswer)
	if !ok {
		return resp, err
	}
	end := large.sent
	cutOff := time.AfterFunc(stalled*time.Duration(1+proto.Size(large.Message)/answerRate), func() {
		if p, ok := peer.FromContext(ctx); ok {
			if c, ok := p.AuthInfo.(connInfo); ok {
				c.conn.Close()
			}
		}
		end()
	})
	large.sent = func() { cutOff.Stop(); end() }
	return large, nil
}

// largeAnswer is an answer that whoever sends it calls sent for, when that is done.
type largeAnswer struct {
	proto.Message
	sent func()
}

// answerCodec is gRPC's codec for protocol buffers, which knows a largeAnswer besides.
type answerCodec struct{ encoding.CodecV2 }

func newAnswerCodec() answerCodec { return answerCodec{encoding.GetCodecV2("proto")} }

func (c answerCodec) Marshal(v any) (mem.BufferSlice, error) {
	large, ok := v.(*largeAnswer)
	if !ok {
		return c.CodecV2.Marshal(v)
	}
	data, err := proto.Marshal(large.Message)
	if err != nil {
		large.sent()
		return nil, err
	}
	return mem.BufferSlice{mem.NewBuffer(&data, sentPool{large.sent})}, nil
}

// sentPool is the pool of one buffer, which is given back when all of it has been sent, or will not be.
type sentPool struct{ sent func() }

func (sentPool) Get(n int) *[]byte { return new(make([]byte, n)) }

func (p sentPool) Put(*[]byte) { p.sent() }

// connCredentials lets calls get at their connection.
type connCredentials struct {
	credentials.TransportCredentials
}

func newConnCredentials() connCredentials { return connCredentials{insecure.NewCredentials()} }

func (connCredentials) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return conn, connInfo{credentials.CommonAuthInfo{SecurityLevel: credentials.NoSecurity}, conn}, nil
}

// connInfo is what a call knows of its connection.
type connInfo struct {
	credentials.CommonAuthInfo
	conn net.Conn
}

func (connInfo) AuthType() string { return "insecure" }
