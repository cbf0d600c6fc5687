package emulator_test

import (
	"bytes"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/emulator"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
)

func TestHTTPFace(t *testing.T) {
	t.Parallel()
	e := serve(t)
	for path, want := range map[string]int{
		"/.well-known/openid-configuration": http.StatusOK,
		"/.well-known/nothing":              http.StatusNotFound,
		"/v2/projects/p/locations/l/queues": http.StatusOK,
		"/":                                 http.StatusNotFound,
		"/google.cloud.tasks.v2.CloudTasks/CreateTask?x=y": http.StatusNotFound,
	} {
		resp, err := http.Get("http://" + e.addr + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("GET %s: %s, want %d", path, resp.Status, want)
		}
	}
}

func TestForeignNamesOfTheIssuerAreLogged(t *testing.T) {
	t.Parallel()
	queue, err := localqueue.New()
	if err != nil {
		t.Fatal(err)
	}
	defer queue.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer // read once the server is closed
	server := emulator.Serve(queue, listener, emulator.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	defer server.Close()
	_, port, err := net.SplitHostPort(server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{server.Addr().String(), "localhost:" + port, "queue.internal:8123", "queue.internal:8123"} {
		req, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+server.Addr().String()+"/.well-known/openid-configuration", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(log.String(), "\n"); lines != 1 || !strings.Contains(log.String(), "host=queue.internal:8123") {
		t.Errorf("logged:\n%s\nwant one line about queue.internal", log.String())
	}
}
