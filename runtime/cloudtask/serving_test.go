package cloudtask_test

// What the tests of the serving side share: a task type as generated code would define it, requests, and log lines.

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

type greeting struct {
	Name string `json:"name"`
}

type greeted struct {
	Text string `json:"text"`
}

// syntaxOffset returns the offset that encoding/json tells of the mistake in a text: with GOEXPERIMENT=jsonv2 it counts
// otherwise, and escapes less.
func syntaxOffset(text string) string {
	var syntax *json.SyntaxError
	if !errors.As(json.Unmarshal([]byte(text), new(any)), &syntax) {
		return "none"
	}
	return strconv.FormatInt(syntax.Offset, 10)
}

var greetTask = cloudtask.Definition{
	Task:    (*greeting)(nil),
	Name:    "Greet",
	Aliases: []string{"Hello"},
	Queue:   "mail",
	Append: func(dst []byte, payload any) ([]byte, error) {
		task := payload.(*greeting)
		text, err := json.Marshal(task)
		return append(dst, text...), err
	},
	Decode: func(data []byte, payload any) error {
		task := payload.(*greeting)
		if err := json.Unmarshal(data, task); err != nil {
			if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
				return fmt.Errorf("payload: %w, offset %d", err, syntax.Offset)
			}
			return err
		}
		if task.Name == "" {
			return errors.New("payload.name: required field is missing")
		}
		return nil
	},
}

func appendGreeted(dst []byte, result any) ([]byte, error) {
	text, err := json.Marshal(result)
	return append(dst, text...), err
}

// route runs greetTask with a function of its context and name.
func route(run func(ctx context.Context, name string) error) cloudtask.Route {
	return greetTask.Route(func(ctx context.Context, task any) error { return run(ctx, task.(*greeting).Name) })
}

func newHandler(t testing.TB, cfg cloudtask.Config, routes ...cloudtask.Route) http.Handler {
	t.Helper()
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	h, err := cloudtask.NewHandler(cfg, routes...)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

var insecure = cloudtask.Config{InsecureNoAuth: true}

// post sends a payload with headers, given as names and values in turn, and returns the answer.
func post(h http.Handler, path, payload string, headers ...string) *httptest.ResponseRecorder {
	return serve(h, http.MethodPost, path, payload, headers...)
}

func serve(h http.Handler, method, path, payload string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(payload))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// jsonLog records log lines as the objects that they are.
type jsonLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *jsonLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *jsonLog) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func (l *jsonLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// take returns the lines so far and forgets them.
func (l *jsonLog) take(t testing.TB) []map[string]any {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var lines []map[string]any
	for d := json.NewDecoder(&l.text); ; {
		var line map[string]any
		if err := d.Decode(&line); err == io.EOF {
			l.text.Reset()
			return lines
		} else if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
}
