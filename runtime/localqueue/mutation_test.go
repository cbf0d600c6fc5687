package localqueue_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

var mutations = flag.Int("mutations", 300, "how many damaged directories TestMutations starts a queue with")

// image holds the files of a queue's directory by name.
type image map[string]string

func readImage(t *testing.T, dir string) image {
	t.Helper()
	files := make(image)
	for _, path := range glob(t, dir, "*") {
		if info, err := os.Stat(path); err != nil || info.IsDir() {
			continue
		}
		data, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) { // a snapshot has replaced it meanwhile
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		// A journal is written ahead with zeros, of which a few are as good as all.
		if zeros := len(data) - len(bytes.TrimRight(data, "\x00")); zeros > 5000 {
			data = data[:(len(data)-zeros+4096)/512*512]
		}
		files[filepath.Base(path)] = string(data)
	}
	return files
}

func (i image) write(t *testing.T, dir string) {
	t.Helper()
	for name, data := range i {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// equals reports whether the files are the same, but for zeros at their ends.
func (i image) equals(other image) bool {
	return maps.EqualFunc(i, other, func(a, b string) bool { return strings.TrimRight(a, "\x00") == strings.TrimRight(b, "\x00") })
}

// names returns the names of the files that hold something.
func (i image) names() []string {
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(i)), func(name string) bool { return i[name] == "" })
	return names
}

// specimen is a directory as a process that is killed, or that has closed its queue, leaves it.
type specimen struct {
	name  string
	files image
	older []image // earlier states of the same directory
	other image   // another queue's directory, made by the same calls
	want  string  // what callers can see of the queue
}

// bodies are what tasks hold. Zeros look like parts of a file that have not been written.
var bodies = map[string]func(n int) []byte{
	"text":             func(n int) []byte { return bytes.Repeat([]byte("body "), n%100+10) },
	"zeros":            func(n int) []byte { return make([]byte, n*37%2000) },
	"zeros at the end": func(n int) []byte { return append([]byte("body "), make([]byte, n*37%1500)...) },
	"zeros inside":     func(n int) []byte { return append(append([]byte("body "), make([]byte, 512+n*31%700)...), "end"...) },
}

var mutationOptions = []localqueue.Option{
	localqueue.WithQueues(resource.Queue{Name: queueName}), localqueue.WithHistory(5),
}

// newSpecimens returns directories with tasks of such bodies: after 25 changes and after they were closed, with one
// journal, with several journals, and with a snapshot.
func newSpecimens(t *testing.T, kind string) []specimen {
	t.Helper()
	var found []specimen
	for _, layout := range []string{"one journal", "journals", "snapshot"} {
		s := specimen{name: kind + ", " + layout}
		s.other, _, _ = fill(t, layout, bodies[kind])
		var closed image
		s.files, s.older, closed = fill(t, layout, bodies[kind])
		s.want = s.start(t, s.files, nil)
		c := s
		c.name, c.files, c.older = s.name+", closed", closed, append(slices.Clone(s.older), s.files)
		c.want = c.start(t, c.files, nil)
		if s.want == "" || c.want == "" {
			t.Fatalf("%s: the queue does not start", s.name)
		}
		found = append(found, s, c)
	}
	return found
}

// fill makes 25 changes in a new directory and returns its files after the last, after each one before, and after the
// queue was closed.
func fill(t *testing.T, layout string, body func(int) []byte) (files image, older []image, closed image) {
	t.Helper()
	dir := t.TempDir()
	opts := slices.Clone(mutationOptions)
	switch layout {
	case "journals": // a directory in its place keeps a snapshot from being written
		opts = append(opts, localqueue.WithSnapshotEvery(3_000))
	case "snapshot":
		opts = append(opts, localqueue.WithSnapshotEvery(3_000))
	}
	s := newDurable(t, dir, start, answer(500), opts...)
	if layout == "journals" {
		for n := range 40 {
			if err := os.Mkdir(filepath.Join(dir, fmt.Sprintf("snapshot-%08d.tmp", n+1)), 0o700); err != nil {
				t.Fatal(err)
			}
		}
	}
	for n := range 25 {
		task := httpTask()
		task.Name, task.HTTP.Body = fmt.Sprintf("%s/tasks/t%d", queueName, n), body(n)
		task.ScheduleTime = start.Add(time.Hour)
		add(t, s, task)
		if n%10 == 9 {
			if err := s.DeleteTask(t.Context(), task.Name); err != nil {
				t.Fatal(err)
			}
		}
		older = append(older, readImage(t, dir))
	}
	if layout == "snapshot" {
		for len(glob(t, dir, "snapshot-*")) != 1 || len(glob(t, dir, "journal-*")) != 1 {
			time.Sleep(time.Millisecond)
		}
	}
	for len(glob(t, dir, "journal-*.tmp")) > 0 { // a journal that nothing has been acknowledged in
		time.Sleep(time.Millisecond)
	}
	files = readImage(t, dir)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return files, older[:len(older)-1], readImage(t, dir)
}

