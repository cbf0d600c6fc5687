package localqueue_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
)

const frameMagic = "\xf1ctq"

// filledDir returns a directory with ten tasks, t0 to t9. The journal has a frame for the queue and one for each task;
// with a snapshot, the tasks are in it, and the journal is empty.
func filledDir(t *testing.T, snapshot bool) string {
	t.Helper()
	dir := t.TempDir()
	every := int64(1 << 30)
	if snapshot {
		every = 1
	}
	s := newDurable(t, dir, start, answer(500), localqueue.WithQueues(localqueue.Queue{Name: queueName}))
	for _, id := range strings.Fields("t0 t1 t2 t3 t4 t5 t6 t7 t8 t9") {
		task := httpTask()
		task.Name = queueName + "/tasks/" + id
		size := 20
		if id == "t9" {
			size = 200 // over several blocks of a disk
		}
		task.HTTP.Body = []byte(strings.Repeat("body of "+id+" ", size) + frameMagic + "\x01\x00\x00\x00\x00\x00\x00\x00x")
		add(t, s, task)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if !snapshot {
		return dir
	}
	s = newDurable(t, dir, start, answer(500), localqueue.WithSnapshotEvery(every))
	if err := s.Keep(t.Context(), "x", []byte("y")); err != nil {
		t.Fatal(err)
	}
	for len(glob(t, dir, "snapshot-00000002")) == 0 {
		if _, err := s.Queue(t.Context(), queueName); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func glob(t *testing.T, dir, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// change changes the file's contents.
func change(t *testing.T, path string, f func(data []byte) []byte) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, f(data), 0o600); err != nil {
		t.Fatal(err)
	}
}

func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	for _, path := range glob(t, dir, "*") {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[path] = string(data)
	}
	return files
}

// lastFrame returns where the last frame begins.
func lastFrame(data []byte) int {
	at := bytes.LastIndex(data, []byte(frameMagic))
	if end := at + 13; end == len(data) { // the one in the last task's body
		at = bytes.LastIndex(data[:at], []byte(frameMagic))
	}
	return at
}

func TestTornEndIsDropped(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		tear func(data []byte) []byte
		want int // tasks that are left
	}{
		{"nothing torn", func(data []byte) []byte { return data }, 10},
		{"zeros after the end", func(data []byte) []byte { return append(data, make([]byte, 5000)...) }, 10},
		{"a few zeros after the end", func(data []byte) []byte { return append(data, 0, 0, 0) }, 10},
		{"the last byte is missing", func(data []byte) []byte { return data[:len(data)-1] }, 9},
		{"half of the header is missing", func(data []byte) []byte { return data[:lastFrame(data)+6] }, 9},
		{"the end is zeros", func(data []byte) []byte {
			clear(data[lastFrame(data)+50:])
			return append(data, make([]byte, 5000)...)
		}, 9},
		{"the start is zeros", func(data []byte) []byte {
			clear(data[lastFrame(data):][:30])
			return append(data, make([]byte, 5000)...)
		}, 9},
		{"a block is zeros", func(data []byte) []byte {
			block := (lastFrame(data) + 1023) / 512 * 512
			clear(data[block:][:512])
			return append(data, make([]byte, 5000)...)
		}, 9},
		{"only the file's header is there", func(data []byte) []byte { return data[:40] }, 0},
		{"half of the file's header is there", func(data []byte) []byte { return data[:20] }, 0},
		{"the file is empty", func(data []byte) []byte { return nil }, 0},
		{"the file is zeros", func(data []byte) []byte { return make([]byte, 5000) }, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := filledDir(t, false)
			change(t, filepath.Join(dir, "journal-00000001"), test.tear)
			var log bytes.Buffer
			for range 2 {
				s := newDurable(t, dir, start, answer(500), localqueue.WithQueues(localqueue.Queue{Name: queueName}),
					localqueue.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
				if tasks, _, err := s.Tasks(t.Context(), queueName, localqueue.Page{}, localqueue.ViewFull); err != nil || len(tasks) != test.want {
					t.Errorf("%d tasks, %v; want %d", len(tasks), err, test.want)
				}
				add(t, s, httpTask())
				test.want++
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			}
			whole := test.want == 12 || strings.Contains(test.name, "only")
			if dropped := strings.Count(log.String(), "it is dropped"); dropped == 0 != whole || dropped > 1 {
				t.Errorf("%d log lines about what is dropped:\n%s", dropped, log.String())
			}
		})
	}
}

