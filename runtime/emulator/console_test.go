package emulator_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/emulator"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
)

// A console has the paths that are no API's, and a browser that it keeps connected keeps nobody from ending the server.
func TestConsole(t *testing.T) {
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
	connected := make(chan struct{})
	server := emulator.Serve(queue, listener, emulator.WithConsole(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/ui/live" {
			close(connected)
			<-r.Context().Done()
		}
		_, _ = io.WriteString(w, "console "+r.URL.Path)
	})))
	get := func(path string) string {
		resp, err := http.Get("http://" + listener.Addr().String() + path)
		if err != nil {
			return err.Error()
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		return string(body)
	}
	for _, path := range []string{"/", "/ui/tasks"} {
		if got := get(path); got != "console "+path {
			t.Errorf("%s: %s", path, got)
		}
	}
	for _, path := range []string{"/v2/projects/p/locations/l/queues", "/uix", "/_cloudtask/v1/now", "/index.html"} {
		if got := get(path); len(got) > 7 && got[:7] == "console" {
			t.Errorf("%s: %s", path, got)
		}
	}
	ended := make(chan string)
	go func() { ended <- get("/ui/live") }()
	<-connected
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if got := <-ended; got != "console /ui/live" {
		t.Errorf("the browser was told %q", got)
	}
}