// start starts a queue with the files and returns what callers can see of it, "" when it is refused.
func (s *specimen) start(t *testing.T, files image, log *bytes.Buffer) string {
	t.Helper()
	dir, err := os.MkdirTemp(t.TempDir(), "") //nolint:usetesting // thousands of them, removed at once
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	files.write(t, dir)
	if log == nil {
		log = new(bytes.Buffer)
	}
	q, err := localqueue.New(append([]localqueue.Option{
		localqueue.WithDir(dir), localqueue.WithLogger(slog.New(slog.NewTextHandler(log, nil))), localqueue.WithVirtualClock(start),
	}, mutationOptions...)...)
	if err != nil {
		fmt.Fprintln(log, err)
		if !errors.Is(err, localqueue.ErrDirectory) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: error %v does not name the directory", s.name, err)
		}
		after := contents(t, dir)
		delete(after, filepath.Join(dir, "lock"))
		before := make(map[string]string)
		for name, data := range files {
			if name != "lock" {
				before[filepath.Join(dir, name)] = data
			}
		}
		if !maps.Equal(before, after) {
			t.Errorf("%s: refused with %v, and changed", s.name, err)
		}
		return ""
	}
	defer q.Close()
	seen, err := json.Marshal(observe(t, q))
	if err != nil {
		t.Fatal(err)
	}
	return string(seen)
}

// mutate returns the files with one thing changed, and what that is. It tries until something has changed.
func (s *specimen) mutate(random *rand.Rand) (what string, changed image) {
	for changed == nil || s.files.equals(changed) {
		what, changed = s.try(random)
	}
	return what, changed
}

// try is mutate, but may return the files as they are, or nil.
func (s *specimen) try(random *rand.Rand) (what string, changed image) {
	changed = maps.Clone(s.files)
	names := s.files.names()
	name := names[random.IntN(len(names)-1)] // the watermark is the last
	if random.IntN(10) == 0 {
		name = "watermark"
	}
	data := []byte(s.files[name])
	used := len(bytes.TrimRight(data, "\x00"))
	at := random.IntN(used)
	if random.IntN(4) == 0 { // the last change
		at = max(0, used-1-random.IntN(600))
	}
	what = fmt.Sprintf("%s at byte %d of %d: ", name, at, used)
	n := 1 + random.IntN(max(1, min(3000, used-at)))
	switch random.IntN(14) {
	case 0, 1:
		bit := random.IntN(8)
		what += fmt.Sprintf("bit %d flipped", bit)
		data[at] ^= 1 << bit
	case 2:
		what += "a byte is another"
		data[at] += byte(1 + random.IntN(255))
	case 3:
		what += fmt.Sprintf("%d zeros", n)
		clear(data[at : at+n])
	case 4:
		from, to := at/512*512, min((at+n+511)/512*512, len(data))
		what += fmt.Sprintf("blocks of zeros from %d to %d", from, to)
		clear(data[from:to])
	case 5:
		what += "zeros to the end"
		clear(data[at:])
	case 6:
		what += "a byte is inserted"
		data = slices.Insert(data, at, byte(random.IntN(256)))
	case 7:
		n = min(n, 1+random.IntN(600))
		what += fmt.Sprintf("%d bytes are missing", n)
		data = slices.Delete(data, at, at+n)
	case 8:
		what += "the file ends"
		data = data[:at]
	case 9:
		at = random.IntN(used/512+1) * 512
		what = fmt.Sprintf("%s ends with byte %d of %d", name, at, used)
		data = data[:min(at, len(data))]
	case 10: // blocks change places, or stand twice
		a, b := random.IntN(used/512+1)*512, random.IntN(used/512+1)*512
		n = 512 * (1 + random.IntN(3))
		a, b = max(0, min(a, len(data)-n)), max(0, min(b, len(data)-n))
		if len(data) < n {
			return "", nil
		}
		one, two := slices.Clone(data[a:a+n]), slices.Clone(data[b:b+n])
		what = fmt.Sprintf("%s: %d bytes from %d are those from %d", name, n, b, a)
		copy(data[b:], one)
		if random.IntN(2) == 0 {
			what += " and the other way round"
			copy(data[a:], two)
		}
	case 11: // a file of another queue, or of an earlier time
		from, which := s.other, "another queue's"
		if random.IntN(3) > 0 {
			n := random.IntN(len(s.older))
			from, which = s.older[n], fmt.Sprintf("the one after %d changes", n+1)
		}
		if from[name] == "" {
			return "", nil
		}
		what = fmt.Sprintf("%s is %s", name, which)
		data = []byte(from[name])
	case 12:
		what = name + " is missing"
		delete(changed, name)
		if random.IntN(2) == 0 {
			number := random.IntN(4)
			to := strings.TrimRight(name, "0123456789") + fmt.Sprintf("%08d", number)
			if _, taken := changed[to]; taken || to == name {
				return "", nil
			}
			what = name + " is called " + to
			changed[to] = string(data)
		}
		return what, changed
	case 13:
		other := names[random.IntN(len(names))]
		what = fmt.Sprintf("%s and %s are exchanged", name, other)
		changed[name], changed[other] = changed[other], changed[name]
		return what, changed
	}
	changed[name] = string(data)
	return what, changed
}

// TestMutations damages directories in one place each. The start must be refused, and nothing changed. Only without a
// watermark may the queue start, and must be the one that was acknowledged. "make soak" is the same for longer.
func TestMutations(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for i, kind := range slices.Sorted(maps.Keys(bodies)) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, uint64(i)))
			specimens := newSpecimens(t, kind)
			refused, failed := 0, 0
			for n := range *mutations / len(bodies) {
				s := &specimens[n%len(specimens)]
				what, files := s.mutate(random)
				var log bytes.Buffer
				got := s.start(t, files, &log)
				switch {
				case got == "":
					refused++
					continue
				case got == s.want && files["watermark"] != s.files["watermark"]:
					continue
				}
				if failed++; failed <= 20 {
					t.Errorf("%s: %s: the queue starts, and is the one that was acknowledged: %v\n%s", s.name, what, got == s.want, log.String())
				}
			}
			t.Logf("%d mutations, %d refused", *mutations/len(bodies), refused)
		})
	}
}
