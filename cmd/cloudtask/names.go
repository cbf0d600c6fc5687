package main

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cloudtaskgen/cloudtaskgen/cmd/internal/cli"
)

var (
	queueName = regexp.MustCompile(`^projects/([A-Za-z0-9:.-]+)/locations/([A-Za-z0-9-]+)/queues/([A-Za-z0-9-]{1,100})$`)
	taskName  = regexp.MustCompile(`^(projects/[A-Za-z0-9:.-]+/locations/[A-Za-z0-9-]+/queues/[A-Za-z0-9-]{1,100})/tasks/([A-Za-z0-9_-]{1,500})$`)
	queueID   = regexp.MustCompile(`^[A-Za-z0-9-]{1,100}$`)
	taskID    = regexp.MustCompile(`^[A-Za-z0-9_-]{1,500}$`)

	projectID  = regexp.MustCompile(`^[A-Za-z0-9:.-]+$`)
	locationID = regexp.MustCompile(`^[A-Za-z0-9-]+$`)
)

func validProject(id string) bool  { return projectID.MatchString(id) }
func validLocation(id string) bool { return locationID.MatchString(id) }

func lastSegment(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }

// hasChosenID reports whether the task's ID was chosen by its creator. IDs that the queue service assigns consist of digits, and
// are never reused.
func hasChosenID(task string) bool { return strings.Trim(lastSegment(task), "0123456789") != "" }

// reservedFor says how long a chosen task ID cannot be reused. Cloud Tasks documents no more than that.
const reservedFor = "for up to 24 hours after the task is gone"

// splitLocation returns P and L of projects/P/locations/L.
func splitLocation(name string) (project, location string) {
	project, location, _ = strings.Cut(strings.TrimPrefix(name, "projects/"), "/locations/")
	return project, location
}

// splitQueue returns the parts of a queue's resource name.
func splitQueue(name string) (project, location, id string) {
	if m := queueName.FindStringSubmatch(name); m != nil {
		return m[1], m[2], m[3]
	}
	return "", "", name
}

// queueOf returns the resource name of a task's queue.
func queueOf(task string) string {
	if m := taskName.FindStringSubmatch(task); m != nil {
		return m[1]
	}
	return task
}

// prefixed returns id with the prefix, which IDs printed by ls have already.
func prefixed(prefix, id string) string {
	if strings.HasPrefix(id, prefix) {
		return id
	}
	return prefix + id
}

// resolveQueue returns the resource name of the queue that an argument names: a resource name, or the ID of exactly one of the
// target's queues, with or without the prefix.
func (t *target) resolveQueue(ctx context.Context, arg string) (string, error) {
	switch {
	case queueName.MatchString(arg):
		return arg, nil
	case !queueID.MatchString(arg):
		return "", cli.BadUsage("invalid queue %q: want an ID of letters, digits and hyphens, or projects/P/locations/L/queues/Q", arg)
	}
	id := prefixed(t.prefix, arg)
	switch {
	case !queueID.MatchString(id):
		return "", cli.BadUsage("queue %q: with the prefix %q its ID has %d characters; Cloud Tasks allows 100", arg, t.prefix, len(id))
	case t.project != "" && t.location != "":
		return "projects/" + t.project + "/locations/" + t.location + "/queues/" + id, nil
	}
	found, err := t.queues(ctx, id)
	if err != nil {
		return "", err
	}
	names := make([]string, len(found))
	for i, q := range found {
		names[i] = q.GetName()
	}
	return onlyOne(names, "queue "+id, t.scope())
}

// onlyOne returns the only element of names, which are the resource names found for what in scope.
func onlyOne(names []string, what, scope string) (string, error) {
	switch len(names) {
	case 0:
		return "", notFoundError{fmt.Errorf("%s not found in %s", what, scope)}
	case 1:
		return names[0], nil
	}
	return "", cli.BadUsage("%s is ambiguous in %s; use a resource name:\n  %s", what, scope, strings.Join(names, "\n  "))
}

// resolveQueues returns the resource names of the queues that args name, or of all the target's queues if there are none.
func (t *target) resolveQueues(ctx context.Context, args []string) ([]string, error) {
	var names []string
	for _, arg := range args {
		name, err := t.resolveQueue(ctx, arg)
		if err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	if len(args) > 0 {
		return names, nil
	}
	found, err := t.queues(ctx, "")
	for _, q := range found {
		names = append(names, q.GetName())
	}
	return names, err
}

// resolveTask returns the task that an argument names by its resource name, as QUEUE/ID, or by its ID, which is looked up in the
// queues given, or in all.
func (t *target) resolveTask(ctx context.Context, arg string, queues []string, view cloudtaskspb.Task_View) (*cloudtaskspb.Task, error) {
	if taskName.MatchString(arg) {
		return t.getTask(ctx, arg, view)
	}
	id := arg
	if queue, rest, cut := strings.Cut(arg, "/"); cut {
		if !queueID.MatchString(queue) || !taskID.MatchString(rest) || len(queues) > 0 {
			return nil, cli.BadUsage("invalid task %q: want an ID, QUEUE/ID (without -queue) or projects/P/locations/L/queues/Q/tasks/ID", arg)
		}
		queues, id = []string{queue}, rest
	}
	if !taskID.MatchString(id) {
		return nil, cli.BadUsage("invalid task %q: want an ID of letters, digits, hyphens and underscores, QUEUE/ID or projects/P/locations/L/queues/Q/tasks/ID", arg)
	}
	names, err := t.resolveQueues(ctx, queues)
	if err != nil {
		return nil, err
	}
	if len(names) == 1 {
		return t.getTask(ctx, names[0]+"/tasks/"+id, view)
	}
	return t.searchTask(ctx, id, names, view)
}

// searchTask returns the task with the given ID in one of the queues.
func (t *target) searchTask(ctx context.Context, id string, queues []string, view cloudtaskspb.Task_View) (*cloudtaskspb.Task, error) {
	var mu sync.Mutex
	found := make(map[string]*cloudtaskspb.Task)
	var formerly []string // queues that remember its ID
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(maxCalls)
	for _, queue := range queues {
		group.Go(func() error {
			task, err := t.getTask(groupCtx, queue+"/tasks/"+id, view)
			if status.Code(err) == codes.NotFound {
				if existedRecently(err) {
					mu.Lock()
					formerly = append(formerly, queue)
					mu.Unlock()
				}
				return nil
			}
			if err == nil {
				mu.Lock()
				found[task.GetName()] = task
				mu.Unlock()
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		if ctx.Err() != nil {
			return nil, cli.ErrInterrupted
		}
		return nil, err
	}
	var names []string
	for name := range found {
		names = append(names, name)
	}
	if len(names) == 0 && len(formerly) > 0 {
		slices.Sort(formerly)
		return nil, notFoundError{fmt.Errorf("task %s is gone from %s; its ID stays reserved there %s", id, strings.Join(formerly, ", "), reservedFor)}
	}
	name, err := onlyOne(names, "task "+id, t.scope())
	return found[name], err
}

// existedRecently reports whether err says that the task is gone and that its ID is still reserved. Only the message tells.
func existedRecently(err error) bool {
	return strings.Contains(status.Convert(err).Message(), "existed recently")
}
