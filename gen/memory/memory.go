// Package memory remembers checks that found everything in order, so that they need not be made again while nothing has changed.
package memory

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cloudtaskgen/cloudtaskgen/gen"
	"github.com/cloudtaskgen/cloudtaskgen/gen/directive"
	"github.com/cloudtaskgen/cloudtaskgen/gen/source"
)

// A Memory knows of checks that found everything in order. While nothing has changed that such a check went by, another
// one would find the same, and need not be made.
//
// What it goes by is more than what it read: the sources and the output of the packages that the patterns name, and that no
// more of them have come; the local packages that these depend on; go.mod, go.work and their like; the go command with all
// its settings; this program. Contents are compared, not times. Whatever cannot be told for sure makes the memory know
// nothing, so that it can only ever save time.
type Memory struct {
	dir     string        // "": it knows nothing and learns nothing
	program func() string // path of this program
}

// User returns the memory in the user's cache directory.
func User() *Memory {
	m := &Memory{program: executable}
	if dir, err := os.UserCacheDir(); err == nil {
		m.dir = filepath.Join(dir, "cloudtaskgen")
	}
	return m
}

func executable() string {
	path, err := os.Executable()
	if err != nil {
		return ""
	}
	return path
}

// A Moment is what a check is about to go by, as it was before.
type Moment struct {
	memory *Memory // nil: there is no telling afterwards
	ctx    context.Context
	opts   gen.Options
	cfg    source.Config
	file   string // where it is remembered
	base   []fact
	sums   map[fact]string
}

// An entry is what is remembered of one check.
type entry struct {
	Facts []rememberedFact
}

type rememberedFact struct {
	Fact fact
	Sum  string // "": to look at before the next check, as nobody did before this one
}

// Recall reports whether a check with these options would find everything in order: for all that is remembered, or because
// the patterns name folders in which no file has directives or was generated. If not, the moment is for remembering it once
// it has.
func (m *Memory) Recall(ctx context.Context, opts gen.Options) (moment *Moment, unchanged bool) {
	unknown := &Moment{opts: opts}
	cfg, err := opts.Config()
	if m.dir == "" || err != nil {
		return unknown, false
	}
	roots, ok := patternRoots(cfg.Dir, cfg.Patterns)
	if !ok || !knownDriver(opts.Env) {
		return unknown, false
	}
	program := m.program()
	if _, err := os.Stat(program); err != nil {
		return unknown, false
	}
	moment = &Moment{memory: m, ctx: ctx, opts: opts, cfg: cfg, file: filepath.Join(m.dir, entryName(cfg)), base: roots}
	folders := make([]contents, len(roots))
	var programSum string
	var group errgroup.Group
	group.Go(func() (err error) {
		moment.opts.Known.Settings, err = source.ReadSettings(ctx, cfg)
		return err
	})
	group.Go(func() error {
		programSum = fact{fileFact, program}.sum(nil)
		return nil
	})
	moment.sums = make(map[fact]string)
	for i, f := range roots {
		folders[i].cfg = &cfg
		moment.sums[f] = f.sum(folders[i].visit)
		moment.opts.Known.Tasks = append(moment.opts.Known.Tasks, folders[i].tasks...)
	}
	if err := group.Wait(); err != nil || !canBeTold(moment.opts.Known.Settings) {
		return unknown, false
	}
	env := moment.opts.Known.Settings
	bare := true
	for i, f := range roots {
		bare = bare && folders[i].areBare(f.Path) && holds(env, f.Path)
	}
	if bare {
		return unknown, true
	}
	slices.Sort(moment.opts.Known.Tasks)
	moment.opts.Known.Tasks = slices.Compact(moment.opts.Known.Tasks)
	moment.sums[fact{Kind: programFact}] = programSum
	moment.sums[fact{Kind: settingsFact}] = sumOf(env)
	moment.base = append(moment.base, factsOfModules(env)...)
	moment.base = append(moment.base, fact{Kind: programFact}, fact{Kind: settingsFact})
	known, err := readEntry(moment.file)
	unchanged = err == nil
	remembered := map[fact]bool{}
	for _, f := range known.Facts {
		remembered[f.Fact] = true
		unchanged = moment.look(f.Fact) == f.Sum && unchanged
	}
	for _, f := range moment.base {
		moment.look(f)
		unchanged = unchanged && (remembered[f] || moment.covers(f))
	}
	return moment, unchanged
}

// look returns the sum of a fact, which is taken once.
func (m *Moment) look(f fact) string {
	s, ok := m.sums[f]
	if !ok {
		s = f.sum(nil)
		m.sums[f] = s
	}
	return s
}

// Options returns the options of the check, with what is known already.
func (m *Moment) Options() gen.Options { return m.opts }

// covers reports whether the patterns of the check have a folder in one of their trees.
func (m *Moment) covers(f fact) bool {
	return slices.ContainsFunc(m.base, func(b fact) bool { return b.covers(f) })
}

