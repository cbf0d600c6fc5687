package cloudtask_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

func staging(cfg *cloudtask.Config) { cfg.QueuePrefix = "staging-" }

func TestQueuePrefixOfEnqueues(t *testing.T) {
	t.Parallel()
	inMails := func(d *cloudtask.Definition) { d.Queue = "mails" }
	tests := []struct {
		name   string
		config func(*cloudtask.Config)
		change func(*cloudtask.Definition)
		opts   []cloudtask.EnqueueOption
		want   string
	}{
		{name: "the default", want: "staging-tasks"},
		{name: "Config.Queue", config: func(cfg *cloudtask.Config) { cfg.Queue = "q" }, want: "staging-q"},
		{name: "Config.AppName", config: func(cfg *cloudtask.Config) { cfg.AppName = "app" }, want: "staging-app"},
		{name: "the directive", change: inMails, want: "staging-mails"},
		{name: "the method", change: func(d *cloudtask.Definition) { d.QueueOf = func(any) string { return "chosen" } }, want: "staging-chosen"},
		{name: "the option", change: inMails, opts: []cloudtask.EnqueueOption{cloudtask.WithQueue("other")}, want: "staging-other"},
		{name: "an id that begins like it", opts: []cloudtask.EnqueueOption{cloudtask.WithQueue("staging-x")}, want: "staging-staging-x"},
		{name: "the directive is the default queue", change: func(d *cloudtask.Definition) { d.Queue = "tasks" }, want: "staging-tasks"},
		{name: "the backup queue", config: withSpare, change: func(d *cloudtask.Definition) { d.Queue = "gone" }, want: "staging-spare"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := &memory{queues: []string{test.want}}
			c := newClient(t, m, func(cfg *cloudtask.Config) {
				staging(cfg)
				if test.config != nil {
					test.config(cfg)
				}
			})
			d := mailType()
			if test.change != nil {
				test.change(d)
			}
			receipt, err := d.Push(t.Context(), c, &mail{}, test.opts...)
			if err != nil || receipt.Queue != test.want {
				t.Errorf("%+v, %v; want queue %s, as Cloud Tasks has it", receipt, err, test.want)
			}
			receipts, err := d.Batch(t.Context(), c, mails(2), test.opts...)
			if err != nil || receipts[1].Queue != test.want {
				t.Errorf("in a batch: %+v, %v; want queue %s", receipts, err, test.want)
			}
			if diff := cmp.Diff(map[string]int{test.want: 3}, m.queued()); diff != "" {
				t.Errorf("queued (-want +got):\n%s", diff)
			}
		})
	}
}

func TestQueuePrefixOfQueuedTasks(t *testing.T) {
	t.Parallel()
	service := func() *memory {
		m := &memory{queues: []string{"staging-mails", "staging-spare", "staging-other"}}
		m.put("staging-mails/tasks/s1", mailURL)
		m.put("staging-spare/tasks/s2", mailURL)
		m.put("staging-other/tasks/s3", mailURL)
		m.put("mails/tasks/p1", mailURL) // production's
		m.put("spare/tasks/p2", mailURL)
		return m
	}
	d := mailType(func(d *cloudtask.Definition) { d.Queue = "mails" })
	client := func(m *memory) *cloudtask.Client {
		return newClient(t, m, func(cfg *cloudtask.Config) { staging(cfg); withSpare(cfg) })
	}
	for _, test := range []struct {
		name string
		opts []cloudtask.DiscardOption
		want []string
	}{
		{"all", nil, []string{"SendMail/s1", "SendMail/s2"}},
		{"in another queue", []cloudtask.DiscardOption{cloudtask.InQueue("other")}, []string{"SendMail/s3"}},
		{"one", []cloudtask.DiscardOption{cloudtask.TaskID("s2")}, []string{"SendMail/s2"}},
		{"one in another queue", []cloudtask.DiscardOption{cloudtask.TaskID("s3"), cloudtask.InQueue("mails", "other")}, []string{"SendMail/s3"}},
		{"one by its full name", []cloudtask.DiscardOption{cloudtask.TaskID(queuePrefix + "mails/tasks/p1")}, []string{"SendMail/p1"}},
	} {
		got, err := d.Discard(t.Context(), client(service()), test.opts...)
		if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v, discarded (-want +got):\n%s", test.name, err, diff)
		}
	}
	_, err := d.Discard(t.Context(), client(service()), cloudtask.TaskID("p1"))
	wantError(t, err, "staging-mails/tasks/p1")

	for id, queue := range map[string]string{"s1": "staging-mails", "s2": "staging-spare", queuePrefix + "mails/tasks/p1": "mails"} {
		ctx, err := d.Debug(t.Context(), client(service()), id, new(mail))
		if err != nil {
			t.Errorf("Debug %s: %v", id, err)
		} else if got := cloudtask.MetadataFrom(ctx).Queue; got != queue {
			t.Errorf("Debug %s: queue %q in the metadata, want %q", id, got, queue)
		}
	}
}

