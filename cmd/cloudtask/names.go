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

// isNamed reports whether the enqueuer has chosen the task's id: those that the queue service chooses are digits, and never
// come again.
func isNamed(task string) bool { return strings.Trim(lastSegment(task), "0123456789") != "" }

// nameStaysTaken says for how long the id of a task cannot be used again. Cloud Tasks tells no more than that.
const nameStaysTaken = "for up to 24 hours after the task is gone"

// splitLocation returns the parts of projects/P/locations/L.
func splitLocation(name string) (project, location string) {
	project, location, _ = strings.Cut(strings.TrimPrefix(name, "projects/"), "/locations/")
	return project, location
}

// splitQueue returns the parts of a queue's full name.
func splitQueue(name string) (project, location, id string) {
	if m := queueName.FindStringSubmatch(name); m != nil {
		return m[1], m[2], m[3]
	}
	return "", "", name
}

// queueOf returns the full name of the queue of a task.
func queueOf(task string) string {
	if m := taskName.FindStringSubmatch(task); m != nil {
		return m[1]
	}
	return task
}

// prefixed returns the id in Cloud Tasks of a queue that is named by id: with the prefix, which an id that is printed by ls
// has already.
func prefixed(prefix, id string) string {
	if strings.HasPrefix(id, prefix) {
		return id
	}
	return prefix + id
}

// resolveQueue returns the full name of the queue that an argument names: a full name, or an id that one queue of those
// that are looked at has, with or without the prefix.
func (t *target) resolveQueue(ctx context.Context, arg string) (string, error) {
	switch {
	case queueName.MatchString(arg):
		return arg, nil
	case !queueID.MatchString(arg):
		return "", cli.BadUsage("%q is not a queue: want an id of letters, digits and \"-\", or projects/P/locations/L/queues/Q", arg)
	}
	id := prefixed(t.prefix, arg)
	switch {
	case !queueID.MatchString(id):
		return "", cli.BadUsage("queue %q: with the prefix %q its id has %d characters, Cloud Tasks allows 100", arg, t.prefix, len(id))
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
	return one(names, fmt.Sprintf("queue %s in %s", id, t.scope()))
}

// one returns the only name, or says why there is none to take.
func one(names []string, what string) (string, error) {
	switch len(names) {
	case 0:
		return "", notFoundError{fmt.Errorf("there is no %s", what)}
	case 1:
		return names[0], nil
	}
	return "", cli.BadUsage("there is more than one %s; give the full name:\n  %s", what, strings.Join(names, "\n  "))
}

// resolveQueues returns the full names of the queues that -queue names, all where it names none.
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

// resolveTask returns the task that an argument names, in the view: by its full name, as QUEUE/ID, or by its id, which
// is looked for in the queues of -queue, or in all.
func (t *target) resolveTask(ctx context.Context, arg string, queues []string, view cloudtaskspb.Task_View) (*cloudtaskspb.Task, error) {
	if taskName.MatchString(arg) {
		return t.getTask(ctx, arg, view)
	}
	id := arg
	if queue, rest, cut := strings.Cut(arg, "/"); cut {
		if !queueID.MatchString(queue) || !taskID.MatchString(rest) || len(queues) > 0 {
			return nil, cli.BadUsage("%q is not a task: want an id, QUEUE/ID (without -queue), or projects/P/locations/L/queues/Q/tasks/ID", arg)
		}
		queues, id = []string{queue}, rest
	}
	if !taskID.MatchString(id) {
		return nil, cli.BadUsage("%q is not a task: want an id of letters, digits, \"-\" and \"_\", QUEUE/ID, or projects/P/locations/L/queues/Q/tasks/ID", arg)
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

// searchTask returns the task of that id in one of the queues.
func (t *target) searchTask(ctx context.Context, id string, queues []string, view cloudtaskspb.Task_View) (*cloudtaskspb.Task, error) {
	var mu sync.Mutex
	found := make(map[string]*cloudtaskspb.Task)
	var gone []string
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for _, queue := range queues {
		group.Go(func() error {
			task, err := t.getTask(groupCtx, queue+"/tasks/"+id, view)
			if status.Code(err) == codes.NotFound {
				if existedRecently(err) {
					mu.Lock()
					gone = append(gone, queue)
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
	if len(names) == 0 && len(gone) > 0 {
		slices.Sort(gone)
		return nil, notFoundError{fmt.Errorf("task %s is gone from %s; its name stays taken there %s", id, strings.Join(gone, ", "), nameStaysTaken)}
	}
	name, err := one(names, fmt.Sprintf("task %s in the queues of %s", id, t.scope()))
	return found[name], err
}

// existedRecently reports whether a task that was not found is one that is gone, and whose name the service remembers. It
// says so in words only.
func existedRecently(err error) bool {
	return strings.Contains(status.Convert(err).Message(), "existed recently")
}
