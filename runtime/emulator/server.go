package emulator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"sync"
	"time"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	_ "google.golang.org/grpc/encoding/gzip" // clients may compress what they send
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/guard"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/issuer"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
)

// maxRequest bounds a request in bytes: a batch of 100 tasks of the largest size fits.
const maxRequest = 112 << 20

// streamWorkers is how many goroutines wait for calls. A new goroutine for each call would grow its stack anew, which
// costs more processor time than all else that a CreateTask does here. Calls beyond them get a goroutine of their own.
const streamWorkers = 16

// Option sets up a [Server].
type Option func(*options)

type options struct {
	logger  *slog.Logger
	console http.Handler
	hosts   []string
}

// WithLogger logs to l in place of [slog.Default].
func WithLogger(l *slog.Logger) Option {
	return func(o *options) { o.logger = l }
}

// WithHosts answers requests that name one of the hosts, without ports, too. Other requests are answered under IP
// addresses, names without a dot, names in the domains localhost, test, internal, svc and cluster.local, and the host of
// the queue's issuer only: any other name could be one that a web page has been given, to get at the queue through its
// user's browser (DNS rebinding).
func WithHosts(hosts ...string) Option {
	return func(o *options) { o.hosts = append(o.hosts, hosts...) }
}

// WithConsole serves a web page for people at the path / and those that begin with /ui/, such as package console's.
func WithConsole(page http.Handler) Option {
	return func(o *options) { o.console = page }
}

// Server is the wire API on one listener. [Serve] returns one.
type Server struct {
	mux  *mux
	grpc *grpc.Server
	http *http.Server

	endControl func()
	end        context.CancelFunc // of what lasts: pages that are kept up to date, watched health
	serving    sync.WaitGroup
}

// Serve begins to serve queue on listener, which may be a TCP one or in memory, such as gRPC's bufconn. It returns at
// once; [Server.Shutdown] or [Server.Close] ends it and closes the listener, while the queue stays its owner's.
//
// A queue without a token source gets an [issuer.Issuer] named after the listener's address. To choose another name,
// such as the one that other machines reach the listener by, create the queue with
// localqueue.WithTokenSource(issuer.New("http://HOST:PORT")); Serve publishes that issuer's keys.
func Serve(queue *localqueue.Service, listener net.Listener, opts ...Option) *Server {
	o := options{logger: slog.Default()}
	for _, opt := range opts {
		opt(&o)
	}
	api := newAPI(queue)
	services := []*grpc.ServiceDesc{&cloudtaskspb.CloudTasks_ServiceDesc, locationsService(), &longrunningpb.Operations_ServiceDesc}
	unread := newUnreadAnswers(recoverPanics(o.logger), services)
	routes, err := newRoutes(api, unread.intercept, services...)
	if err == nil {
		err = addBufferTask(routes, api)
	}
	discovery, invalid := newDiscovery(o.logger)
	err = errors.Join(err, invalid)
	if err != nil {
		panic(fmt.Sprintf("emulator: the wire API's own definition: %v", err)) // compiled in: every test would see it
	}
	tokens := queue.UseTokenSource(issuer.New("http://" + listener.Addr().String()))
	ended, end := context.WithCancel(context.Background())
	if o.console != nil {
		o.console = endWith(ended, o.console)
	}
	if i, ok := tokens.(*issuer.Issuer); ok {
		if u, err := url.Parse(i.URL()); err == nil {
			o.hosts = append(o.hosts, u.Hostname())
		}
	}
	door := &door{guard: guard.New(o.hosts...), log: o.logger}
	s := &Server{
		end: end,
		mux: newMux(listener, o.logger),
		grpc: grpc.NewServer(
			grpc.MaxRecvMsgSize(maxRequest),
			grpc.MaxSendMsgSize(math.MaxInt32),
			grpc.WaitForHandlers(true),
			grpc.NumStreamWorkers(streamWorkers),
			grpc.InTapHandle(door.admitStream),
			grpc.UnaryInterceptor(unread.interceptGRPC),
			grpc.ForceServerCodecV2(newAnswerCodec()),
			grpc.Creds(newConnCredentials()),
			grpc.ConnectionTimeout(sniffTimeout),
			grpc.KeepaliveParams(keepalive.ServerParameters{Time: time.Minute, Timeout: 20 * time.Second}), // of clients that have gone without a word
			grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: time.Second, PermitWithoutStream: true}),
		),
		http: &http.Server{
			Handler:           newHTTPHandler(newREST(routes, o.logger), discovery, o.console, tokens, o.logger),
			ReadHeaderTimeout: sniffTimeout,
			ReadTimeout:       time.Minute,
			IdleTimeout:       2 * time.Minute,
			ErrorLog:          slog.NewLogLogger(o.logger.Handler(), slog.LevelWarn),
		},
	}
	for _, service := range services {
		s.grpc.RegisterService(service, api)
	}
	healthpb.RegisterHealthServer(s.grpc, newHealth(ended, queue, append(services, &healthpb.Health_ServiceDesc)))
	s.http.Handler, s.endControl = withControl(api, s.http.Handler)
	s.http.Handler = door.admit(s.http.Handler)

	// Both return when the mux or they themselves are closed, and have nothing else to report.
	s.serving.Go(func() { _ = s.grpc.Serve(s.mux.grpc) })
	s.serving.Go(func() { _ = s.http.Serve(s.mux.http) })
	s.mux.start()
	return s
}

// Addr returns the listener's address.
func (s *Server) Addr() net.Addr { return s.mux.listener.Addr() }

// Shutdown stops accepting calls and lets those that are running end. When ctx is done first they are cut off, and its
// error is returned. No goroutine of the server is left when it returns.
func (s *Server) Shutdown(ctx context.Context) error {
	s.end()
	err := s.mux.close()
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		s.grpc.GracefulStop()
		_ = s.http.Shutdown(ctx) // its only error is ctx's
	}()
	select {
	case <-drained:
	case <-ctx.Done():
	}
	if ctx.Err() != nil {
		err = errors.Join(fmt.Errorf("draining the emulator's calls: %w", ctx.Err()), err)
	}
	s.grpc.Stop()
	err = errors.Join(err, s.http.Close())
	<-drained
	s.serving.Wait()
	s.endControl()
	return err
}

// Close stops serving at once.
func (s *Server) Close() error {
	s.end()
	err := s.mux.close()
	s.grpc.Stop()
	err = errors.Join(err, s.http.Close())
	s.serving.Wait()
	s.endControl()
	return err
}

// recoverPanics turns a panic of a call into INTERNAL, so that one request never takes down everybody's queue.
func recoverPanics(log *slog.Logger) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (resp any, err error) {
		defer func() {
			if p := recover(); p != nil {
				log.ErrorContext(ctx, "panic in a call", "method", info.FullMethod, "panic", p, "stack", string(debug.Stack()))
				resp, err = nil, status.Errorf(codes.Internal, "panic in %s: %v", info.FullMethod, p)
			}
		}()
		return handler(ctx, req)
	}
}
