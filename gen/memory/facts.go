package memory

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/cloudtaskgen/cloudtaskgen/gen/source"
)

// A fact is something that a check goes by.
type fact struct {
	Kind string
	Path string // absolute; "" where there is but one
}

// Kinds of facts.
const (
	programFact  = "program"  // this program
	settingsFact = "settings" // of the go command
	treeFact     = "tree"     // the sources in a folder and below, as ./... reaches them
	folderFact   = "folder"   // the sources in a folder
	fileFact     = "file"     // one file, which may not be there
)

// A visitor is shown a Go file in a folder, or what cannot be read there.
type visitor func(name string, content []byte, err error)

// sum returns what stands for a fact as it is. If visit is not nil, it is called by several goroutines at a time.
func (f fact) sum(visit visitor) string {
	var s summer
	switch f.Kind {
	case treeFact, folderFact:
		s.folder(f.Path, f.Kind == treeFact)
	default:
		s.file(f.Path)
	}
	return s.sum(visit)
}

// A summer takes the sum of notes.
type summer struct {
	notes  []string
	files  []int    // which of the notes are paths: of files whose contents are what counts
	closed []closed // folders
}

// A closed folder cannot be read.
type closed struct {
	path string
	err  error
}

func (s *summer) note(text string) { s.notes = append(s.notes, text) }

// file notes the content of a file, or that there is none.
func (s *summer) file(path string) {
	s.files = append(s.files, len(s.notes))
	s.note(path)
}

// sum reads the files, shows the Go files among them to visit unless that is nil, and returns the sum.
func (s *summer) sum(visit visitor) string {
	for _, folder := range s.closed {
		if visit != nil {
			visit(folder.path, nil, folder.err)
		}
	}
	var next atomic.Int64
	var group sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(s.files)/16+1) {
		group.Go(func() {
			for i := next.Add(1); int(i) <= len(s.files); i = next.Add(1) {
				note := &s.notes[s.files[i-1]]
				content, err := os.ReadFile(*note)
				if visit != nil && filepath.Ext(*note) == ".go" {
					visit(*note, content, err)
				}
				*note = "no file: " + errorKind(err)
				if err == nil {
					sum := sha256.Sum256(content)
					*note = string(sum[:])
				}
			}
		})
	}
	group.Wait()
	hash := sha256.New()
	for _, text := range s.notes {
		var length [8]byte // so that it is known where a text ends
		binary.LittleEndian.PutUint64(length[:], uint64(len(text)))
		hash.Write(length[:])
		hash.Write([]byte(text))
	}
	return hex.EncodeToString(hash.Sum(nil))
}

// folder adds the names and contents of the sources in a folder. Like the go command it passes over folders below that are
// not for packages, but it goes into other modules: they may be of the workspace.
func (s *summer) folder(dir string, below bool) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		s.note("no folder: " + errorKind(err))
		s.closed = append(s.closed, closed{dir, err})
		return
	}
	// Without a Go file the others are nobody's.
	isPackage := slices.ContainsFunc(entries, func(e os.DirEntry) bool { return filepath.Ext(e.Name()) == ".go" })
	for _, e := range entries {
		name := e.Name()
		path := filepath.Join(dir, name)
		switch {
		case e.IsDir() && below && mayHavePackages(name):
			s.note("folder " + name)
			s.folder(path, true)
			s.note("end")
		case !e.IsDir() && (name == "go.mod" || isPackage && isSource(name)):
			s.note("file " + name)
			s.file(path)
		}
	}
}

// mayHavePackages reports whether a pattern such as ./... reaches into folders of that name.
func mayHavePackages(name string) bool {
	return !strings.HasPrefix(name, ".") && !strings.HasPrefix(name, "_") && name != "testdata" && name != "vendor"
}

func (f fact) compare(g fact) int {
	return cmp.Or(cmp.Compare(f.Kind, g.Kind), cmp.Compare(f.Path, g.Path))
}

// covers reports whether a tree has a folder in it.
func (f fact) covers(folder fact) bool {
	rel, err := filepath.Rel(f.Path, folder.Path)
	if f.Kind != treeFact || folder.Kind != folderFact || err != nil || !filepath.IsLocal(rel) {
		return false
	}
	return rel == "." || !slices.ContainsFunc(strings.Split(rel, string(filepath.Separator)), func(name string) bool { return !mayHavePackages(name) })
}

