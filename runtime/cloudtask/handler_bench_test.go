package cloudtask_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"testing"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

// BenchmarkServeHTTP compares the handler with a bare one that does the same work by encoding/json. "handler" decodes
// by a stand-in for a generated codec, so that what is measured is the handler. Both in one run.
func BenchmarkServeHTTP(b *testing.B) {
	def := greetTask
	def.Decode = func(data []byte, payload any) error {
		task := payload.(*greeting)
		_, after, _ := bytes.Cut(data, []byte(`:"`))
		task.Name = string(after[:len(after)-2])
		return nil
	}
	run := func(context.Context, any) error { return nil }
	logged := insecure
	logged.Logger = slog.New(slog.NewJSONHandler(io.Discard, nil))
	issuer := googleIssuer()
	handlers := []struct {
		name    string
		handler http.Handler
		header  http.Header
	}{
		{"bare", http.HandlerFunc(bare), nil},
		{"handler", newHandler(b, insecure, def.Route(run)), nil},
		{"handler, headers of Cloud Tasks", newHandler(b, insecure, def.Route(run)), cloudTasksHeader},
		{"handler, logging", newHandler(b, logged, def.Route(run)), cloudTasksHeader},
		{"handler, OIDC", newHandler(b, google(issuer), def.Route(run)), http.Header{"Authorization": {"Bearer " + issuer.token(b)}}},
	}
	payload := []byte(`{"name":"Ann"}`)
	for _, h := range handlers {
		b.Run(h.name, func(b *testing.B) {
			b.ReportAllocs()
			body := bytes.NewReader(payload)
			r, err := http.NewRequest("POST", "/tasks/Greet", io.NopCloser(body))
			if err != nil {
				b.Fatal(err)
			}
			r.ContentLength = int64(len(payload))
			if h.header != nil {
				r.Header = h.header
			}
			w := &answerWriter{header: make(http.Header)}
			for b.Loop() {
				body.Reset(payload)
				clear(w.header)
				h.handler.ServeHTTP(w, r)
				if w.status != 0 && w.status != 200 {
					b.Fatalf("answered %d", w.status)
				}
			}
		})
	}
}

var cloudTasksHeader = http.Header{
	"X-Cloudtasks-Queuename": {"mail"}, "X-Cloudtasks-Taskname": {"05885295116503454631"}, "X-Cloudtasks-Taskretrycount": {"0"},
	"X-Cloudtasks-Taskexecutioncount": {"0"}, "X-Cloudtasks-Tasketa": {"1666670855.329625"}, "User-Agent": {"Google-Cloud-Tasks"},
	"Content-Type": {"application/json"}, "Cloudtask-Timeout": {"10m0s"},
}

// bare is a handler as one writes it by hand.
func bare(w http.ResponseWriter, r *http.Request) {
	payload, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var task greeting
	if err := json.Unmarshal(payload, &task); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, `{"status":"executed","result":null}`)
}

// answerWriter is a ResponseWriter that costs nothing.
type answerWriter struct {
	header http.Header
	status int
}

func (w *answerWriter) Header() http.Header               { return w.header }
func (w *answerWriter) WriteHeader(status int)            { w.status = status }
func (w *answerWriter) Write(p []byte) (int, error)       { return len(p), nil }
func (w *answerWriter) WriteString(s string) (int, error) { return len(s), nil }

var _ cloudtask.Authenticator = (*cloudtask.OIDCAuthenticator)(nil)
