package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"cloud.google.com/go/auth/credentials"
	cloudtasks "cloud.google.com/go/cloudtasks/apiv2"
	"google.golang.org/api/iterator"
	"google.golang.org/genproto/googleapis/cloud/location"

	"github.com/cloudtaskgen/cloudtaskgen/cmd/internal/cli"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/gcp"
)

// target is the queue service that a command works with, an embedded queue or Cloud Tasks, and which of its queues.
type target struct {
	client *cloudtasks.Client

	emulator          string // HOST:PORT of the embedded queue; "": production
	project, location string // of the queues; "": all
	prefix            string // of the queues' IDs; "": all
}

// targetFlags are the flags that choose a target. The environment has the defaults.
type targetFlags struct {
	project, location, emulator, prefix string
	flags                               *flag.FlagSet
}

func (f *targetFlags) define(flags *flag.FlagSet) {
	f.flags = flags
	flags.StringVar(&f.project, "project", "",
		"the `PROJECT` of the queues; default CLOUDTASK_PROJECT, GOOGLE_CLOUD_PROJECT or the credentials' project; with an embedded queue, all projects")
	flags.StringVar(&f.location, "location", "", "the `LOCATION` of the queues, such as europe-west1; default CLOUDTASK_LOCATION or all locations")
	flags.StringVar(&f.prefix, "queue-prefix", "",
		"consider only queues whose IDs begin with `PREFIX`, the programs' Config.QueuePrefix; arguments may omit it. Default CLOUDTASK_QUEUE_PREFIX or all queues")
	flags.StringVar(&f.emulator, "emulator", "",
		"the `HOST:PORT` of the embedded queue; default CLOUD_TASKS_EMULATOR_HOST. With neither, or with an empty value, the target is production")
}

// target returns the chosen target, which is not connected yet.
func (f *targetFlags) target() (*target, error) {
	cfg, err := cloudtask.ConfigFromEnv()
	if err != nil {
		return nil, err
	}
	f.flags.Visit(func(set *flag.Flag) {
		switch set.Name {
		case "project":
			cfg.Project = f.project
		case "location":
			cfg.Location = f.location
		case "queue-prefix":
			cfg.QueuePrefix = f.prefix
		case "emulator":
			cfg.EmulatorHost = f.emulator
		}
	})
	t := &target{emulator: cfg.EmulatorHost, project: cfg.Project, location: cfg.Location, prefix: cfg.QueuePrefix}
	if t.project != "" && !validProject(t.project) {
		return nil, cli.BadUsage("project %q: a project ID has only letters, digits, hyphens, colons and periods", t.project)
	}
	if t.location != "" && !validLocation(t.location) {
		return nil, cli.BadUsage("location %q: a location has only letters, digits and hyphens, as in europe-west1", t.location)
	}
	if t.prefix != "" && !queueID.MatchString(t.prefix) {
		return nil, cli.BadUsage("queue prefix %q: a queue ID has at most 100 letters, digits and hyphens", t.prefix)
	}
	return t, nil
}

// connect creates the client, which the caller must close.
func (t *target) connect(ctx context.Context) (err error) {
	t.client, err = gcp.Connect(ctx, cloudtask.Config{EmulatorHost: t.emulator})
	switch {
	case err != nil && t.emulator == "":
		return fmt.Errorf("%w\nFor production, log in with \"gcloud auth application-default login\"; "+
			"for an embedded queue, start \"cloudtask dev\" and set CLOUD_TASKS_EMULATOR_HOST", err)
	case err != nil:
		return cli.AsUsage(err)
	case t.emulator == "":
		return nil
	}
	if err := t.checkReachable(ctx); err != nil {
		t.client.Close()
		return err
	}
	return nil
}

// checkReachable returns an error if no embedded queue is listening, for which later calls would wait until they time out.
func (t *target) checkReachable(ctx context.Context) error {
	var answer struct{}
	err := t.control(ctx, http.MethodGet, "now", nil, &answer)
	var refused *controlError
	if err == nil || errors.As(err, &refused) { // refused: a server is there, such as another emulator
		return nil
	}
	if ctx.Err() != nil {
		return cli.ErrInterrupted
	}
	return fmt.Errorf("no embedded queue at %s: %w\nStart one with \"cloudtask dev\"; for production, unset CLOUD_TASKS_EMULATOR_HOST", t.emulator, err)
}

