package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/testdata/codec/payloads"
)

// printHandler compares the generated handler, without authentication and logging, with one that reads the body and
// decodes it with encoding/json.
func printHandler(w io.Writer, set settings) {
	handler, err := payloads.NewHandler(cloudtask.Config{InsecureNoAuth: true, Logger: slog.New(slog.DiscardHandler)}, runner{})
	must(err)
	c := comparison{name: "handler"}
	c.peers = append(c.peers, serving("net/http and encoding/json", http.HandlerFunc(bare)), serving(ours, handler))
	fmt.Fprintf(w, "\nServeHTTP, tiny\tns/op\ttimes the bare one's cost\tallocs/op\n")
	for _, r := range c.measure(set) {
		fmt.Fprintf(w, "%s\t%.0f\t%.2f\t%d\n", r.peer, r.nanos, 1/r.speed, r.allocs)
	}
}

func serving(name string, h http.Handler) contender {
	data, err := payloads.AppendTiny(nil, payloads.NewTiny())
	must(err)
	body := bytes.NewReader(data)
	r, err := http.NewRequest(http.MethodPost, "/tasks/Tiny", io.NopCloser(body))
	must(err)
	r.ContentLength = int64(len(data))
	w := &answer{header: make(http.Header)}
	return contender{name, func() {
		body.Reset(data)
		h.ServeHTTP(w, r)
		if w.status != http.StatusOK && w.status != 0 {
			must(fmt.Errorf("%s answers %d", name, w.status))
		}
	}}
}

func bare(w http.ResponseWriter, r *http.Request) {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var task payloads.Tiny
	if err := json.Unmarshal(data, &task); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, `{"status":"executed","result":null}`)
}

// answer is an http.ResponseWriter that costs nothing.
type answer struct {
	header http.Header
	status int
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) Write(b []byte) (int, error) { return len(b), nil }
func (a *answer) WriteHeader(status int)      { a.status = status }

// runner does nothing.
type runner struct{}

func (runner) RunTiny(context.Context, payloads.Tiny) error         { return nil }
func (runner) RunOrder(context.Context, payloads.Order) error       { return nil }
func (runner) RunIDs(context.Context, payloads.IDs) error           { return nil }
func (runner) RunDocument(context.Context, payloads.Document) error { return nil }
func (runner) RunMixed(context.Context, payloads.Mixed) error       { return nil }
