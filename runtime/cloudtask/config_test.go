package cloudtask_test

import (
	"errors"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

// setEnv replaces the variables that a configuration is read from.
func setEnv(t *testing.T, variables map[string]string) {
	t.Helper()
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, "CLOUDTASK_") {
			t.Setenv(name, "")
		}
	}
	for _, name := range []string{"APP_NAME", "GOOGLE_CLOUD_PROJECT", "CLOUD_TASKS_EMULATOR_HOST", "K_SERVICE", "K_REVISION"} {
		t.Setenv(name, "")
	}
	for name, value := range variables {
		t.Setenv(name, value)
	}
}

func TestConfigFromEnv(t *testing.T) {
	tests := []struct {
		name string
		env  map[string]string
		want cloudtask.Config
	}{
		{name: "nothing"},
		{
			name: "everything",
			env: map[string]string{
				"CLOUDTASK_PROJECT": "p", "CLOUDTASK_LOCATION": "europe-west1", "CLOUDTASK_BASE_URL": "https://x.example/api",
				"CLOUDTASK_PATH_PREFIX": "/jobs/", "CLOUDTASK_APP_NAME": "shop", "CLOUDTASK_QUEUE": "main", "CLOUDTASK_BACKUP_QUEUE": "spare",
				"CLOUDTASK_QUEUE_PREFIX": "staging-", "CLOUDTASK_ACCEPTED_SERVICE_ACCOUNTS": "scheduler@p.iam.gserviceaccount.com, before@q.iam.gserviceaccount.com",
				"CLOUDTASK_EAGER": "t", "CLOUDTASK_MAXIMUM_ETA": "168h", "CLOUDTASK_PROPAGATED_HEADERS": "traceparent, X-Tenant",
				"CLOUDTASK_ENQUEUE_RETRY_ON": "UNAVAILABLE,CANCELED", "CLOUDTASK_ENQUEUE_RETRY_INITIAL": "0.25", "CLOUDTASK_ENQUEUE_RETRY_MAX": "60",
				"CLOUDTASK_ENQUEUE_RETRY_MULTIPLIER": "2.5", "CLOUDTASK_ENQUEUE_RETRY_DEADLINE": "5m", "CLOUDTASK_CALL_TIMEOUT": "1500ms",
				"CLOUDTASK_SERVICE_ACCOUNT": "tasks@p.iam.gserviceaccount.com", "CLOUDTASK_AUDIENCES": "https://a,https://b",
				"CLOUDTASK_INSECURE_NO_AUTH": "TRUE", "CLOUDTASK_MAX_BODY": "4096", "CLOUDTASK_SAVE_FAILURES_DIR": "/tmp/f",
				"CLOUDTASK_SAVE_FAILURES_MAX_FILES": "7", "CLOUDTASK_SAVE_FAILURES_MAX_BYTES": "9", "CLOUDTASK_SAVE_FAILURES_REDACT_HEADERS": "X-Key",
				"CLOUDTASK_SAVE_FAILURES_REDACT_FIELDS": "password,card.number", "CLOUD_TASKS_EMULATOR_HOST": "127.0.0.1:8123",
				"APP_NAME": "not this", "GOOGLE_CLOUD_PROJECT": "not-this",
			},
			want: cloudtask.Config{
				Project: "p", Location: "europe-west1", BaseURL: "https://x.example/api", PathPrefix: "/jobs/", AppName: "shop",
				Queue: "main", BackupQueue: "spare", QueuePrefix: "staging-", Eager: true, MaxETA: 7 * 24 * time.Hour, PropagatedHeaders: []string{"traceparent", "X-Tenant"},
				EnqueueRetry: cloudtask.RetryPolicy{
					On: []cloudtask.Code{cloudtask.Unavailable, cloudtask.Canceled}, Initial: 250 * time.Millisecond, Max: time.Minute,
					Multiplier: 2.5, Deadline: 5 * time.Minute,
				},
				CallTimeout: 1500 * time.Millisecond, ServiceAccount: "tasks@p.iam.gserviceaccount.com", Audiences: []string{"https://a", "https://b"},
				AcceptedServiceAccounts: []string{"scheduler@p.iam.gserviceaccount.com", "before@q.iam.gserviceaccount.com"},
				InsecureNoAuth:          true, MaxBody: 4096, EmulatorHost: "127.0.0.1:8123",
				SaveFailures: cloudtask.FailureFiles{
					Dir: "/tmp/f", MaxFiles: 7, MaxBytes: 9, RedactHeaders: []string{"X-Key"}, RedactFields: []string{"password", "card.number"},
				},
			},
		},
		{
			name: "fall-backs",
			env:  map[string]string{"APP_NAME": "My Shop", "GOOGLE_CLOUD_PROJECT": "example.com:p"},
			want: cloudtask.Config{AppName: "My Shop", Project: "example.com:p"},
		},
		{
			name: "a list without elements replaces the default",
			env:  map[string]string{"CLOUDTASK_PROPAGATED_HEADERS": ","},
			want: cloudtask.Config{PropagatedHeaders: []string{}},
		},
		{
			name: "bare seconds and surrounding space",
			env:  map[string]string{"CLOUDTASK_MAXIMUM_ETA": " 604800 "},
			want: cloudtask.Config{MaxETA: 7 * 24 * time.Hour},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			setEnv(t, test.env)
			got, err := cloudtask.ConfigFromEnv()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("configuration (-want +got):\n%s", diff)
			}
		})
	}
}