// String returns the target's name for messages.
func (t *target) String() string {
	if t.emulator != "" {
		return "the embedded queue at " + t.emulator
	}
	return "PRODUCTION"
}

// scope returns the target's name and which of its queues are considered, for messages.
func (t *target) scope() string {
	text := t.String()
	if t.project != "" {
		text += ", project " + t.project
	}
	if t.location != "" {
		text += ", location " + t.location
	}
	if t.prefix != "" {
		text += ", queues " + t.prefix + "*"
	}
	return text
}

// now returns the time of the queue's clock, which may be virtual.
func (t *target) now(ctx context.Context) time.Time {
	var answer struct{ Now time.Time }
	if t.emulator == "" || t.control(ctx, http.MethodGet, "now", nil, &answer) != nil || answer.Now.IsZero() {
		return time.Now()
	}
	return answer.Now
}

// controlError is an error response of the embedded queue's control API.
type controlError struct {
	status  int
	message string
}

func (e *controlError) Error() string { return fmt.Sprintf("status %d: %s", e.status, e.message) }

// control calls the embedded queue's control API.
func (t *target) control(ctx context.Context, method, call string, body, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var sent io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		sent = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://"+t.emulator+"/_cloudtask/v1/"+call, sent)
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	direct := http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // never through a proxy
	resp, err := direct.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		var refused struct{ Error struct{ Message string } }
		_ = json.Unmarshal(data, &refused) // another emulator may answer in another format
		return &controlError{resp.StatusCode, cmp.Or(refused.Error.Message, http.StatusText(resp.StatusCode))}
	}
	if err := json.Unmarshal(data, answer); err != nil {
		return &controlError{resp.StatusCode, "not JSON: " + err.Error()}
	}
	return nil
}

// locations returns the locations whose queues are considered, as projects/P/locations/L.
func (t *target) locations(ctx context.Context) ([]string, error) {
	if t.emulator == "" && t.project == "" {
		if err := t.useCredentialsProject(ctx); err != nil {
			return nil, err
		}
	}
	if t.project != "" && t.location != "" {
		return []string{"projects/" + t.project + "/locations/" + t.location}, nil
	}
	if t.emulator != "" {
		var answer struct{ Locations []string }
		if err := t.control(ctx, http.MethodGet, "locations", nil, &answer); err != nil {
			if ctx.Err() != nil {
				return nil, cli.ErrInterrupted
			}
			return nil, fmt.Errorf("listing the locations of %s: %w; set -project and -location, or CLOUDTASK_PROJECT and CLOUDTASK_LOCATION", t, err)
		}
		return slices.DeleteFunc(answer.Locations, func(name string) bool {
			project, location := splitLocation(name)
			return t.project != "" && project != t.project || t.location != "" && location != t.location
		}), nil
	}
	var names []string
	all := t.client.ListLocations(ctx, &location.ListLocationsRequest{Name: "projects/" + t.project})
	for {
		l, err := all.Next()
		if errors.Is(err, iterator.Done) {
			return names, nil
		}
		if err != nil {
			return nil, wrapCall(ctx, err, "listing the locations of project %s (not needed with -location or CLOUDTASK_LOCATION)", t.project)
		}
		names = append(names, l.GetName())
	}
}

// useCredentialsProject sets the project to that of the application default credentials: a service account's project, or the
// quota project of a user.
func (t *target) useCredentialsProject(ctx context.Context) error {
	found, err := credentials.DetectDefault(&credentials.DetectOptions{Scopes: cloudtasks.DefaultAuthScopes()})
	if err != nil {
		return fmt.Errorf("finding the project of the credentials: %w", err)
	}
	project, err := found.ProjectID(ctx)
	if err == nil && project == "" {
		project, err = found.QuotaProjectID(ctx)
	}
	if err != nil {
		return fmt.Errorf("finding the project of the credentials: %w", err)
	}
	if project == "" {
		return cli.BadUsage("no project: the credentials do not include one; set -project or CLOUDTASK_PROJECT")
	}
	t.project = project
	return nil
}
