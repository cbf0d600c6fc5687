package gcp

import (
	"context"
	"fmt"

	cloudtasks "cloud.google.com/go/cloudtasks/apiv2"
	"github.com/googleapis/gax-go/v2"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
)

// NewClient returns a client that enqueues to Cloud Tasks with the program's default credentials, or to the emulator
// at cfg.EmulatorHost. The routes matter only when cfg.Eager is set: tasks then run at once, in this process, and
// nothing is connected to. The context covers finding the credentials; it may end once NewClient has returned.
//
// A configuration whose tasks Cloud Tasks could not deliver, or the handler would refuse, is an error: without an
// emulator, BaseURL must be an https URL of another machine, and ServiceAccount must be set, unless InsecureNoAuth says
// that tasks go without a token.
//
// For other credentials, another endpoint or a connection of your own, pass a [NewBackend] to [cloudtask.NewClient].
func NewClient(ctx context.Context, cfg cloudtask.Config, routes ...cloudtask.Route) (*cloudtask.Client, error) {
	if cfg.Eager {
		return cloudtask.NewClient(nil, cfg, routes...)
	}
	backend := newBackend(cfg)
	client, err := cloudtask.NewClient(backend, cfg, routes...) // says what is wrong with cfg before credentials are missed
	if err != nil {
		return nil, err
	}
	if err := backend.connect(ctx, cfg); err != nil {
		return nil, err
	}
	return client, nil
}

// NewBackend returns the [cloudtask.Backend] that calls Cloud Tasks, or the emulator at cfg.EmulatorHost: the only
// field of cfg that it reads. The options are given to the official client after its defaults and after those that the
// emulator needs. Without EmulatorHost a [cloudtask.NewClient] with this backend checks its configuration as [NewClient]
// does. It connects on the first call, so that an unreachable service is an error of that call, with the
// code [cloudtask.Unavailable].
func NewBackend(ctx context.Context, cfg cloudtask.Config, opts ...option.ClientOption) (*Backend, error) {
	backend := newBackend(cfg)
	if err := backend.connect(ctx, cfg, opts...); err != nil {
		return nil, err
	}
	return backend, nil
}

// Connect returns the official client itself, for what a [Backend] does not do, such as pausing a queue. It connects as
// [NewBackend] does.
func Connect(ctx context.Context, cfg cloudtask.Config, opts ...option.ClientOption) (*cloudtasks.Client, error) {
	if cfg.EmulatorHost != "" {
		emulatorOpts, err := emulatorOptions(cfg.EmulatorHost)
		if err != nil {
			return nil, err
		}
		opts = append(emulatorOpts, opts...)
	}
	client, err := cloudtasks.NewClient(ctx, opts...)
	if err != nil {
		return nil, fmt.Errorf("creating the Cloud Tasks client: %w", err)
	}
	return client, nil
}

// newBackend returns a backend that is not connected yet.
func newBackend(cfg cloudtask.Config) *Backend { return &Backend{emulated: cfg.EmulatorHost != ""} }

// connect gives b its client.
func (b *Backend) connect(ctx context.Context, cfg cloudtask.Config, opts ...option.ClientOption) error {
	client, err := Connect(ctx, cfg, opts...)
	if err != nil {
		return err
	}
	withoutRetries(client.CallOptions)
	b.client = client
	return nil
}

// withoutRetries turns off the official client's own retries: the core client retries, within limits that its user has
// set, and two layers of retrying would multiply.
func withoutRetries(calls *cloudtasks.CallOptions) {
	once := gax.WithRetry(func() gax.Retryer { return nil })
	for _, call := range []*[]gax.CallOption{
		&calls.CreateTask, &calls.BatchCreateTasks, &calls.GetTask, &calls.ListTasks, &calls.DeleteTask, &calls.BatchDeleteTasks, &calls.GetQueue,
	} {
		*call = append(*call, once)
	}
}

// emulatorOptions are the client options that reach an emulator at host: no TLS, no credentials and no proxy.
func emulatorOptions(host string) ([]option.ClientOption, error) {
	if err := rules.CheckEmulator(host); err != nil {
		return nil, fmt.Errorf("EmulatorHost (CLOUD_TASKS_EMULATOR_HOST) %q: %w", host, err)
	}
	return []option.ClientOption{
		option.WithEndpoint(host),
		option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())),
		option.WithGRPCDialOption(grpc.WithNoProxy()),
	}, nil
}