func TestDamageIsRefused(t *testing.T) {
	t.Parallel()
	flip := func(offset int) func(data []byte) []byte {
		return func(data []byte) []byte {
			data[offset] ^= 0x10
			return data
		}
	}
	tests := []struct {
		name     string
		snapshot bool
		file     string
		damage   func(data []byte) []byte // nil: the file is removed
		want     string
	}{
		{"a task's body", false, "journal-00000001", flip(1500), "the checksum of a frame"},
		{"the last task's body", false, "journal-00000001", func(data []byte) []byte { return flip(len(data) - 100)(data) }, "the checksum of a frame"},
		{"the last frame's beginning", false, "journal-00000001", func(data []byte) []byte { return flip(lastFrame(data))(data) }, "no frame begins there"},
		{"the last frame's checksum", false, "journal-00000001", func(data []byte) []byte {
			return append(flip(lastFrame(data)+10)(data), make([]byte, 5000)...) // as a process that is killed leaves it
		}, "the checksum of a frame"},
		{"a frame's length", false, "journal-00000001", func(data []byte) []byte {
			at := 41 + bytes.Index(data[41:], []byte(frameMagic))
			binary.LittleEndian.PutUint32(data[at+4:], 1<<30)
			return data
		}, "goes beyond the end"},
		{"a frame's beginning", false, "journal-00000001", flip(40), "is damaged at byte 40: no frame begins there"},
		{"a page is zeros", false, "journal-00000001", func(data []byte) []byte { clear(data[40:900]); return data }, "is damaged at byte 40"},
		{"the header", false, "journal-00000001", flip(30), "its header's checksum"},
		{"another file", false, "journal-00000001", func([]byte) []byte { return bytes.Repeat([]byte("text "), 100) }, "does not begin as a queue's file"},
		{"another number", true, "journal-00000002", func(data []byte) []byte { return []byte(contentsOf(t, filledDir(t, false), "journal-00000001")) }, "says that it is number 1"},
		{"a newer format", false, "journal-00000001", func(data []byte) []byte { data[16] = 99; return data }, "was written by a newer version: its format is 99"},
		{"a snapshot", true, "snapshot-00000002", flip(700), "the checksum of a frame"},
		{"a snapshot's end", true, "snapshot-00000002", func(data []byte) []byte { return data[:len(data)-1] }, "goes beyond the end"},
		{"all but a snapshot's header", true, "snapshot-00000002", func(data []byte) []byte { return data[:40] }, "its end is missing"},
		{"the journal of a snapshot", true, "journal-00000002", nil, "journal-00000002 is missing"},
		{"the snapshot", true, "snapshot-00000002", nil, "journal-00000001 is missing, and no snapshot replaces it"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := filledDir(t, test.snapshot)
			path := filepath.Join(dir, test.file)
			if test.damage != nil {
				change(t, path, test.damage)
			} else if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			before := contents(t, dir)
			for range 2 { // the directory is not left locked
				s, err := localqueue.New(localqueue.WithDir(dir), localqueue.WithLogger(slog.New(slog.DiscardHandler)))
				if err == nil {
					s.Close()
					t.Fatal("a damaged directory is used")
				}
				if !errors.Is(err, localqueue.ErrDirectory) || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), dir) {
					t.Errorf("error %v\nwant %q, the directory, and ErrDirectory in it", err, test.want)
				}
			}
			if !maps.Equal(before, contents(t, dir)) {
				t.Error("the directory was changed")
			}
		})
	}
}

func contentsOf(t *testing.T, dir, file string) string {
	return contents(t, dir)[filepath.Join(dir, file)]
}

