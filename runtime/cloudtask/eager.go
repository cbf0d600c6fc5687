package cloudtask

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"
)

// runEager runs the task at once, as if it had been dispatched: from its encoded payload, with its deadline and metadata. It returns Run's
// own error.
func (c *Client) runEager(ctx context.Context, j *job) (Receipt, error) {
	route := c.routes[j.name]
	if route == nil {
		return Receipt{}, fmt.Errorf("enqueue %s: no route runs it eagerly: give its package's Routes to NewClient (%s)", j.name, c.knownRoutes())
	}
	m := Metadata{
		TaskID: j.id, Queue: j.queue, Project: c.cfg.Project, ETA: j.task.ScheduleTime, Headers: c.carried(j),
		eager: true, started: time.Now(), location: c.cfg.Location, retry: j.task.Retry,
	}
	if m.TaskID == "" {
		m.TaskID = rand.Text()
	}
	if m.ETA.IsZero() {
		m.ETA = m.started.UTC().Truncate(time.Microsecond)
	}
	c.log(ctx, "task run eagerly", j, m)
	ctx, cancel := context.WithTimeout(contextWithHeaders(contextWithMetadata(ctx, m), m.Headers), runTime(j.task.DispatchDeadline))
	defer cancel()
	result, err := route.execute(ctx, j.task.Body)
	if err != nil {
		return Receipt{}, err
	}
	receipt := Receipt{Metadata: m}
	if len(result) > 0 {
		receipt.Result = result
	}
	return receipt, nil
}

// knownRoutes lists the routes for an error message.
func (c *Client) knownRoutes() string {
	names := make([]string, 0, len(c.routes))
	for name := range c.routes {
		names = append(names, name)
	}
	slices.Sort(names)
	return "it was given " + strings.Join(names, ", ")
}