func TestConfigFromEnvReportsEverything(t *testing.T) {
	setEnv(t, map[string]string{
		"GOOGLE_CLOUD_PROJECT": "my project", "CLOUDTASK_LOCATION": "europe_west1", "CLOUDTASK_BASE_URL": "mail.example.com",
		"CLOUDTASK_PATH_PREFIX": "/a//b/", "CLOUDTASK_QUEUE": "a_b", "CLOUDTASK_BACKUP_QUEUE": strings.Repeat("q", 101),
		"CLOUDTASK_EAGER": "maybe", "CLOUDTASK_MAXIMUM_ETA": "-3", "CLOUDTASK_PROPAGATED_HEADERS": "a b,X-CloudTasks-TaskName",
		"CLOUDTASK_ENQUEUE_RETRY_ON": "UNAVAILABLE,Broken", "CLOUDTASK_ENQUEUE_RETRY_INITIAL": "1x", "CLOUDTASK_ENQUEUE_RETRY_MAX": "-1s",
		"CLOUDTASK_ENQUEUE_RETRY_MULTIPLIER": "0.5", "CLOUDTASK_ENQUEUE_RETRY_DEADLINE": "999999999999", "CLOUDTASK_CALL_TIMEOUT": "-1",
		"CLOUDTASK_SERVICE_ACCOUNT": "me@example.com", "CLOUDTASK_INSECURE_NO_AUTH": "ja", "CLOUDTASK_MAX_BODY": "1MB",
		"CLOUD_TASKS_EMULATOR_HOST": "http://localhost:8123", "CLOUDTASK_SAVE_FAILURES_MAX_FILES": "10001",
		"CLOUDTASK_SAVE_FAILURES_MAX_BYTES": "-1", "CLOUDTASK_SAVE_FAILURES_REDACT_HEADERS": "a b", "CLOUDTASK_SAVE_FAILURES_REDACT_FIELDS": "a..b",
	})
	_, err := cloudtask.ConfigFromEnv()
	wantError(t, err,
		`GOOGLE_CLOUD_PROJECT "my project": a project id holds only letters`,
		`CLOUDTASK_LOCATION "europe_west1": a location holds only letters`,
		`CLOUDTASK_BASE_URL "mail.example.com": want an absolute http or https URL`,
		`CLOUDTASK_PATH_PREFIX "/a//b/": want path segments`,
		`CLOUDTASK_QUEUE "a_b": a queue id holds only letters, digits and "-"`,
		`qqq": a queue id has 1 to 100 characters, this one 101`,
		`CLOUDTASK_EAGER "maybe": want true or false`,
		`CLOUDTASK_MAXIMUM_ETA -3s: must not be negative`,
		`CLOUDTASK_PROPAGATED_HEADERS "a b": `,
		`CLOUDTASK_PROPAGATED_HEADERS "X-CloudTasks-TaskName": `,
		`CLOUDTASK_ENQUEUE_RETRY_ON "UNAVAILABLE,Broken": unknown status code "Broken"`,
		`CLOUDTASK_ENQUEUE_RETRY_INITIAL "1x": want a duration such as 90s or 1h30m, or a number of seconds`,
		`CLOUDTASK_ENQUEUE_RETRY_MAX -1s: must not be negative`,
		`CLOUDTASK_ENQUEUE_RETRY_MULTIPLIER 0.5: want a finite number of at least 1`,
		`CLOUDTASK_ENQUEUE_RETRY_DEADLINE "999999999999": want a duration`,
		`CLOUDTASK_CALL_TIMEOUT -1s: must not be negative`,
		`CLOUDTASK_SERVICE_ACCOUNT "me@example.com": want the e-mail address of a service account`,
		`CLOUDTASK_INSECURE_NO_AUTH "ja": want true or false`,
		`CLOUDTASK_MAX_BODY "1MB": want a whole number of bytes`,
		`CLOUD_TASKS_EMULATOR_HOST "http://localhost:8123": want HOST:PORT`,
		`CLOUDTASK_SAVE_FAILURES_MAX_FILES 10001: want 1 to 10000`,
		`CLOUDTASK_SAVE_FAILURES_MAX_BYTES -1: must not be negative`,
		`CLOUDTASK_SAVE_FAILURES_REDACT_HEADERS "a b": is not a header name`,
		`CLOUDTASK_SAVE_FAILURES_REDACT_FIELDS "a..b": want the name of a field`,
		`CLOUDTASK_SAVE_FAILURES_DIR: not set, so that nothing would be saved`,
	)
	if lines := strings.Count(err.Error(), "\n") + 1; lines != 25 {
		t.Errorf("%d problems, want 25:\n%v", lines, err)
	}
}

