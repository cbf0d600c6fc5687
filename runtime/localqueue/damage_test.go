package localqueue_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// filledDir returns a directory with ten tasks, t0 to t9, as a process that is killed leaves it. The journal has a group
// for the queue and one for each task; with a snapshot, the tasks are in it, and the journal has no group.
func filledDir(t *testing.T, snapshot bool) string {
	t.Helper()
	states := fillStates(t)
	dir := copyOf(t, states[10])
	if !snapshot {
		return dir
	}
	s := newDurable(t, dir, start, answer(500), localqueue.WithSnapshotEvery(1))
	if err := s.Keep(t.Context(), "x", []byte("y")); err != nil {
		t.Fatal(err)
	}
	for len(glob(t, dir, "snapshot-00000002")) == 0 || len(glob(t, dir, "journal-00000001")) != 0 {
		time.Sleep(time.Millisecond)
	}
	return copyOf(t, readImage(t, dir))
}

// fillStates returns a directory's files with no task, with t0, with t0 and t1 and so on to t9.
func fillStates(t *testing.T) []image {
	t.Helper()
	dir := t.TempDir()
	s := newDurable(t, dir, start, answer(500), localqueue.WithQueues(resource.Queue{Name: queueName}))
	states := []image{readImage(t, dir)}
	for id := range strings.FieldsSeq("t0 t1 t2 t3 t4 t5 t6 t7 t8 t9") {
		task := httpTask()
		task.Name = queueName + "/tasks/" + id
		size := 20
		if id == "t9" {
			size = 200 // over several blocks of a disk
		}
		task.HTTP.Body = []byte(strings.Repeat("body of "+id+" ", size) + string(make([]byte, 600)))
		add(t, s, task)
		states = append(states, readImage(t, dir))
	}
	return states
}

// copyOf returns a new directory with the files.
func copyOf(t *testing.T, files image) string {
	t.Helper()
	dir := t.TempDir()
	files.write(t, dir)
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

// used returns how many bytes of a file are in front of the zeros at its end.
func used(data []byte) int { return len(bytes.TrimRight(data, "\x00")) }

const journal1 = "journal-00000001"

// The last change was being written when the process or the machine went down: it is dropped, and what there is of it is
// moved aside.
func TestTornEndIsDropped(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		tear func(data []byte, from int) []byte // what was being written begins at from
		want int                                // tasks that are left
	}{
		{"nothing torn", func(data []byte, from int) []byte { return data }, 10},
		{"no zeros after the end", func(data []byte, from int) []byte { return data[:used(data)] }, 10},
		{"a few zeros after the end", func(data []byte, from int) []byte { return data[:used(data)+3] }, 10},
		{"nothing written", func(data []byte, from int) []byte { clear(data[from:]); return data }, 9},
		{"nothing written, no zeros", func(data []byte, from int) []byte { return data[:from] }, 9},
		{"the last byte is missing", func(data []byte, from int) []byte { return data[:used(data)-1] }, 9},
		{"part of the first block is missing", func(data []byte, from int) []byte { return data[:from+6] }, 9},
		{"the end is zeros", func(data []byte, from int) []byte { clear(data[from+600:]); return data }, 9},
		{"the end is zeros from within a checksum", func(data []byte, from int) []byte { clear(data[from+510:]); return data }, 9},
		{"the first block is zeros", func(data []byte, from int) []byte { clear(data[from:][:512]); return data }, 9},
		{"the second block is zeros", func(data []byte, from int) []byte { clear(data[from+512:][:512]); return data }, 9},
		{"only the last block is there", func(data []byte, from int) []byte { clear(data[from : used(data)-512]); return data }, 9},
	}
	states := fillStates(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			files := maps.Clone(states[10])
			from := used([]byte(states[9][journal1]))
			files["watermark"], files[journal1] = states[9]["watermark"], string(test.tear([]byte(files[journal1]), from))
			left := strings.TrimRight(files[journal1][from:], "\x00")
			dir := copyOf(t, files)
			var log bytes.Buffer
			for range 2 {
				s := newDurable(t, dir, start, answer(500), localqueue.WithQueues(resource.Queue{Name: queueName}),
					localqueue.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
				if tasks, _, err := s.ListTasks(t.Context(), queueName, resource.Page{}, resource.ViewFull); err != nil || len(tasks) != test.want {
					t.Errorf("%d tasks, %v; want %d", len(tasks), err, test.want)
				}
				add(t, s, httpTask())
				test.want++
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			}
			if whole := test.want == 12; whole || left == "" {
				if strings.Contains(log.String(), "moved it aside") || len(glob(t, dir, "*torn*")) != 0 {
					t.Errorf("something was moved aside:\n%s", log.String())
				}
				return
			}
			aside := filepath.Join(dir, fmt.Sprintf("journal-00000001.torn-%d", from))
			if moved := strings.TrimRight(contents(t, dir)[aside], "\x00"); moved != left {
				t.Errorf("%d bytes were moved aside, want the %d that there were", len(moved), len(left))
			}
			text := strings.ReplaceAll(log.String(), `"`, "") // around paths with spaces
			for _, want := range []string{filepath.Join(dir, journal1), fmt.Sprintf("offset=%d", from), "moved_to=" + aside} {
				if strings.Count(text, want+" ") != 1 && strings.Count(text, want+"\n") != 1 {
					t.Errorf("not one log line has %q:\n%s", want, log.String())
				}
			}
		})
	}
}