// Remember notes that a check found everything in order, unless something has changed while it was made. Failing to do so
// costs nothing but time.
func (m *Moment) Remember(res *gen.Result) {
	if m.memory == nil || len(res.Folders) == 0 {
		return
	}
	var settings string
	var group errgroup.Group
	group.Go(func() error {
		env, err := source.ReadSettings(m.ctx, m.cfg)
		if err == nil {
			settings = sumOf(env)
		}
		return err
	})
	now := map[fact]string{}
	for _, f := range append(m.base, factsOf(m.opts.Known.Settings, res.Folders)...) {
		if now[f] == "" && !m.covers(f) && f.Kind != programFact && f.Kind != settingsFact {
			now[f] = f.sum(nil)
		}
	}
	if group.Wait() != nil {
		return
	}
	now[fact{Kind: settingsFact}] = settings
	now[fact{Kind: programFact}] = m.sums[fact{Kind: programFact}] // it runs
	var e entry
	for f, sum := range now {
		switch before, known := m.sums[f]; {
		case !known:
			sum = ""
		case sum != before:
			return
		}
		e.Facts = append(e.Facts, rememberedFact{f, sum})
	}
	slices.SortFunc(e.Facts, func(a, b rememberedFact) int { return a.Fact.compare(b.Fact) })
	m.memory.write(m.file, e)
}

// entryName returns the name of the file in which a check is remembered.
func entryName(cfg source.Config) string {
	text, _ := json.Marshal([]any{cfg.Dir, cfg.Patterns, cfg.Tags, cfg.Output})
	hash := sha256.Sum256(text)
	return hex.EncodeToString(hash[:16]) + ".json"
}

func readEntry(name string) (entry, error) {
	var e entry
	data, err := os.ReadFile(name)
	if err == nil {
		err = json.Unmarshal(data, &e)
	}
	return e, err
}

// write replaces an entry in one step, and forgets what has not been of use for long.
func (m *Memory) write(name string, e entry) {
	data, err := json.Marshal(e)
	if err != nil || os.MkdirAll(m.dir, 0o700) != nil {
		return
	}
	const long = 30 * 24 * time.Hour
	if old, err := os.ReadDir(m.dir); err == nil {
		for _, file := range old {
			if info, err := file.Info(); err == nil && time.Since(info.ModTime()) > long {
				os.Remove(filepath.Join(m.dir, file.Name()))
			}
		}
	}
	temp := name + "." + rand.Text()[:10] + ".tmp"
	if os.WriteFile(temp, data, 0o600) != nil || os.Rename(temp, name) != nil {
		os.Remove(temp)
	}
}

// contents is what the Go files hold in the folders that a pattern names.
type contents struct {
	cfg *source.Config

	mu     sync.Mutex
	plain  []string // folders of files that every build has
	output bool     // a file was generated
	tasks  []string // folders of files that may have directives
	hidden bool     // something cannot be read
}

// visit takes notice of a file.
func (c *contents) visit(name string, content []byte, err error) {
	if err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.hidden = true
		return
	}
	own, tasks, plain := c.cfg.IsOwn(name, content), directive.MayHave(content), isPlain(name, content)
	dir := filepath.Dir(name)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.output = c.output || own
	if tasks && !own {
		c.tasks = append(c.tasks, dir)
	}
	if plain {
		c.plain = append(c.plain, dir)
	}
}

// areBare reports whether there is nothing in the folders from root on for a check to look at, though the pattern names a
// package: where it names none, there is something to say.
func (c *contents) areBare(root string) bool {
	return !c.hidden && !c.output && len(c.tasks) == 0 && slices.ContainsFunc(c.plain, func(dir string) bool { return sameModule(root, dir) })
}

// isPlain reports whether a file is part of a package whatever it is built for, as far as that is plain to see.
func isPlain(name string, content []byte) bool {
	base := filepath.Base(name)
	return base[0] != '.' && !strings.Contains(base, "_") && !bytes.Contains(content, []byte("go:build")) &&
		!bytes.Contains(content, []byte("+build")) && !bytes.Contains(content, []byte(`"C"`))
}

// sameModule reports whether no module begins on the way from a folder to one in it.
func sameModule(root, dir string) bool {
	for ; dir != root && len(dir) > len(root); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return false
		}
	}
	return true
}

// knownDriver reports whether the go command is what finds packages, and no other program in its place.
func knownDriver(env []string) bool {
	driver := os.Getenv("GOPACKAGESDRIVER")
	for _, pair := range env {
		if value, ok := strings.CutPrefix(pair, "GOPACKAGESDRIVER="); ok {
			driver = value
		}
	}
	if driver != "" {
		return driver == "off"
	}
	_, err := exec.LookPath("gopackagesdriver")
	return err != nil
}