func TestConfigFromEnvNamesUnknownVariables(t *testing.T) {
	setEnv(t, map[string]string{
		"CLOUDTASK_PROJCT": "p", "CLOUDTASK_EMULATOR_HOST": "127.0.0.1:8123", "CLOUDTASK_ENQUEUE_RETRY": "UNAVAILABLE",
		"CLOUDTASK_Location": "here", "CLOUDTASK_EAGER": "maybe",
		"CLOUDTASK_EMPTY": "", "CLOUDTASKS_QUEUE": "another program's", "MY_CLOUDTASK_QUEUE": "another program's",
	})
	_, err := cloudtask.ConfigFromEnv()
	wantError(t, err,
		`CLOUDTASK_EAGER "maybe": want true or false`,
		"CLOUDTASK_EMULATOR_HOST: there is no such variable; the nearest is CLOUD_TASKS_EMULATOR_HOST",
		"CLOUDTASK_ENQUEUE_RETRY: there is no such variable; the nearest is CLOUDTASK_ENQUEUE_RETRY_ON",
		"CLOUDTASK_Location: there is no such variable; the nearest is CLOUDTASK_LOCATION",
		"CLOUDTASK_PROJCT: there is no such variable; the nearest is CLOUDTASK_PROJECT",
	)
	if lines := strings.Count(err.Error(), "\n") + 1; lines != 5 {
		t.Errorf("%d problems, want 5:\n%v", lines, err)
	}
}