// What is moved aside takes the place of nothing that was moved aside before.
func TestTornEndsAreKept(t *testing.T) {
	t.Parallel()
	states := fillStates(t)
	files := maps.Clone(states[9])
	from := used([]byte(files[journal1]))
	files[journal1] = states[10][journal1][:from+700]
	dir := copyOf(t, files)
	want := make(map[string]string)
	for n := range 3 {
		if err := newDurable(t, dir, start, answer(500)).Close(); err != nil {
			t.Fatal(err)
		}
		suffix := ""
		if n > 0 {
			suffix = fmt.Sprintf("-%d", n+1)
		}
		want[filepath.Join(dir, fmt.Sprintf("journal-00000001.torn-%d%s", from, suffix))] = files[journal1][from:]
		files.write(t, dir) // the machine goes down again
	}
	got := contents(t, dir)
	for path, data := range want {
		if strings.TrimRight(got[path], "\x00") != strings.TrimRight(data, "\x00") {
			t.Errorf("%s has %d bytes, want %d", path, len(got[path]), len(data))
		}
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
	states := fillStates(t)
	begins := func(task int) int { return used([]byte(states[task][journal1])) } // where a task's group begins in the journal
	tests := []struct {
		name     string
		snapshot bool
		file     string
		damage   func(data []byte) []byte // nil: the file is removed
		want     string
	}{
		{"a task's body", false, journal1, flip(begins(3) + 60), fmt.Sprintf("is damaged at byte %d: ", begins(3))},
		{"the last task's body", false, journal1, flip(begins(9) + 600), fmt.Sprintf("is damaged at byte %d: ", begins(9)+512)},
		{"the last group's length", false, journal1, flip(begins(9)), fmt.Sprintf("is damaged at byte %d: ", begins(9))},
		{"the last group's highest length", false, journal1, flip(begins(9) + 3), fmt.Sprintf("is damaged at byte %d: ", begins(9))},
		{"the last but one", false, journal1, flip(begins(8) + 1), fmt.Sprintf("is damaged at byte %d: ", begins(8))},
		{"the last group's checksum", false, journal1, flip(begins(9) + 511), fmt.Sprintf("is damaged at byte %d: ", begins(9))},
		{"zeros at the end of the last group", false, journal1, func(data []byte) []byte { clear(data[used(data)-300:]); return data }, "had been acknowledged"},
		{"zeros inside the last group", false, journal1, func(data []byte) []byte { clear(data[begins(9)+512:][:512]); return data }, "had been acknowledged"},
		{"zeros in place of the last group", false, journal1, func(data []byte) []byte { clear(data[begins(9):]); return data }, "had been acknowledged"},
		{"zeros from the fifth last group on", false, journal1, func(data []byte) []byte { clear(data[begins(5)+100:]); return data },
			fmt.Sprintf("is damaged at byte %d: the block there is not what was written, and everything up to byte %d had been acknowledged", begins(5), begins(10))},
		{"zeros from the fifth last group into the last", false, journal1, func(data []byte) []byte { clear(data[begins(5)+100 : begins(9)+100]); return data },
			fmt.Sprintf("is damaged at byte %d: ", begins(5))},
		{"a byte is inserted", false, journal1, func(data []byte) []byte { return slices.Insert(data, begins(5)+30, 'x') }, fmt.Sprintf("is damaged at byte %d: ", begins(5))},
		{"a byte is missing", false, journal1, func(data []byte) []byte { return slices.Delete(data, begins(5)+30, begins(5)+31) }, fmt.Sprintf("is damaged at byte %d: ", begins(5))},
		{"a group is missing", false, journal1, func(data []byte) []byte { return slices.Delete(data, begins(5), begins(6)) }, fmt.Sprintf("is damaged at byte %d: ", begins(5))},
		{"a group stands twice", false, journal1, func(data []byte) []byte {
			return slices.Insert(data, begins(5), slices.Clone(data[begins(5):begins(6)])...)
		}, fmt.Sprintf("is damaged at byte %d: ", begins(6))},
		{"the file ends with a group", false, journal1, func(data []byte) []byte { return data[:begins(9)] }, "had been acknowledged"},
		{"only the header is there", false, journal1, func(data []byte) []byte { return data[:512] }, "had been acknowledged"},
		{"half of the header is there", false, journal1, func(data []byte) []byte { return data[:20] }, "its header's checksum is wrong"},
		{"the file is empty", false, journal1, func(data []byte) []byte { return nil }, "the file is empty"},
		{"the file is zeros", false, journal1, func(data []byte) []byte { return make([]byte, 5000) }, "does not begin like a queue's file"},
		{"the header", false, journal1, flip(30), "its header's checksum"},
		{"another file", false, journal1, func([]byte) []byte { return bytes.Repeat([]byte("text "), 100) }, "does not begin like a queue's file"},
		{"another number", true, "journal-00000002", func(data []byte) []byte { return []byte(states[10][journal1]) }, "says that it is number 1"},
		{"another queue", false, journal1, func(data []byte) []byte { return []byte(fillStates(t)[10][journal1]) }, "belongs to another queue"},
		{"an older copy", false, journal1, func(data []byte) []byte { return []byte(states[9][journal1]) }, "had been acknowledged"},
		{"no journal", false, journal1, nil, "journal-00000001 is missing"},
		{"a newer format", false, journal1, func(data []byte) []byte { data[16] = 99; return data }, "was written by a newer version: its format is 99"},
		{"a newer format of the watermark", false, "watermark", func(data []byte) []byte { data[16] = 99; return data }, "was written by a newer version: its format is 99"},
		{"a snapshot", true, "snapshot-00000002", flip(700), "is damaged at byte 512: "},
		{"a snapshot's end", true, "snapshot-00000002", func(data []byte) []byte { return data[:len(data)-1] }, "the block there is not what was written"},
		{"more than a snapshot", true, "snapshot-00000002", func(data []byte) []byte { return append(data, 0) }, "the block there is not what was written"},
		{"all but a snapshot's header", true, "snapshot-00000002", func(data []byte) []byte { return data[:512] }, "the snapshot does not"},
		{"the journal of a snapshot", true, "journal-00000002", nil, "journal-00000002 is missing"},
		{"the snapshot", true, "snapshot-00000002", nil, "journal-00000001 is missing, and no snapshot replaces it"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := copyOf(t, states[10])
			if test.snapshot {
				dir = filledDir(t, true)
			}
			path := filepath.Join(dir, test.file)
			if test.damage != nil {
				change(t, path, test.damage)
			} else if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			refuses(t, dir, test.want)
		})
	}
}

