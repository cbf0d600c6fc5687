package localqueue_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// Directories of former formats, as their versions left them, go on in the present one.
func TestFormerFormats(t *testing.T) {
	t.Parallel()
	for format, journals := range map[string]int{"format-1": 2, "format-2": 2} { // the former one, and one of the present format
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS("testdata/"+format)); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				s := newDurable(t, dir, start, answer(500), localqueue.WithHistory(10))
				waits, err := s.GetTask(t.Context(), queueName+"/tasks/waits", resource.ViewFull)
				if err != nil || string(waits.HTTP.Body) != "body of waits" || waits.ResponseCount != 2 || waits.LastAttempt.Message != "INTERNAL(13): HTTP status code 500" {
					t.Errorf("%+v, %v: want the task that has failed twice", waits, err)
				}
				for _, id := range []string{"done", "deleted"} {
					_, err := s.GetTask(t.Context(), queueName+"/tasks/"+id, resource.ViewBasic)
					wantStatus(t, err, cloudtask.NotFound, "The task no longer exists, though a task with this name existed recently. The task either successfully completed or was deleted.")
				}
				purged, err := s.GetQueue(t.Context(), location+"/queues/purged")
				if err != nil || purged.State != resource.StatePaused || purged.PurgeTime.IsZero() {
					t.Errorf("%+v, %v: want the queue that was paused and purged", purged, err)
				}
				if format == "format-2" {
					wantFormat2(t, s)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				if got := len(glob(t, dir, "journal-*")); got != journals {
					t.Errorf("%d journals, want %d", got, journals)
				}
			}
		})
	}
}

// wantFormat2 checks what the directory of format 2 has besides: a snapshot, and in its journal a later task.
func wantFormat2(t *testing.T, s *localqueue.Service) {
	t.Helper()
	if later, err := s.GetTask(t.Context(), queueName+"/tasks/later", resource.ViewFull); err != nil || string(later.HTTP.Body) != "body of later" {
		t.Errorf("%+v, %v: want the task of the journal", later, err)
	}
	if b, err := s.GetBatch(t.Context(), location, "request-1"); err != nil || len(b.Results) != 1 || b.Results[0].Task == nil {
		t.Errorf("%+v, %v: want the batch", b, err)
	}
	if done, err := s.Inspect(t.Context(), queueName+"/tasks/done"); err != nil || string(done.Task.HTTP.Body) != "body of done" {
		t.Errorf("%+v, %v: want the task that has succeeded", done, err)
	}
	for name, want := range map[string]string{queueName: "policy", location + "/cmekConfig": "key", "x": ""} {
		if kept, err := s.Kept(t.Context(), name); err != nil || string(kept) != want {
			t.Errorf("%q is kept under %s, %v; want %q", kept, name, err, want)
		}
	}
}

// In files of former formats an incomplete end cannot be told from damage.
func TestFormerFormatsDamaged(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(data []byte) []byte{
		"the last byte is missing":  func(data []byte) []byte { return data[:len(data)-1] },
		"the end is zeros":          func(data []byte) []byte { clear(data[len(data)-20:]); return data },
		"a bit of the last frame":   func(data []byte) []byte { data[len(data)-5] ^= 1; return data },
		"a bit of the first length": func(data []byte) []byte { data[44] ^= 1; return data },
		"the header":                func(data []byte) []byte { data[30] ^= 1; return data },
		"half of the header":        func(data []byte) []byte { return data[:30] },
		"the file is empty":         func(data []byte) []byte { return nil },
	} {
		for _, format := range []string{"format-1/journal-00000001", "format-2/journal-00000002", "format-2/snapshot-00000002"} {
			t.Run(format+"/"+name, func(t *testing.T) {
				t.Parallel()
				dir, file := t.TempDir(), filepath.Base(format)
				if err := os.CopyFS(dir, os.DirFS("testdata/"+filepath.Dir(format))); err != nil {
					t.Fatal(err)
				}
				change(t, filepath.Join(dir, file), damage)
				refuses(t, dir, file+" is damaged at byte ")
			})
		}
	}
}
