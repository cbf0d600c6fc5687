package cloudtask

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
)

// FailureFiles configures how the handler saves failed tasks: [Config].SaveFailures. Each is a JSON file with a [FailedTask], named
// TYPE.QUEUE.ID.failed-task.json, for "cloudtask replay" and [ReadFailedTask]. A task that fails again replaces its file. The file is
// written before the attempt is answered, as a whole or not at all. If it cannot be written, the attempt's log line says so, and nothing else
// changes.
//
// Payloads may hold personal data or secrets. Only the program's own user can read the files, and RedactHeaders and RedactFields keep parts
// out of them.
type FailureFiles struct {
	// Dir is the directory, made if it is missing. "" saves nothing. CLOUDTASK_SAVE_FAILURES_DIR.
	Dir string

	// MaxFiles is how many files are kept, 1 to 10,000: the oldest are removed. Default 100.
	// CLOUDTASK_SAVE_FAILURES_MAX_FILES.
	MaxFiles int

	// MaxBytes is how many bytes the files have together: the oldest are removed, and a task that alone has more is not
	// saved. Default 64 MiB. CLOUDTASK_SAVE_FAILURES_MAX_BYTES.
	MaxBytes int64

	// RedactHeaders are names of headers that are not saved, besides those of [IsSecretHeader], which never are.
	// CLOUDTASK_SAVE_FAILURES_REDACT_HEADERS, comma-separated.
	RedactHeaders []string

	// RedactFields are fields of the payload whose values are replaced: a name, such as "password", means every field of
	// that name; a path from the top, such as "customer.email", only that one, in each element where it leads through a
	// list. Case does not matter. Strings become "REDACTED", numbers 0, booleans false, so that most payloads still
	// decode. A payload that is not JSON is left out altogether. CLOUDTASK_SAVE_FAILURES_REDACT_FIELDS, comma-separated.
	RedactFields []string
}

const (
	defaultMaxFailures     = 100
	mostMaxFailures        = 10_000
	defaultMaxFailureBytes = 64 << 20

	failureSuffix    = ".failed-task.json"
	failureTemporary = ".failed-task-" // prefix of files that are being written
	// saveTimeout is how long an attempt waits for its file: a disk that hangs must not make tasks late.
	saveTimeout = time.Second
)

// problems returns what is wrong with the fields as Config.SaveFailures.
func (f FailureFiles) problems() []problem {
	var found []problem
	report := func(field string, value any, text string) {
		found = append(found, problem{"SaveFailures." + field, value, text})
	}
	if f.MaxFiles < 0 || f.MaxFiles > mostMaxFailures {
		report("MaxFiles", f.MaxFiles, fmt.Sprintf("want 1 to %d; 0 means %d", mostMaxFailures, defaultMaxFailures))
	}
	if f.MaxBytes < 0 {
		report("MaxBytes", f.MaxBytes, fmt.Sprintf("must not be negative; 0 means %d bytes", defaultMaxFailureBytes))
	}
	for _, name := range f.RedactHeaders {
		if name == "" || strings.ContainsFunc(name, func(r rune) bool { return !isTokenRune(r) }) {
			report("RedactHeaders", name, "is not a header name")
		}
	}
	for _, field := range f.RedactFields {
		if slices.Contains(strings.Split(field, "."), "") {
			report("RedactFields", field, "want the name of a field, such as password, or a path such as customer.email")
		}
	}
	if f.Dir == "" && (f.MaxFiles != 0 || f.MaxBytes != 0 || len(f.RedactHeaders) > 0 || len(f.RedactFields) > 0) {
		report("Dir", nil, "not set, so that nothing would be saved, although other settings of SaveFailures are")
	}
	return found
}

func (f FailureFiles) withDefaults() FailureFiles {
	f.MaxFiles = cmp.Or(f.MaxFiles, defaultMaxFailures)
	f.MaxBytes = cmp.Or(f.MaxBytes, defaultMaxFailureBytes)
	f.RedactHeaders = slices.Clone(f.RedactHeaders)
	f.RedactFields = slices.Clone(f.RedactFields)
	return f
}

// failureStore saves failed tasks to files.
type failureStore struct {
	settings FailureFiles
	writing  chan struct{} // has room for the one who writes
}

// newFailureStore makes sure that files can be written. It is nil where nothing is to be saved.
func newFailureStore(settings FailureFiles) (*failureStore, error) {
	if settings.Dir == "" {
		return nil, nil
	}
	err := os.MkdirAll(settings.Dir, 0o700)
	if err == nil {
		var trial *os.File
		if trial, err = os.CreateTemp(settings.Dir, failureTemporary); err == nil {
			err = errors.Join(trial.Close(), os.Remove(trial.Name()))
		}
	}
	if err != nil {
		return nil, fmt.Errorf("SaveFailures.Dir %q: no file can be written there: %w", settings.Dir, err)
	}
	return &failureStore{settings, make(chan struct{}, 1)}, nil
}

var errSlowDisk = fmt.Errorf("not written within %v", saveTimeout)

// save writes the task's file and returns its path. It waits for saveTimeout at most: the file may still appear later.
func (s *failureStore) save(task *FailedTask) (path string, err error) {
	s.redact(task)
	data, err := task.encode()
	if err != nil {
		return "", fmt.Errorf("encoding: %w", err)
	}
	if int64(len(data)) > s.settings.MaxBytes {
		return "", fmt.Errorf("%d bytes are more than all files may have together, %d (SaveFailures.MaxBytes)", len(data), s.settings.MaxBytes)
	}
	timeout := time.NewTimer(saveTimeout)
	defer timeout.Stop()
	select {
	case s.writing <- struct{}{}:
	case <-timeout.C:
		return "", errSlowDisk
	}
	name := failureName(task)
	written := make(chan error, 1)
	go func() {
		defer func() { <-s.writing }()
		written <- s.write(name, data)
	}()
	select {
	case err = <-written:
	case <-timeout.C:
		err = errSlowDisk
	}
	return filepath.Join(s.settings.Dir, name), err
}

