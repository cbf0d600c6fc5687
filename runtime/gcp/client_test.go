package gcp_test

import (
	"net/http"
	"strings"
	"testing"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/gcp"
)

func TestEmulatorHostIsPlaintextWithoutCredentials(t *testing.T) {
	t.Setenv("K_SERVICE", "")
	service := &fakeService{answer: answerWith(&cloudtaskspb.Queue{Name: queueName})}
	backend, err := gcp.NewBackend(t.Context(), cloudtask.Config{EmulatorHost: service.serve(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer backend.Close()
	if _, err := backend.GetQueue(t.Context(), queueName); err != nil {
		t.Fatal(err)
	}
	calls := service.received()
	if len(calls) != 1 || len(calls[0].header.Get("authorization")) != 0 {
		t.Errorf("received %v, want one call without an authorization", calls)
	}
}

func TestEmulatorHostIsChecked(t *testing.T) {
	t.Setenv("K_SERVICE", "")
	for _, host := range []string{"http://127.0.0.1:8123", "127.0.0.1", ":8123", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:0", "127.0.0.1:70000", " a:1", "a/b:1"} {
		_, err := gcp.NewBackend(t.Context(), cloudtask.Config{EmulatorHost: host})
		if err == nil || !strings.Contains(err.Error(), `"`+host+`"`) || !strings.Contains(err.Error(), "CLOUD_TASKS_EMULATOR_HOST") {
			t.Errorf("%q: %v, want an error that names the value and the variable", host, err)
		}
	}
}

func TestEmulatorIsRefusedOnCloudRun(t *testing.T) {
	t.Setenv("K_SERVICE", "shop")
	cfg := cloudtask.Config{Project: "p", Location: "l", EmulatorHost: "127.0.0.1:8123"}
	_, err := gcp.NewBackend(t.Context(), cfg)
	if err == nil || !strings.Contains(err.Error(), `K_SERVICE="shop"`) {
		t.Errorf("NewBackend: %v, want a refusal that names K_SERVICE", err)
	}
	if _, err := gcp.NewClient(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "K_SERVICE") {
		t.Errorf("NewClient: %v, want a refusal that names K_SERVICE", err)
	}
}

// Google's local emulator of Cloud Run sets K_SERVICE as Cloud Run does, and tells itself apart by the revision.
func TestEmulatorIsAllowedOnTheLocalCloudRun(t *testing.T) {
	t.Setenv("K_SERVICE", "shop")
	t.Setenv("K_REVISION", "local")
	t.Setenv("CLOUD_TASKS_EMULATOR_HOST", "127.0.0.1:8123")
	t.Setenv("CLOUDTASK_PROJECT", "p")
	t.Setenv("CLOUDTASK_LOCATION", "l")
	cfg, err := cloudtask.ConfigFromEnv()
	if err != nil {
		t.Fatal(err)
	}
	client, err := gcp.NewClient(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	client.Close()
	cfg.ServiceAccount = testAccount
	if _, err := cloudtask.NewHandler(cfg); err != nil {
		t.Error(err)
	}
	t.Setenv("K_REVISION", "shop-00001-abc")
	if _, err := gcp.NewClient(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "K_SERVICE") {
		t.Errorf("with a deployed revision: %v, want a refusal that names K_SERVICE", err)
	}
}

// What is wrong with the configuration is told at once, not after credentials have been found.
func TestNewClientChecksTheConfigurationFirst(t *testing.T) {
	t.Setenv("K_SERVICE", "")
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere")
	_, err := gcp.NewClient(t.Context(), cloudtask.Config{Location: "a b", BaseURL: "ftp://x"})
	for _, want := range []string{"Project: not set", `Location "a b"`, `BaseURL "ftp://x"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	_, err = gcp.NewClient(t.Context(), productionConfig())
	if err == nil || !strings.Contains(err.Error(), "creating the Cloud Tasks client") {
		t.Errorf("%v, want an error about the credentials", err)
	}
}

// productionConfig returns a configuration for Cloud Tasks itself.
func productionConfig() cloudtask.Config {
	return cloudtask.Config{Project: "p", Location: "l", BaseURL: "https://app.example.com", ServiceAccount: testAccount}
}

func TestNewClientRefusesWhatCloudTasksCannotDeliver(t *testing.T) {
	t.Setenv("K_SERVICE", "")
	addr, pool := new(fakeService).serveTLS(t)
	const noURL, noAccount = "BaseURL: not set", "ServiceAccount: not set"
	tests := map[string]struct {
		change func(*cloudtask.Config)
		want   []string // none: it is accepted
	}{
		"everything":     {func(*cloudtask.Config) {}, nil},
		"no base URL":    {func(c *cloudtask.Config) { c.BaseURL = "" }, []string{noURL, "CLOUDTASK_BASE_URL", "CLOUD_TASKS_EMULATOR_HOST"}},
		"no account":     {func(c *cloudtask.Config) { c.ServiceAccount = "" }, []string{noAccount, "401", "CLOUDTASK_SERVICE_ACCOUNT", "CLOUDTASK_INSECURE_NO_AUTH"}},
		"nothing at all": {func(c *cloudtask.Config) { *c = cloudtask.Config{} }, []string{"Project: not set", "Location: not set", noURL, noAccount}},
		"http with a token": {func(c *cloudtask.Config) { c.BaseURL = "http://app.example.com" },
			[]string{`BaseURL "http://app.example.com"`, "https"}},
		"http with a token that the handler does not check": {func(c *cloudtask.Config) { c.BaseURL, c.InsecureNoAuth = "http://app.example.com", true },
			[]string{`BaseURL "http://app.example.com"`, "https"}},
		"http without an account": {func(c *cloudtask.Config) { c.BaseURL, c.ServiceAccount = "http://app.example.com", "" },
			[]string{`BaseURL "http://app.example.com"`, noAccount}},
		"http and no token by design": {func(c *cloudtask.Config) {
			c.BaseURL, c.ServiceAccount, c.InsecureNoAuth = "http://app.example.com", "", true
		}, nil},
		"a token that Cloud Run checks":    {func(c *cloudtask.Config) { c.InsecureNoAuth = true }, nil},
		"no token by design":               {func(c *cloudtask.Config) { c.ServiceAccount, c.InsecureNoAuth = "", true }, nil},
		"another authentication by design": {func(c *cloudtask.Config) { c.ServiceAccount, c.Authenticator = "", anybody{} }, nil},
		"a name like localhost":            {func(c *cloudtask.Config) { c.BaseURL = "https://localhost.example.com" }, nil},
	}
	for _, loopback := range []string{"localhost", "LOCALHOST:8080", "localhost.", "app.localhost", "127.0.0.1:8080", "127.1.2.3", "[::1]:8080", "[::ffff:127.0.0.1]", "0.0.0.0:8080", "[::]"} {
		for _, scheme := range []string{"http://", "https://"} {
			tests["loopback "+scheme+loopback] = struct {
				change func(*cloudtask.Config)
				want   []string
			}{func(c *cloudtask.Config) { c.BaseURL, c.ServiceAccount, c.InsecureNoAuth = scheme+loopback, "", true },
				[]string{`BaseURL "` + scheme + loopback + `"`, "this machine", "CLOUD_TASKS_EMULATOR_HOST"}}
		}
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cfg := productionConfig()
			test.change(&cfg)
			backend, err := gcp.NewBackend(t.Context(), cfg, productionOptions(addr, pool)...)
			if err != nil {
				t.Fatalf("a backend alone needs none of it: %v", err)
			}
			defer backend.Close()
			_, err = cloudtask.NewClient(backend, cfg)
			if len(test.want) == 0 && err != nil {
				t.Errorf("refused: %v", err)
			}
			for _, want := range test.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("NewClient with a NewBackend: %v, want %q", err, want)
				}
			}
			if len(test.want) > 0 {
				_, same := gcp.NewClient(t.Context(), cfg)
				if same == nil || same.Error() != err.Error() {
					t.Errorf("gcp.NewClient: %v\nNewClient: %v", same, err)
				}
			}
			cfg.EmulatorHost = "127.0.0.1:8123"
			cfg.Project, cfg.Location = "p", "l"
			client, err := gcp.NewClient(t.Context(), cfg)
			if err != nil {
				t.Fatalf("refused with an embedded queue: %v", err)
			}
			client.Close()
		})
	}
}

// anybody authenticates everybody.
type anybody struct{}

func (anybody) Authenticate(*http.Request) error { return nil }

func TestNewClientEagerNeedsRoutes(t *testing.T) {
	for name, newClient := range map[string]func(cfg cloudtask.Config) (*cloudtask.Client, error){
		"gcp":       func(cfg cloudtask.Config) (*cloudtask.Client, error) { return gcp.NewClient(t.Context(), cfg) },
		"cloudtask": func(cfg cloudtask.Config) (*cloudtask.Client, error) { return cloudtask.NewClient(nil, cfg) },
	} {
		if _, err := newClient(cloudtask.Config{Eager: true}); err == nil || !strings.Contains(err.Error(), "Eager true: ") || !strings.Contains(err.Error(), "Routes") {
			t.Errorf("%s: %v, want that it has no routes", name, err)
		}
	}
}
