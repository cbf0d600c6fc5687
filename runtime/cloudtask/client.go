package cloudtask

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// Client enqueues tasks, and reads and deletes queued ones. It is safe for concurrent use.
type Client struct {
	backend  Backend
	cfg      Config            // its queues are ids in Cloud Tasks
	queues   string            // resource name of a queue, but for its id in Cloud Tasks
	queue    string            // resource name of the default queue
	urls     string            // URL of a task, but for its name
	header   map[string]string // of most tasks, which share it; never changed
	routes   map[string]*Route // of eager mode
	settings *queueSettings    // for the context of Debug

	closed  atomic.Bool
	noBatch atomic.Bool         // the service has said that it cannot create tasks in batches
	now     func() time.Time    // the service's clock
	random  func(n int64) int64 // in [0,n), n > 0
	buffers pool                // of *[]byte, into which payloads are encoded
}

// pool is a [sync.Pool]. An interface keeps that one, and what it consists of, out of what is compiled with generated code, which
// names Client.
type pool interface {
	Get() any
	Put(any)
}

// NewClient returns a client that enqueues through the backend. Its error names everything that is wrong with the configuration. The
// routes are used only with cfg.Eager, where they run the tasks; the backend may then be nil.
func NewClient(backend Backend, cfg Config, routes ...Route) (*Client, error) {
	cfg, err := cfg.forClient(isCloudTasks(backend), routes)
	if backend == nil && !cfg.Eager {
		err = errors.Join(err, errors.New("a client that is not eager needs a backend"))
	}
	cfg.Queue = cfg.QueuePrefix + cfg.Queue
	if cfg.BackupQueue != "" {
		cfg.BackupQueue = cfg.QueuePrefix + cfg.BackupQueue
	}
	c := &Client{
		backend: backend,
		cfg:     cfg,
		queues:  "projects/" + cfg.Project + "/locations/" + cfg.Location + "/queues/",
		urls:    cfg.BaseURL + cfg.PathPrefix,
		header:  plainHeader(),
		now:     clockOf(backend),
		random:  rand.Int64N,
		buffers: new(sync.Pool),
	}
	c.queue = c.queues + cfg.Queue
	if cfg.Eager {
		var routesErr error
		c.routes, routesErr = routeTable(&cfg, routes)
		err = errors.Join(err, routesErr)
	}
	if err != nil {
		return nil, err
	}
	if backend != nil {
		c.settings = newQueueSettings(backend)
	}
	return c, nil
}

// Close releases the backend's connections. The client must not be used afterwards. Further calls of Close do nothing.
func (c *Client) Close() error {
	if c.backend == nil || c.closed.Swap(true) {
		return nil
	}
	return c.backend.Close()
}

// queueName returns the resource name of the queue with this id in Cloud Tasks.
func (c *Client) queueName(id string) string {
	if id == c.cfg.Queue {
		return c.queue
	}
	return c.queues + id
}

// reachable returns why queued tasks cannot be read; nil if they can.
func (c *Client) reachable() error {
	switch {
	case c.backend == nil:
		return errors.New("this client has no backend: in eager mode tasks run at once and none are queued")
	case c.cfg.Project == "" || c.cfg.Location == "":
		return errors.New("looking at queued tasks needs Project and Location in the configuration")
	}
	return nil
}

// getTask returns a queued task with its body.
func (c *Client) getTask(ctx context.Context, name string) (*Task, error) {
	return repeat(ctx, c.cfg.CallTimeout, c.random, func(ctx context.Context) (*Task, error) { return c.backend.GetTask(ctx, name) })
}