// redact takes out what is not to be saved.
func (s *failureStore) redact(task *FailedTask) {
	for name := range task.Header {
		redacted := slices.ContainsFunc(s.settings.RedactHeaders, func(r string) bool { return strings.EqualFold(r, name) })
		secret := IsSecretHeader(name)
		if redacted || secret || ofOneConnection(name) {
			delete(task.Header, name)
		}
		// What authorized the request is no part of the task: who sends it again brings an authorization of its own.
		if redacted || secret && !strings.HasSuffix(name, "Authorization") {
			task.Redacted = append(task.Redacted, "header "+name)
		}
	}
	slices.Sort(task.Redacted)
	if len(s.settings.RedactFields) == 0 || len(task.Body) == 0 {
		return
	}
	body, fields, err := redactJSON(task.Body, s.settings.RedactFields)
	if err != nil {
		task.Body, task.Redacted = nil, append(task.Redacted, "payload (not JSON)")
		return
	}
	task.Body = body
	for _, field := range fields {
		task.Redacted = append(task.Redacted, "payload "+field)
	}
}

// write makes the file in one step, and room for it first. A file that takes its place counts as none.
func (s *failureStore) write(name string, data []byte) (err error) {
	file, err := os.CreateTemp(s.settings.Dir, failureTemporary)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(file.Name())
		}
	}()
	_, err = file.Write(data)
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err = s.makeRoom(name, int64(len(data))); err != nil {
		return err
	}
	return os.Rename(file.Name(), filepath.Join(s.settings.Dir, name))
}

// makeRoom removes the oldest files until one more, of the name and size, is within the bounds. The directory itself is
// asked each time: other processes may write there.
func (s *failureStore) makeRoom(name string, size int64) error {
	entries, err := os.ReadDir(s.settings.Dir)
	if err != nil {
		return err
	}
	var files []fs.FileInfo
	for _, entry := range entries {
		temporary := strings.HasPrefix(entry.Name(), failureTemporary)
		if !entry.Type().IsRegular() || entry.Name() == name || !temporary && !strings.HasSuffix(entry.Name(), failureSuffix) {
			continue
		}
		info, err := entry.Info()
		switch {
		case errors.Is(err, fs.ErrNotExist): // another process has removed it
		case err != nil:
			return err
		case !temporary:
			files = append(files, info)
			size += info.Size()
		case time.Since(info.ModTime()) > time.Hour: // of a process that died
			os.Remove(filepath.Join(s.settings.Dir, entry.Name()))
		}
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int {
		return cmp.Or(a.ModTime().Compare(b.ModTime()), strings.Compare(a.Name(), b.Name()))
	})
	for len(files) > 0 && (len(files)+1 > s.settings.MaxFiles || size > s.settings.MaxBytes) {
		if err := os.Remove(filepath.Join(s.settings.Dir, files[0].Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		size -= files[0].Size()
		files = files[1:]
	}
	return nil
}

// failureName returns the name of the task's file, the same for every attempt. A request that no queue has sent has no
// id, and gets one.
func failureName(task *FailedTask) string {
	id := rules.Last(task.Name)
	if id == "" {
		id = task.Time.UTC().Format("20060102T150405Z") + "-" + rand.Text()[:8]
	}
	name := strings.Map(func(r rune) rune {
		if r < 0x80 && isAlphanumeric(byte(r)) || strings.ContainsRune("-_.", r) {
			return r
		}
		return '_'
	}, cmp.Or(task.Type, "unknown")+"."+cmp.Or(task.Queue, "no-queue")+"."+id)
	const most = 200 // bytes; file systems have 255
	if len(name) > most {
		sum := sha256.Sum256([]byte(name))
		name = name[:most] + "-" + hex.EncodeToString(sum[:8])
	}
	return strings.TrimLeft(name, ".") + failureSuffix
}

// saveFailure saves the task whose attempt the report is about, if it failed and such tasks are to be saved.
func (h *handler) saveFailure(r *http.Request, rep *report, payload []byte) {
	if h.failures == nil || rep.meta == nil || rep.meta.replay {
		return
	}
	task := &FailedTask{
		Name: rep.meta.TaskID, Queue: rep.meta.Queue, Type: rep.task, Time: time.Now().UTC(), Attempt: rep.meta.Attempt(),
		Outcome: string(rep.outcome), Status: rep.outcome.status(),
		Method: r.Method, URL: h.origin + (&url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}).String(),
		Header: r.Header.Clone(), Body: payload,
		ServiceAccount: h.cfg.ServiceAccount,
	}
	if rep.err != nil {
		task.Error = rep.err.Error()
	}
	if rep.outcome == discarded {
		task.Status = rep.status
	}
	if h.cfg.ServiceAccount != "" {
		task.Audience = h.cfg.Audiences[0]
	}
	if m := rep.meta; m.Project != "" && m.location != "" && m.Queue != "" && m.TaskID != "" {
		task.Name = "projects/" + m.Project + "/locations/" + m.location + "/queues/" + m.Queue + "/tasks/" + m.TaskID
	}
	rep.saved, rep.saveErr = h.failures.save(task)
}
