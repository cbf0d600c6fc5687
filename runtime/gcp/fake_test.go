package gcp_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	"golang.org/x/oauth2"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/gcp"
)

// call is one request that the fake service received.
type call struct {
	method string
	header metadata.MD
	req    proto.Message
}

// fakeService answers every call with what the test has set, and remembers it.
type fakeService struct {
	cloudtaskspb.UnimplementedCloudTasksServer
	longrunningpb.UnimplementedOperationsServer

	answer func(ctx context.Context, req proto.Message) (proto.Message, error)

	mu    sync.Mutex
	calls []call
}

func (f *fakeService) received() []call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]call(nil), f.calls...)
}

func handle[R proto.Message](ctx context.Context, f *fakeService, req proto.Message) (R, error) {
	method, _ := grpc.Method(ctx)
	header, _ := metadata.FromIncomingContext(ctx)
	f.mu.Lock()
	f.calls = append(f.calls, call{method[strings.LastIndexByte(method, '/')+1:], header, req})
	f.mu.Unlock()
	resp, err := f.answer(ctx, req)
	if err != nil {
		var none R
		return none, err
	}
	return resp.(R), nil
}

func (f *fakeService) CreateTask(ctx context.Context, req *cloudtaskspb.CreateTaskRequest) (*cloudtaskspb.Task, error) {
	return handle[*cloudtaskspb.Task](ctx, f, req)
}

func (f *fakeService) BatchCreateTasks(ctx context.Context, req *cloudtaskspb.BatchCreateTasksRequest) (*longrunningpb.Operation, error) {
	return handle[*longrunningpb.Operation](ctx, f, req)
}

func (f *fakeService) BatchDeleteTasks(ctx context.Context, req *cloudtaskspb.BatchDeleteTasksRequest) (*longrunningpb.Operation, error) {
	return handle[*longrunningpb.Operation](ctx, f, req)
}

func (f *fakeService) GetOperation(ctx context.Context, req *longrunningpb.GetOperationRequest) (*longrunningpb.Operation, error) {
	return handle[*longrunningpb.Operation](ctx, f, req)
}

func (f *fakeService) GetTask(ctx context.Context, req *cloudtaskspb.GetTaskRequest) (*cloudtaskspb.Task, error) {
	return handle[*cloudtaskspb.Task](ctx, f, req)
}

func (f *fakeService) ListTasks(ctx context.Context, req *cloudtaskspb.ListTasksRequest) (*cloudtaskspb.ListTasksResponse, error) {
	return handle[*cloudtaskspb.ListTasksResponse](ctx, f, req)
}

func (f *fakeService) DeleteTask(ctx context.Context, req *cloudtaskspb.DeleteTaskRequest) (*emptypb.Empty, error) {
	return handle[*emptypb.Empty](ctx, f, req)
}

func (f *fakeService) GetQueue(ctx context.Context, req *cloudtaskspb.GetQueueRequest) (*cloudtaskspb.Queue, error) {
	return handle[*cloudtaskspb.Queue](ctx, f, req)
}

// serve starts the fake service with the given options and returns its address.
func (f *fakeService) serve(t *testing.T, opts ...grpc.ServerOption) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(opts...)
	cloudtaskspb.RegisterCloudTasksServer(server, f)
	longrunningpb.RegisterOperationsServer(server, f)
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	return listener.Addr().String()
}

// serveTLS starts the fake service over TLS and returns its address and the pool that trusts its certificate.
func (f *fakeService) serveTLS(t *testing.T) (string, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	addr := f.serve(t, grpc.Creds(credentials.NewServerTLSFromCert(&tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key})))
	return addr, pool
}

// production returns a backend that takes the way to Cloud Tasks that programs in production take, credentials and TLS
// included, to the fake service.
func (f *fakeService) production(t *testing.T) *gcp.Backend {
	t.Helper()
	addr, pool := f.serveTLS(t)
	backend, err := gcp.NewBackend(t.Context(), cloudtask.Config{}, productionOptions(addr, pool)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { backend.Close() })
	return backend
}

const testToken = "ya29.injected"

func productionOptions(addr string, roots *x509.CertPool) []option.ClientOption {
	return []option.ClientOption{
		option.WithEndpoint(addr),
		option.WithTokenSource(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: testToken, TokenType: "Bearer"})),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: roots}))),
	}
}
