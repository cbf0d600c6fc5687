package wal

import (
	"bytes"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

var crashes = flag.Int("crashes", 200, "how many machines TestCrash stops")

// recorder collects the changes to a disk, and which groups were acknowledged when.
type recorder struct {
	mu    sync.Mutex
	steps []step
}

func (r *recorder) add(s step) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.path, s.to, s.data = filepath.Base(s.path), filepath.Base(s.to), bytes.Clone(s.data)
	r.steps = append(r.steps, s)
}

func (r *recorder) acknowledge(n int) { r.add(step{op: "acknowledged", at: int64(n)}) }

// inode is a file on the model of a disk.
type inode struct {
	synced  []byte
	pending []step // writes and truncates since the last sync
}

// contents returns the file as processes see it.
func (f *inode) contents() []byte {
	data := bytes.Clone(f.synced)
	for _, p := range f.pending {
		data = apply(data, p)
	}
	return data
}

// model is a disk with one directory: what is on it for certain, and what may be.
type model struct {
	names        map[string]*inode   // as processes see them
	saved        map[string][]*inode // by name, what may be found there after a crash; first, what was there at the last sync of the directory
	acknowledged state
}

// newModel returns the model of a disk with files that were synced.
func newModel(files map[string][]byte, acknowledged state) *model {
	m := &model{names: make(map[string]*inode), saved: make(map[string][]*inode), acknowledged: maps.Clone(acknowledged)}
	for name, data := range files {
		f := &inode{synced: data}
		m.names[name], m.saved[name] = f, []*inode{f}
	}
	return m
}

func (m *model) clone() *model {
	c := newModel(nil, m.acknowledged)
	copies := map[*inode]*inode{nil: nil}
	for name, saved := range m.saved {
		for _, f := range append(slices.Clip(saved), m.names[name]) {
			if copies[f] == nil && f != nil {
				copies[f] = &inode{bytes.Clone(f.synced), slices.Clone(f.pending)}
			}
		}
		for _, f := range saved {
			c.saved[name] = append(c.saved[name], copies[f])
		}
		if f := m.names[name]; f != nil {
			c.names[name] = copies[f]
		}
	}
	return c
}

func (m *model) set(name string, f *inode) {
	if len(m.saved[name]) == 0 {
		m.saved[name] = []*inode{nil}
	}
	if m.saved[name] = append(m.saved[name], f); f == nil {
		delete(m.names, name)
		return
	}
	m.names[name] = f
}

func (m *model) do(s step) {
	f := m.names[s.path]
	switch s.op {
	case "create":
		m.set(s.path, new(inode))
	case "rename":
		m.set(s.to, f)
		m.set(s.path, nil)
	case "remove":
		m.set(s.path, nil)
	case "write", "truncate":
		f.pending = append(f.pending, s)
	case "sync":
		if f != nil {
			f.synced, f.pending = f.contents(), nil
			return
		}
		for name := range m.saved { // the directory
			m.saved[name] = []*inode{m.names[name]}
		}
	case "acknowledged":
		m.acknowledged[int(s.at)] = true
	}
}

func apply(data []byte, s step) []byte {
	if s.op == "truncate" {
		return append(data[:min(s.at, int64(len(data)))], make([]byte, max(0, s.at-int64(len(data))))...)
	}
	if end := s.at + int64(len(s.data)); end > int64(len(data)) {
		data = append(data, make([]byte, end-int64(len(data)))...)
	}
	copy(data[s.at:], s.data)
	return data
}

// kill stops the process while it makes the next change, which may be made in part.
func (m *model) kill(random *rand.Rand, next step) *model {
	if next.op == "write" {
		next.data = next.data[:random.IntN(len(next.data)+1)]
		m.do(next)
	}
	return m
}

// stop has the machine lose power: of what was not synced, any blocks and names are on the disk.
func (m *model) stop(random *rand.Rand) *model {
	share := []float64{0.1, 0.5, 0.9}[random.IntN(3)]
	files := make(map[string][]byte)
	for name, saved := range m.saved {
		f := saved[random.IntN(len(saved))]
		if f == nil {
			continue
		}
		data := bytes.Clone(f.synced)
		for _, p := range f.pending {
			for _, s := range sectors(p) {
				if random.Float64() < share {
					data = apply(data, s)
				}
			}
		}
		files[name] = data
	}
	return newModel(files, m.acknowledged)
}

// sectors splits a write into those of the sectors of the disk.
func sectors(s step) []step {
	if s.op != "write" {
		return []step{s}
	}
	var out []step
	for len(s.data) > 0 {
		n := min(512-int(s.at%512), len(s.data))
		out = append(out, step{op: "write", at: s.at, data: s.data[:n]})
		s.at, s.data = s.at+int64(n), s.data[n:]
	}
	return out
}

// content returns what group number n holds. Much of it is zeros, like what was never written.
func content(n int) []byte {
	random := rand.New(rand.NewPCG(uint64(n), 0))
	b := fmt.Appendf(nil, "%d:", n)
	switch random.IntN(4) {
	case 0:
		b = append(b, make([]byte, random.IntN(3000))...)
	case 1:
		b = append(append(b, make([]byte, random.IntN(1500))...), "end"...)
	case 2:
		b = append(b, bytes.Repeat([]byte("text "), random.IntN(300))...)
	}
	return b
}

