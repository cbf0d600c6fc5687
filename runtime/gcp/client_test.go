package gcp_test

import (
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
	_, err = gcp.NewClient(t.Context(), cloudtask.Config{Project: "p", Location: "l"})
	if err == nil || !strings.Contains(err.Error(), "creating the Cloud Tasks client") {
		t.Errorf("%v, want an error about the credentials", err)
	}
}