// Kubernetes sets variables for each service of a namespace: a service named "cloudtask" keeps no program from starting.
func TestConfigFromEnvIgnoresServiceLinks(t *testing.T) {
	links := map[string]string{
		"CLOUDTASK_SERVICE_HOST": "10.0.0.1", "CLOUDTASK_SERVICE_PORT": "80", "CLOUDTASK_SERVICE_PORT_HTTP": "80",
		"CLOUDTASK_PORT": "tcp://10.0.0.1:80", "CLOUDTASK_PORT_80_TCP": "tcp://10.0.0.1:80", "CLOUDTASK_PORT_80_TCP_ADDR": "10.0.0.1",
		"CLOUDTASK_WORKER_SERVICE_HOST": "10.0.0.2", "CLOUDTASK_WORKER_PORT_80_TCP_PROTO": "tcp",
	}
	setEnv(t, links)
	if _, err := cloudtask.ConfigFromEnv(); err != nil {
		t.Error(err)
	}
	t.Setenv("CLOUDTASK_POR", "80")
	_, err := cloudtask.ConfigFromEnv()
	wantError(t, err, "CLOUDTASK_POR: there is no such variable")
	delete(links, "CLOUDTASK_SERVICE_HOST")
	setEnv(t, links)
	_, err = cloudtask.ConfigFromEnv()
	wantError(t, err, "CLOUDTASK_PORT: there is no such variable")
}

func TestEmulatorIsRefusedOnCloudRun(t *testing.T) {
	setEnv(t, map[string]string{"K_SERVICE": "shop", "CLOUD_TASKS_EMULATOR_HOST": "127.0.0.1:8123"})
	_, err := cloudtask.ConfigFromEnv()
	wantError(t, err, `CLOUD_TASKS_EMULATOR_HOST "127.0.0.1:8123"`, `K_SERVICE="shop"`)
	cfg := testConfig()
	cfg.EmulatorHost, cfg.InsecureNoAuth = "127.0.0.1:8123", true
	_, err = cloudtask.NewClient(&memory{}, cfg)
	wantError(t, err, "EmulatorHost", "K_SERVICE")
	_, err = cloudtask.NewHandler(cfg)
	wantError(t, err, "EmulatorHost", "K_SERVICE")
}

func TestNewClientRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*cloudtask.Config)
		want   []string
	}{
		{"no project and no location", func(c *cloudtask.Config) { c.Project, c.Location = "", "" }, []string{"Project: not set", "CLOUDTASK_PROJECT", "Location: not set", "CLOUDTASK_LOCATION"}},
		{"project", func(c *cloudtask.Config) { c.Project = "a/b" }, []string{`Project "a/b"`}},
		{"location", func(c *cloudtask.Config) { c.Location = "eu west" }, []string{`Location "eu west"`}},
		{"relative URL", func(c *cloudtask.Config) { c.BaseURL = "/tasks" }, []string{`BaseURL "/tasks"`}},
		{"URL of another scheme", func(c *cloudtask.Config) { c.BaseURL = "ftp://x.example" }, []string{"BaseURL"}},
		{"URL with an upper-case scheme", func(c *cloudtask.Config) { c.BaseURL = "HTTPS://x.example" }, []string{"BaseURL"}},
		{"URL without host", func(c *cloudtask.Config) { c.BaseURL = "https://:8080" }, []string{"BaseURL"}},
		{"URL with query", func(c *cloudtask.Config) { c.BaseURL = "https://x.example/?a=1" }, []string{"BaseURL", "query"}},
		{"URL with an empty fragment", func(c *cloudtask.Config) { c.BaseURL = "https://x.example/#" }, []string{"BaseURL", "fragment"}},
		{"URL with a password", func(c *cloudtask.Config) { c.BaseURL = "https://a:b@x.example" }, []string{"BaseURL", "password"}},
		{"URL with a space", func(c *cloudtask.Config) { c.BaseURL = "https://x.example/a b" }, []string{"BaseURL", "' '"}},
		{"URL with a bad escape", func(c *cloudtask.Config) { c.BaseURL = "https://x.example/%zz" }, []string{"BaseURL", "%zz"}},
		{"URL with a letter beyond ASCII", func(c *cloudtask.Config) { c.BaseURL = "https://x.example/é" }, []string{"BaseURL", "'é'"}},
		{"URL with an impossible port", func(c *cloudtask.Config) { c.BaseURL = "https://x.example:65536" }, []string{"BaseURL", `"65536"`, "1 to 65535"}},
		{"path prefix", func(c *cloudtask.Config) { c.PathPrefix = "/tasks/?x" }, []string{`PathPrefix "/tasks/?x"`}},
		{"path prefix that goes up", func(c *cloudtask.Config) { c.PathPrefix = "/a/../b/" }, []string{"PathPrefix", `".."`}},
		{"queue", func(c *cloudtask.Config) { c.Queue = "projects/p/locations/l/queues/q" }, []string{"Queue", `give the last part, "q"`}},
		{"app name as queue", func(c *cloudtask.Config) { c.AppName = "My Shop" }, []string{`AppName "My Shop"`, "default queue", "set Queue"}},
		{"maximum eta", func(c *cloudtask.Config) { c.MaxETA = -1 }, []string{"MaxETA -1ns"}},
		{"retry code", func(c *cloudtask.Config) { c.EnqueueRetry.On = []cloudtask.Code{cloudtask.OK, 99} }, []string{"EnqueueRetry.On OK", "EnqueueRetry.On CODE(99)"}},
		{"retry pauses", func(c *cloudtask.Config) { c.EnqueueRetry.Initial, c.EnqueueRetry.Max = time.Minute, time.Second }, []string{"EnqueueRetry.Initial 1m0s", "1s"}},
		{"audience", func(c *cloudtask.Config) { c.Audiences = []string{"https://a", " "} }, []string{"Audiences"}},
		{"body limit", func(c *cloudtask.Config) { c.MaxBody = -5 }, []string{"MaxBody -5"}},
		{"accepted service account", func(c *cloudtask.Config) {
			c.AcceptedServiceAccounts = []string{"scheduler@p.iam.gserviceaccount.com", "me@example.com"}
		}, []string{`AcceptedServiceAccounts "me@example.com"`}},
		{"service account", func(c *cloudtask.Config) { c.ServiceAccount = "tasks@gserviceaccount.com.example.org" }, []string{"ServiceAccount"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cfg := testConfig()
			test.change(&cfg)
			c, err := cloudtask.NewClient(&memory{}, cfg)
			wantError(t, err, test.want...)
			if c != nil {
				t.Error("a client was returned with the error")
			}
		})
	}
	_, err := cloudtask.NewClient(nil, testConfig())
	wantError(t, err, "needs a backend")
}