func TestDirectoryIsRefused(t *testing.T) {
	t.Parallel()
	taken := t.TempDir()
	s := newDurable(t, taken, start, answer(200))
	foreign := t.TempDir()
	if err := os.WriteFile(filepath.Join(foreign, "main.go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{
		taken:                                 taken + " is in use by another queue",
		foreign:                               foreign + " holds main.go but no queue",
		filepath.Join(foreign, "main.go/dir"): "not a directory",
	} {
		if _, err := localqueue.New(localqueue.WithDir(dir)); !errors.Is(err, localqueue.ErrDirectory) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", dir, err, want)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	newDurable(t, taken, start, answer(200))
}

// Snapshots are written while everything changes, and what is there in the end is there after a restart.
func TestSnapshotsWhileQueuesChange(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	opts := []localqueue.Option{
		localqueue.WithLogger(slog.New(slog.DiscardHandler)), localqueue.WithDir(dir), localqueue.WithSnapshotEvery(50_000), localqueue.WithHistory(1000),
		localqueue.WithHandler(answer(500)), localqueue.WithQueues(localqueue.Queue{Name: queueName}, localqueue.Queue{Name: location + "/queues/other"}),
	}
	s, err := localqueue.New(opts...)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for client := range 8 {
		group.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(client)))
			queue := []string{queueName, location + "/queues/other"}[client%2]
			var mine []string
			for range 250 {
				task := httpTask()
				task.ScheduleTime, task.HTTP.Body = time.Now().Add(time.Hour), make([]byte, random.IntN(1000))
				if random.IntN(2) == 0 {
					task.Name = fmt.Sprintf("%s/tasks/%d-%d", queue, client, len(mine))
				}
				created, err := s.AddTask(t.Context(), queue, task)
				if err != nil {
					t.Error(err)
					return
				}
				mine = append(mine, created.Name)
				switch name := mine[random.IntN(len(mine))]; random.IntN(3) {
				case 0:
					_ = s.DeleteTask(t.Context(), name) // may be gone
				case 1:
					_, _ = s.RunTask(t.Context(), name, localqueue.ViewBasic)
				}
			}
		})
	}
	group.Wait()
	if _, err := s.PauseQueue(t.Context(), queueName); err != nil {
		t.Fatal(err)
	}
	if _, err := s.PauseQueue(t.Context(), location+"/queues/other"); err != nil {
		t.Fatal(err)
	}
	for s.Backlog().Running > 0 {
		time.Sleep(time.Millisecond)
	}
	want := observe(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if len(glob(t, dir, "snapshot-*")) != 1 || len(glob(t, dir, "journal-00000001")) != 0 {
		t.Errorf("no snapshot was written: %v", glob(t, dir, "*"))
	}
	if s, err = localqueue.New(opts...); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if diff := cmp.Diff(want, observe(t, s), byText); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}

// Files are small again once what they told of is gone, and nothing is lost while they are exchanged.
func TestSnapshotsReplaceJournals(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := newDurable(t, dir, start, answer(500), localqueue.WithQueues(localqueue.Queue{Name: queueName}), localqueue.WithSnapshotEvery(20_000))
	var kept []string
	for i := range 2000 {
		task := add(t, s, httpTask())
		if i%100 == 0 {
			kept = append(kept, task.Name)
		} else if err := s.DeleteTask(t.Context(), task.Name); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	size := 0
	for _, data := range contents(t, dir) {
		size += len(data)
	}
	if len(glob(t, dir, "snapshot-*")) != 1 || len(glob(t, dir, "journal-00000001")) != 0 || size > 250_000 {
		t.Errorf("%d bytes in %v", size, glob(t, dir, "*"))
	}
	s = newDurable(t, dir, start, answer(500))
	tasks, _, err := s.Tasks(t.Context(), queueName, localqueue.Page{}, localqueue.ViewBasic)
	if err != nil || len(tasks) != len(kept) {
		t.Fatalf("%d tasks, %v; want %d", len(tasks), err, len(kept))
	}
	for i, task := range tasks {
		if task.Name != kept[i] {
			t.Errorf("task %d is %s, want %s", i, task.Name, kept[i])
		}
	}
}
