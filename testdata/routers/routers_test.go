package routers

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtasktest"
)

// greeting is a task whose name has every kind of character that names may have.
type greeting struct{ Name string }

var greet = cloudtask.Definition{
	Task: &greeting{},
	Name: "mail.Greet_v2~a-b",
	Append: func(dst []byte, task any) ([]byte, error) {
		text, err := json.Marshal(task)
		return append(dst, text...), err
	},
	Decode: func(data []byte, task any) error { return json.Unmarshal(data, task) },
}

// TestRouters delivers a task through each router twice, with signed tokens, over HTTP.
func TestRouters(t *testing.T) {
	gin.SetMode(gin.ReleaseMode)
	for name, mount := range map[string]func(http.Handler) http.Handler{
		"net/http": netHTTP, "chi": onChi, "gorilla/mux": onGorilla, "echo": onEcho, "echo v4": onEchoV4, "gin": onGin,
		"cross-origin protection": http.NewCrossOriginProtection().Handler,
	} {
		for _, base := range []string{"", "/app"} {
			t.Run(name+base, func(t *testing.T) {
				var attempts []string
				handler, q := newHandler(t, base, func(ctx context.Context, task *greeting) error {
					meta := cloudtask.MetadataFrom(ctx)
					attempts = append(attempts, fmt.Sprintf("%s, attempt %d", task.Name, meta.Attempt()))
					if meta.FirstAttempt() {
						return fmt.Errorf("once more")
					}
					return nil
				})
				router := mount(handler)
				if base != "" {
					router = below(router)
				}
				server := httptest.NewServer(router)
				defer server.Close()
				q.DeliverToServer(server.URL, server.Client())

				if _, err := greet.Asap(t.Context(), q.Client, &greeting{Name: "World"}); err != nil {
					t.Fatal(err)
				}
				for _, want := range []int{http.StatusInternalServerError, http.StatusOK} {
					if attempt := q.RunNext(); attempt.Status != want {
						t.Errorf("%v, want status %d", attempt, want)
					}
				}
				if got, want := strings.Join(attempts, "; "), "World, attempt 1; World, attempt 2"; got != want {
					t.Errorf("ran %q, want %q", got, want)
				}
			})
		}
	}
}

// TestStrippedPrefix is what happens where a router is told to strip the tasks' own prefix.
func TestStrippedPrefix(t *testing.T) {
	handler, q := newHandler(t, "", func(context.Context, *greeting) error {
		t.Error("the task ran")
		return nil
	})
	if _, err := greet.Asap(t.Context(), q.Client, &greeting{Name: "World"}); err != nil {
		t.Fatal(err)
	}
	task := cloudtasktest.Only(t, cloudtask.Selection[*cloudtasktest.Queue, greeting]{Queue: q, Definition: &greet}).Task
	answer := httptest.NewRecorder()
	http.StripPrefix("/tasks", handler).ServeHTTP(answer, cloudtasktest.Request(t, task))
	const want = `does not begin with PathPrefix, \"/tasks/\": mount the handler so that it sees the whole path, without http.StripPrefix`
	if answer.Code != http.StatusNotFound || !strings.Contains(answer.Body.String(), want) {
		t.Errorf("answered %d %s, want 404 %s", answer.Code, answer.Body, want)
	}
}

// newHandler returns a handler of greetings, and a queue whose tasks are for it.
func newHandler(t *testing.T, base string, run func(context.Context, *greeting) error) (http.Handler, *cloudtasktest.Queue) {
	t.Helper()
	q := cloudtasktest.NewWithOptions(t, cloudtasktest.Options{Config: cloudtask.Config{BaseURL: "http://tasks.example" + base}})
	handler, err := cloudtask.NewHandler(q.Config, greet.Route(func(ctx context.Context, task any) error {
		return run(ctx, task.(*greeting))
	}))
	if err != nil {
		t.Fatal(err)
	}
	return handler, q
}