func TestConfigThatWorks(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		change  func(*cloudtask.Config)
		url     string
		queue   string
		account string
		aud     string
	}{
		{"defaults", func(c *cloudtask.Config) { c.BaseURL = "" }, "http://localhost:8080/tasks/SendMail", "tasks", "", ""},
		{"slashes are mended", func(c *cloudtask.Config) { c.BaseURL, c.PathPrefix = "https://x.example/api//", "jobs" }, "https://x.example/api/jobs/SendMail", "tasks", "", ""},
		{"prefix of the root", func(c *cloudtask.Config) { c.PathPrefix = "/" }, "https://mail.example.com/SendMail", "tasks", "", ""},
		{"queue named by the app", func(c *cloudtask.Config) { c.AppName = "shop" }, "https://mail.example.com/tasks/SendMail", "shop", "", ""},
		{"queue wins over the app", func(c *cloudtask.Config) { c.AppName, c.Queue = "My Shop", "q1" }, "https://mail.example.com/tasks/SendMail", "q1", "", ""},
		{"token for the base URL", func(c *cloudtask.Config) {
			c.ServiceAccount, c.BaseURL = "tasks@p.iam.gserviceaccount.com", "https://x.example/"
		}, "https://x.example/tasks/SendMail", "tasks", "tasks@p.iam.gserviceaccount.com", "https://x.example"},
		{"token for the first audience", func(c *cloudtask.Config) {
			c.ServiceAccount, c.Audiences = "123-compute@developer.gserviceaccount.com", []string{"one", "two"}
		}, "https://mail.example.com/tasks/SendMail", "tasks", "123-compute@developer.gserviceaccount.com", "one"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := &memory{}
			if _, err := mailType().Asap(t.Context(), newClient(t, m, test.change), &mail{}); err != nil {
				t.Fatal(err)
			}
			task := m.only(t)
			got := []string{task.URL, m.calls[0].name, task.ServiceAccount, task.Audience}
			want := []string{test.url, queuePrefix + test.queue, test.account, test.aud}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("URL, queue, account and audience (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNewHandlerNeedsAuthentication(t *testing.T) {
	t.Parallel()
	authenticated := func(change func(*cloudtask.Config)) error {
		cfg := cloudtask.Config{Logger: slog.New(slog.DiscardHandler)}
		change(&cfg)
		_, err := cloudtask.NewHandler(cfg)
		return err
	}
	wantError(t, authenticated(func(*cloudtask.Config) {}), "ServiceAccount: not set", "InsecureNoAuth")
	if err := authenticated(func(c *cloudtask.Config) { c.InsecureNoAuth = true }); err != nil {
		t.Error(err)
	}
	if err := authenticated(func(c *cloudtask.Config) {
		c.AcceptedServiceAccounts, c.BaseURL = []string{"scheduler@p.iam.gserviceaccount.com"}, "https://app.example.com"
	}); err != nil {
		t.Error(err)
	}
}

// The audience of the tokens must be known: by default it is the base URL, whose own default only an embedded queue reaches.
func TestNewHandlerNeedsAnAudience(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*cloudtask.Config)
		works  bool
	}{
		"none":                   {func(*cloudtask.Config) {}, false},
		"base URL":               {func(c *cloudtask.Config) { c.BaseURL = "https://app.example.com" }, true},
		"audience":               {func(c *cloudtask.Config) { c.Audiences = []string{"app"} }, true},
		"embedded queue":         {func(c *cloudtask.Config) { c.EmulatorHost = "127.0.0.1:8123" }, true},
		"nobody looks at tokens": {func(c *cloudtask.Config) { c.InsecureNoAuth = true }, true},
		"another authenticator":  {func(c *cloudtask.Config) { c.Authenticator = refuseAll{} }, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := cloudtask.Config{ServiceAccount: "tasks@p.iam.gserviceaccount.com", Logger: slog.New(slog.DiscardHandler)}
			test.change(&cfg)
			_, err := cloudtask.NewHandler(cfg)
			if test.works && err != nil {
				t.Error(err)
			}
			if !test.works {
				wantError(t, err, "BaseURL: not set", "Audiences", "CLOUDTASK_BASE_URL")
			}
		})
	}
}

type refuseAll struct{}

func (refuseAll) Authenticate(*http.Request) error { return errors.New("not today") }

// The client keeps no memory of the caller's configuration.
func TestConfigMayChangeAfterwards(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	cfg.ServiceAccount, cfg.Audiences = "tasks@p.iam.gserviceaccount.com", []string{"before"}
	m := &memory{}
	c, err := cloudtask.NewClient(m, cfg)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Audiences[0] = "after"
	if _, err := mailType().Asap(t.Context(), c, &mail{}); err != nil {
		t.Fatal(err)
	}
	if got := m.only(t).Audience; got != "before" {
		t.Errorf("audience %q, want that of the configuration at the start", got)
	}
	for range 2 {
		if err := c.Close(); err != nil || m.closed != 1 {
			t.Errorf("Close: %v, the backend was closed %d times", err, m.closed)
		}
	}
}