// refuses starts a queue twice in the directory, which must be refused with an error like that, and change nothing.
func refuses(t *testing.T, dir, want string) {
	t.Helper()
	before := contents(t, dir)
	for range 2 { // the directory is not left locked
		s, err := localqueue.New(localqueue.WithDir(dir), localqueue.WithLogger(slog.New(slog.DiscardHandler)))
		if err == nil {
			s.Close()
			t.Fatal("a damaged directory is used")
		}
		if !errors.Is(err, localqueue.ErrDirectory) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), dir) {
			t.Errorf("error %v\nwant %q, the directory, and ErrDirectory in it", err, want)
		}
	}
	after := contents(t, dir)
	for _, files := range []map[string]string{before, after} {
		delete(files, filepath.Join(dir, "lock"))
	}
	if !maps.Equal(before, after) {
		t.Error("the directory was changed")
	}
}

// Files that are missing beside the journal are replaced, and where they were needed the start is refused, or says so.
func TestIncompleteDirectories(t *testing.T) {
	t.Parallel()
	states := fillStates(t)
	tests := []struct {
		name   string
		change func(files image)
		want   int    // tasks; -1: the start is refused
		says   string // in the log or the error; "": nothing
	}{
		{"no lock", func(files image) { delete(files, "lock") }, 10, ""},
		{"no watermark", func(files image) { delete(files, "watermark") }, 10, "the watermark is missing or damaged"},
		{"a damaged watermark", func(files image) { files["watermark"] = strings.Repeat("x", 512) }, 10, "the watermark is missing or damaged"},
		{"no lock and no watermark", func(files image) { delete(files, "lock"); delete(files, "watermark") }, 10, "the watermark is missing or damaged"},
		{"no watermark, and a torn end", func(files image) {
			delete(files, "watermark")
			files[journal1] = files[journal1][:used([]byte(files[journal1]))-100]
		}, -1, "whether it had been acknowledged cannot be told"},
		{"no journal", func(files image) { delete(files, journal1) }, -1, "journal-00000001 is missing"},
		{"no journal and no lock", func(files image) { delete(files, journal1); delete(files, "lock") }, -1, "journal-00000001 is missing"},
		{"the lock alone", func(files image) { delete(files, journal1); delete(files, "watermark") }, 0, "was used before but has no queue files any more"},
		{"the lock and something else", func(files image) {
			delete(files, journal1)
			delete(files, "watermark")
			files["notes.txt"] = "x"
		}, -1, "holds notes.txt but no queue"},
		{"nothing", func(files image) { clear(files) }, 0, ""},
		{"what a first start that was killed leaves", func(files image) {
			maps.Copy(files, states[0])
			files[journal1] = files[journal1][:512]
			delete(files, "watermark")
		}, 0, ""},
		{"something else beside it", func(files image) { files["notes.txt"] = "x" }, 10, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			files := maps.Clone(states[10])
			test.change(files)
			dir := copyOf(t, files)
			if test.want < 0 {
				refuses(t, dir, test.says)
				return
			}
			var log bytes.Buffer
			s := newDurable(t, dir, start, answer(500), localqueue.WithQueues(resource.Queue{Name: queueName}),
				localqueue.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))))
			tasks, _, err := s.ListTasks(t.Context(), queueName, resource.Page{}, resource.ViewFull)
			if err != nil || len(tasks) != test.want {
				t.Errorf("%d tasks, %v; want %d", len(tasks), err, test.want)
			}
			if !strings.Contains(log.String(), test.says) || test.says == "" && log.Len() > 0 {
				t.Errorf("the log is %q, want %q", log.String(), test.says)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(2, len(glob(t, dir, "journal-00000001"))+len(glob(t, dir, "watermark"))); diff != "" {
				t.Errorf("files are missing: %v", glob(t, dir, "*"))
			}
		})
	}
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
