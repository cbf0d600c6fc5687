package cloudtask_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

func TestRedaction(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, payload string
		headers       []string
		fields        []string
		want          string   // payload
		redacted      []string // but for the header, which is in each
	}{
		{"by name, at any depth", `{"a":{"Password":"x"},"password":["y",{"z":1.50}],"n":1.50}`, nil, []string{"password"},
			`{"a":{"Password":"REDACTED"},"password":["REDACTED",{"z":0}],"n":1.50}`, []string{"payload a.Password", "payload password"}},
		{"by path, through lists", `{"cards":[{"number":"1","cvc":2},{"number":"3"}],"number":"4","on":true,"no":null}`, nil, []string{"cards.number", "on", "no"},
			`{"cards":[{"number":"REDACTED","cvc":2},{"number":"REDACTED"}],"number":"4","on":false,"no":null}`, []string{"payload cards.number", "payload on", "payload no"}},
		{"escaped key", `{"p\u0061ss":"<x>","o":"<y>"}`, nil, []string{"pass"}, `{"pass":"REDACTED","o":"<y>"}`, []string{"payload pass"}},
		{"nothing found", `{ "name" : "Ann\u002e" }`, nil, []string{"password"}, `{ "name" : "Ann\u002e" }`, nil},
		{"not JSON", `password=x`, nil, []string{"password"}, ``, []string{"payload (not JSON)"}},
		{"deeper than JSON may be", strings.Repeat("[", 50_000) + strings.Repeat("]", 50_000), nil, []string{"password"}, ``, []string{"payload (not JSON)"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cfg, dir := saving(t)
			cfg.SaveFailures.RedactHeaders, cfg.SaveFailures.RedactFields = []string{"x-api-key", "x-absent"}, test.fields
			serve(newHandler(t, cfg, route(fails(errors.New("no")))), "POST", "/tasks/Nobody", test.payload, "X-API-Key", "hush")
			task := onlySaved(t, dir)
			want := append([]string{"header X-Api-Key"}, test.redacted...)
			if diff := cmp.Diff(want, task.Redacted); diff != "" || string(task.Body) != test.want {
				t.Errorf("saved %s\nwant  %s\nredacted (-want +got):\n%s", task.Body, test.want, diff)
			}
		})
	}
}

// The newest failures stay, one file a task, within both bounds; files of others are left alone.
func TestFailureFilesAreBounded(t *testing.T) {
	t.Parallel()
	cfg, dir := saving(t)
	var log jsonLog
	cfg.Logger = log.logger()
	cfg.SaveFailures.MaxFiles = 3
	h := newHandler(t, cfg, route(fails(errors.New("no"))))
	for _, name := range []string{"important.json", ".failed-task-of-a-process-that-died"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file := func(id string) string { return "Greet.q." + id + ".failed-task.json" }
	fail := func(id, name string) {
		for _, entry := range files(t, dir) { // each failure comes an hour after the one before
			info, err := os.Stat(filepath.Join(dir, entry))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(filepath.Join(dir, entry), time.Time{}, info.ModTime().Add(-time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		serve(h, "POST", "/tasks/Greet", `{"name":"`+name+`"}`, "X-CloudTasks-TaskName", id, "X-CloudTasks-QueueName", "q")
	}
	for _, id := range []string{"1", "2", "3", "1", "1", "4", "5"} {
		fail(id, "Ann")
	}
	if diff := cmp.Diff([]string{file("1"), file("4"), file("5"), "important.json"}, files(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}

	cfg.SaveFailures.MaxBytes = 4000
	h = newHandler(t, cfg, route(fails(errors.New("no"))))
	fail("6", strings.Repeat("x", 2500))
	if diff := cmp.Diff([]string{file("4"), file("5"), file("6"), "important.json"}, files(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	log.take(t)
	fail("7", strings.Repeat("x", 4000))
	if lines := log.take(t); len(lines) != 1 || !strings.Contains(fmt.Sprint(lines[0]["not_saved"]), "SaveFailures.MaxBytes") {
		t.Errorf("log of a task that is larger than all may be: %v", lines)
	}
	if got := len(files(t, dir)); got != 4 {
		t.Errorf("%d files after it, want those from before", got)
	}
}

// Names come from strangers' requests: they stay in the directory, and apart.
func TestFailureFileNames(t *testing.T) {
	t.Parallel()
	cfg, dir := saving(t)
	h := newHandler(t, cfg, route(fails(errors.New("no"))))
	long := strings.Repeat("x", 500)
	for _, r := range [][2]string{{"/tasks/..%2F..%2Fa%00b", "1"}, {"/tasks/Greet", "../../1"}, {"/tasks/Greet", long + "1"}, {"/tasks/Greet", long + "2"}, {"/tasks/Greet", ""}, {"/tasks/Greet", ""}} {
		serve(h, "POST", r[0], `{}`, "X-CloudTasks-TaskName", r[1])
	}
	names := files(t, dir)
	if len(names) != 6 {
		t.Errorf("%d files, want six: %q", len(names), names)
	}
	for _, name := range names {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory: %v, %v", info.Mode(), err)
	}
}

// A disk that fails is noted and changes nothing; one that cannot work is an error at the start.
func TestFailingDisk(t *testing.T) {
	t.Parallel()
	cfg, dir := saving(t)
	var log jsonLog
	cfg.Logger = log.logger()
	h := newHandler(t, cfg, route(fails(cloudtask.Discard(nil))))
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if w := post(h, "/tasks/Greet", `{"name":"Ann"}`); w.Code != 202 {
		t.Errorf("answered %d", w.Code)
	}
	if lines := log.take(t); len(lines) != 1 || lines[0]["outcome"] != "discarded" || !strings.Contains(fmt.Sprint(lines[0]["not_saved"]), "no such file") {
		t.Errorf("log %v", lines)
	}

	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := cloudtask.NewHandler(cfg)
	wantError(t, err, "SaveFailures.Dir", dir, "no file can be written")
}

// Many that fail at once stay within the bounds, and each file is whole.
func TestFailuresAtOnce(t *testing.T) {
	t.Parallel()
	cfg, dir := saving(t)
	cfg.SaveFailures.MaxFiles = 5
	h := newHandler(t, cfg, route(fails(errors.New("no"))))
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			serve(h, "POST", "/tasks/Greet", `{"name":"Ann"}`, "X-CloudTasks-TaskName", strconv.Itoa(i%20))
		})
	}
	wg.Wait()
	if saved := savedTasks(t, dir); len(saved) != 5 {
		t.Errorf("%d files, want 5", len(saved))
	}
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// BenchmarkSaveFailure is an attempt that fails and is saved to a directory that is full.
func BenchmarkSaveFailure(b *testing.B) {
	cfg, dir := saving(b)
	cfg.Logger = slog.New(slog.DiscardHandler)
	h := newHandler(b, cfg, route(fails(errors.New("no"))))
	for i := 0; b.Loop(); i++ {
		serve(h, "POST", "/tasks/Greet", `{"name":"Ann"}`, "X-CloudTasks-TaskName", strconv.Itoa(i), "X-CloudTasks-QueueName", "q")
	}
	if got := len(savedTasks(b, dir)); got > 100 {
		b.Fatalf("%d files", got)
	}
}