func TestQueuePrefixInEagerMode(t *testing.T) {
	t.Parallel()
	d := mailType(func(d *cloudtask.Definition) { d.Queue = "mails" })
	var saw string
	run := d.Route(func(ctx context.Context, _ any) error { saw = cloudtask.MetadataFrom(ctx).Queue; return nil })
	c := newClient(t, nil, func(cfg *cloudtask.Config) { staging(cfg); cfg.Eager = true }, run)
	receipt, err := d.Asap(t.Context(), c, &mail{})
	if err != nil || receipt.Queue != "staging-mails" || saw != "staging-mails" {
		t.Errorf("%+v, %v; Run saw queue %q", receipt, err, saw)
	}
}

func TestQueuePrefixIsChecked(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("p", 95)
	nothing := func(context.Context, any) error { return nil }
	inSixes := mailType(func(d *cloudtask.Definition) { d.Queue = "sixsix" }).Route(nothing)
	for _, test := range []struct {
		name   string
		change func(*cloudtask.Config)
		client string // what its error says; "": it has none
		server string // the same of the handler, with a route of the queue "sixsix"
	}{
		{"fine", staging, "", ""},
		{"fits", func(cfg *cloudtask.Config) { cfg.QueuePrefix = strings.Repeat("p", 94) }, "", ""},
		{"characters", func(cfg *cloudtask.Config) { cfg.QueuePrefix = "staging_" }, `QueuePrefix "staging_": a queue id holds only letters`, `QueuePrefix "staging_"`},
		{"a place", func(cfg *cloudtask.Config) { cfg.QueuePrefix = "projects/p/" }, `QueuePrefix "projects/p/"`, `QueuePrefix "projects/p/"`},
		{"too long by itself", func(cfg *cloudtask.Config) { cfg.QueuePrefix = strings.Repeat("p", 100) }, "has 100 characters", "has 100 characters"},
		{"too long for a task's queue", func(cfg *cloudtask.Config) { cfg.QueuePrefix = long }, "", `task SendMail: queue "sixsix": with QueuePrefix`},
		{"too long for the default queue", func(cfg *cloudtask.Config) { cfg.QueuePrefix = long + "p" }, `Queue "tasks": the default: with QueuePrefix`, "it has 102 characters"},
		{"too long for Queue", func(cfg *cloudtask.Config) { cfg.QueuePrefix, cfg.Queue = long, "sixsix" }, `Queue "sixsix": with QueuePrefix`, "it has 101 characters"},
		{"too long for AppName", func(cfg *cloudtask.Config) { cfg.QueuePrefix, cfg.AppName = long, "sixsix" }, `AppName "sixsix": as the default queue: with QueuePrefix`, "it has 101 characters"},
		{"too long for BackupQueue", func(cfg *cloudtask.Config) { cfg.QueuePrefix, cfg.BackupQueue = long, "sixsix" }, `BackupQueue "sixsix": with QueuePrefix`, "it has 101 characters"},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg := testConfig()
			cfg.InsecureNoAuth = true
			test.change(&cfg)
			_, clientErr := cloudtask.NewClient(&memory{}, cfg)
			_, handlerErr := cloudtask.NewHandler(cfg, inSixes)
			eager := cfg
			eager.Eager = true
			_, eagerErr := cloudtask.NewClient(nil, eager, inSixes)
			for _, got := range []struct {
				err  error
				want string
			}{{clientErr, test.client}, {handlerErr, test.server}, {eagerErr, test.server}} {
				if got.want != "" {
					wantError(t, got.err, got.want)
				} else if got.err != nil {
					t.Error(got.err)
				}
			}
		})
	}
	c := newClient(t, &memory{}, func(cfg *cloudtask.Config) { cfg.QueuePrefix = long })
	_, err := mailType().Push(t.Context(), c, &mail{}, cloudtask.WithQueue("sixsix"))
	wantError(t, err, `WithQueue "sixsix": with QueuePrefix`, "it has 101 characters, Cloud Tasks allows 100")
	_, err = mailType(func(d *cloudtask.Definition) { d.Queue = "sixsix" }).Asap(t.Context(), c, &mail{})
	wantError(t, err, `queue "sixsix": with QueuePrefix`)
	_, err = mailType().Discard(t.Context(), c, cloudtask.InQueue("sixsix"))
	wantError(t, err, `InQueue "sixsix": with QueuePrefix`)
}