// state collects the numbers of the groups that were read.
type state map[int]bool

func (s state) read(group []byte, _ bool) error {
	for part := range bytes.SplitSeq(group, []byte("|")) { // a group of a snapshot holds several
		digits, _, _ := strings.Cut(string(part), ":")
		n, err := strconv.Atoi(digits)
		if err != nil || !bytes.Equal(part, content(n)) {
			return fmt.Errorf("a group that was never written: %.100q", part)
		}
		s[n] = true
	}
	return nil
}

// work opens the directory, writes groups and some snapshots, and closes it.
func work(t *testing.T, random *rand.Rand, dir string, trace *recorder, next *int) {
	t.Helper()
	there := make(state)
	l, err := open(&disk{trace: trace.add, ahead: 8 << 10}, dir, slog.New(slog.DiscardHandler), there.read)
	if err != nil {
		t.Fatal(err)
	}
	for n := range there { // that they are there may have been told
		trace.acknowledge(n)
	}
	var snapshot *Snapshot
	var parts []int
	for range 25 + random.IntN(25) {
		switch {
		case snapshot != nil && len(parts) == 0:
			if _, err := snapshot.Commit(); err != nil {
				t.Fatal(err)
			}
			snapshot = nil
		case snapshot != nil:
			n := min(len(parts), 1+random.IntN(20))
			var group [][]byte
			for _, n := range parts[:n] {
				group = append(group, content(n))
			}
			if err := snapshot.Write(bytes.Join(group, []byte("|"))); err != nil {
				t.Fatal(err)
			}
			parts = parts[n:]
		case len(there) > 0 && random.IntN(8) == 0:
			if snapshot, err = l.Roll(); err != nil {
				t.Fatal(err)
			}
			parts = slices.Sorted(maps.Keys(there))
		}
		*next++
		if err := l.Write(content(*next)); err != nil {
			t.Fatal(err)
		}
		there[*next] = true
		trace.acknowledge(*next)
		if random.IntN(10) == 0 {
			time.Sleep(watermarkDelay + 5*time.Millisecond)
		}
	}
	if snapshot != nil && random.IntN(2) == 0 {
		if err := snapshot.Abandon(); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// write writes the files to a directory, and returns their sizes.
func (m *model) write(t *testing.T, dir string) (sizes string) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(m.names)) {
		data := m.names[name].contents()
		sizes += fmt.Sprintf(" %s: %d bytes", name, len(data))
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return sizes
}

// start starts a log with what a crash has left, twice, and reports whether an incomplete group was dropped.
func (m *model) start(t *testing.T, dir string) (torn bool) {
	t.Helper()
	left := m.write(t, dir)
	var log bytes.Buffer
	var first state
	before := len(aside(t, dir))
	for i := range 2 {
		found := make(state)
		l, err := open(&disk{trace: func(step) {}, ahead: 8 << 10}, dir, slog.New(slog.NewTextHandler(&log, nil)), found.read)
		if err != nil {
			t.Fatalf("start %d: %v\nafter a crash that left%s", i+1, err, left)
		}
		for n := range m.acknowledged {
			if !found[n] {
				t.Fatalf("start %d: group %d was acknowledged and is lost\nafter a crash that left%s\n%s", i+1, n, left, log.String())
			}
		}
		if i == 0 {
			first = found
		} else if !maps.Equal(first, found) {
			t.Fatal("the second start finds other groups than the first")
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	moved := len(aside(t, dir)) - before
	if said := strings.Count(log.String(), "moved it aside"); said != moved {
		t.Fatalf("%d log lines about %d groups that were moved aside:\n%s", said, moved, log.String())
	}
	return moved > 0
}

func aside(t *testing.T, dir string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.torn-*"))
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// TestCrash stops processes and machines at any moment, and machines with any part of what was not synced on their disks.
// Everything that was acknowledged must be there afterwards, and each start must succeed.
func TestCrash(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	made, torn := 0, 0
	for made < *crashes {
		before, next := newModel(nil, make(state)), 0
		for range 3 { // what a crash leaves is used on, and crashes again
			dir, trace := t.TempDir(), new(recorder)
			before.write(t, dir)
			work(t, random, dir, trace, &next)
			var after *model
			for range 10 {
				n := random.IntN(len(trace.steps) + 1)
				switch random.IntN(4) {
				case 0:
					n = random.IntN(min(n, 50) + 1) // soon after the start
				case 1:
					for n < len(trace.steps) && (n == 0 || trace.steps[n-1].op != "rename") { // after a change of names
						n++
					}
				}
				after = before.clone()
				for _, s := range trace.steps[:n] {
					after.do(s)
				}
				if random.IntN(3) > 0 {
					after = after.stop(random)
				} else if n < len(trace.steps) {
					after = after.kill(random, trace.steps[n])
				}
				if after.start(t, t.TempDir()) {
					torn++
				}
				made++
			}
			before = after
		}
	}
	t.Logf("%d crashes, %d of them with an incomplete group", made, torn)
	if torn < made/50 {
		t.Error("too few incomplete groups to show anything")
	}
}