// isSource reports whether the go command looks at files of that name.
func isSource(name string) bool {
	switch filepath.Ext(name) {
	case ".go", ".c", ".cc", ".cpp", ".cxx", ".m", ".h", ".hh", ".hpp", ".hxx", ".f", ".F", ".for", ".f90", ".s", ".S", ".sx", ".swig", ".swigcxx", ".syso":
		return true
	}
	return false
}

// errorKind words an error without what differs from call to call.
func errorKind(err error) string {
	switch {
	case err == nil:
		return ""
	case os.IsNotExist(err):
		return "not there"
	case os.IsPermission(err):
		return "not readable"
	}
	return err.Error()
}

// patternRoots returns what patterns name, going by folders; ok is false where that depends on more.
func patternRoots(dir string, patterns []string) (roots []fact, ok bool) {
	for _, p := range patterns {
		slashed := filepath.ToSlash(p)
		if slashed != "." && slashed != ".." && !strings.HasPrefix(slashed, "./") && !strings.HasPrefix(slashed, "../") && !filepath.IsAbs(p) {
			return nil, false
		}
		f := fact{Kind: folderFact}
		before, wild := strings.CutSuffix(slashed, "/...")
		if strings.Contains(before, "...") {
			return nil, false
		}
		if wild {
			f.Kind = treeFact
			before += "/"
		}
		f.Path = filepath.FromSlash(before)
		if !filepath.IsAbs(f.Path) {
			f.Path = filepath.Join(dir, f.Path)
		}
		f.Path = filepath.Clean(f.Path)
		roots = append(roots, f)
	}
	return roots, true
}

// canBeTold reports whether everything that the go command goes by is known.
func canBeTold(s *source.Settings) bool {
	if s.Partial {
		return false
	}
	// These take what it reads from elsewhere, and the sources of a development version change.
	if slices.ContainsFunc([]string{"modfile", "overlay", "C", "toolexec"}, s.HasFlag) {
		return false
	}
	version := s.Vars["GOVERSION"]
	return strings.HasPrefix(version, "go") && !strings.Contains(version, "devel") && s.Vars["GOROOT"] != "" && s.Vars["GOMODCACHE"] != ""
}

// sumOf returns what stands for all settings, and for the go command that has them.
func sumOf(s *source.Settings) string {
	var all summer
	text, _ := json.Marshal(s.Vars) // sorted by name
	all.note(string(text))
	program, _ := exec.LookPath("go")
	all.note(program)
	for _, path := range []string{program, filepath.Join(s.Vars["GOTOOLDIR"], "compile")} {
		if info, err := os.Stat(path); err == nil {
			all.note(fmt.Sprint(info.ModTime().UTC(), info.Mode(), info.Size()))
		}
	}
	all.file(filepath.Join(s.Vars["GOROOT"], "VERSION"))
	return all.sum(nil)
}

// factsOfModules returns the files that say which modules there are.
func factsOfModules(s *source.Settings) []fact {
	var facts []fact
	for _, name := range s.Files {
		facts = append(facts, fact{fileFact, name})
	}
	return facts
}

// factsOf returns what is to be known of folders: their sources, and that they are of the same module still.
func factsOf(s *source.Settings, folders []string) []fact {
	var facts []fact
	for _, dir := range folders {
		facts = append(facts, fact{folderFact, dir})
		for at := dir; !isModuleRoot(s, at); at = filepath.Dir(at) {
			facts = append(facts, fact{fileFact, filepath.Join(at, "go.mod")})
			if filepath.Dir(at) == at {
				break
			}
		}
	}
	slices.SortFunc(facts, fact.compare)
	return slices.Compact(facts)
}

// holds reports whether a folder belongs to a module whose source lies at hand, and is where the go command looks for packages,
// as far as go.mod files and names tell.
func holds(s *source.Settings, dir string) bool {
	for at := dir; ; at = filepath.Dir(at) {
		if isModuleRoot(s, at) {
			return !s.Ignores && fact{treeFact, at}.covers(fact{folderFact, dir})
		}
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil || filepath.Dir(at) == at {
			return false
		}
	}
}

func isModuleRoot(s *source.Settings, dir string) bool {
	return slices.ContainsFunc(s.Modules, func(m source.Module) bool { return m.Dir == dir })
}
