package gen

import (
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
	"time"
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

// UserMemory returns the memory in the user's cache directory.
func UserMemory() *Memory {
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
	opts   Options
	file   string // where it is remembered
	env    *goSettings
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

// Recall says whether a check with these options would find everything in order, for all that is remembered. If not, the
// moment is for remembering it once it has.
func (m *Memory) Recall(ctx context.Context, opts Options) (moment *Moment, unchanged bool) {
	unknown := &Moment{}
	dir, err := filepath.Abs(opts.Dir)
	if m.dir == "" || err != nil {
		return unknown, false
	}
	opts.Dir = dir
	if len(opts.Patterns) == 0 {
		opts.Patterns = []string{"."}
	}
	roots, ok := patternRoots(dir, opts.Patterns)
	if !ok || !knownDriver(opts.Env) {
		return unknown, false
	}
	program := m.program()
	if _, err := os.Stat(program); err != nil {
		return unknown, false
	}
	moment = &Moment{memory: m, ctx: ctx, opts: opts, file: filepath.Join(m.dir, entryName(opts))}
	programSum := make(chan string)
	go func() { programSum <- fact{fileFact, program}.sum() }()
	moment.env, err = readGoSettings(ctx, opts)
	moment.sums = map[fact]string{{Kind: programFact}: <-programSum}
	if err != nil || !moment.env.canBeTold() {
		return unknown, false
	}
	moment.sums[fact{Kind: settingsFact}] = moment.env.sum()
	moment.base = append(roots, moment.env.facts()...)
	for f := range moment.sums {
		moment.base = append(moment.base, f)
	}
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
		s = f.sum()
		m.sums[f] = s
	}
	return s
}

// covers says whether the patterns of the check have a folder in one of their trees.
func (m *Moment) covers(f fact) bool {
	return slices.ContainsFunc(m.base, func(b fact) bool { return b.covers(f) })
}

// Remember notes that a check found everything in order, unless something has changed while it was made. Failing to do so
// costs nothing but time.
func (m *Moment) Remember(res *Result) {
	if m.memory == nil || res.inputs == nil {
		return
	}
	env, err := readGoSettings(m.ctx, m.opts)
	if err != nil {
		return
	}
	e := entry{}
	done := map[fact]bool{}
	for _, f := range append(m.base, m.env.factsOf(res.inputs)...) {
		if done[f] || m.covers(f) {
			continue
		}
		done[f] = true
		before, known := m.sums[f]
		now := before
		switch f.Kind {
		case programFact: // it runs
		case settingsFact:
			now = env.sum()
		default:
			now = f.sum()
		}
		switch {
		case !known:
			now = ""
		case now != before:
			return
		}
		e.Facts = append(e.Facts, rememberedFact{f, now})
	}
	m.memory.write(m.file, e)
}

// entryName returns the name of the file in which a check is remembered.
func entryName(opts Options) string {
	text, _ := json.Marshal([]any{opts.Dir, opts.Patterns, opts.Tags, opts.Output})
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

// knownDriver says whether the go command is what finds packages, and no other program in its place.
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
