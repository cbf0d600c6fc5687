package gen

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"hash"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
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

// sum returns what stands for a fact as it is.
func (f fact) sum() string {
	s := summer{sha256.New()}
	switch f.Kind {
	case treeFact, folderFact:
		s.folder(f.Path, f.Kind == treeFact)
	default:
		s.file(f.Path)
	}
	return s.text()
}

// A summer takes a sum.
type summer struct{ hash hash.Hash }

func (s summer) text() string { return hex.EncodeToString(s.hash.Sum(nil)) }

// note adds a text and where it ends.
func (s summer) note(text string) {
	var length [8]byte
	binary.LittleEndian.PutUint64(length[:], uint64(len(text)))
	s.hash.Write(length[:])
	s.hash.Write([]byte(text))
}

// file adds the content of a file, or that there is none.
func (s summer) file(path string) {
	file, err := os.Open(path)
	content := sha256.New()
	if err == nil {
		_, err = io.Copy(content, file)
		file.Close()
	}
	if err != nil {
		s.note("no file: " + errorKind(err))
		return
	}
	s.note(string(content.Sum(nil)))
}

// folder adds the names and contents of the sources in a folder. Like the go command it passes over folders below that are
// not for packages, but it goes into other modules: they may be of the workspace.
func (s summer) folder(dir string, below bool) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		s.note("no folder: " + errorKind(err))
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

// mayHavePackages says whether a pattern such as ./... reaches into folders of that name.
func mayHavePackages(name string) bool {
	return !strings.HasPrefix(name, ".") && !strings.HasPrefix(name, "_") && name != "testdata" && name != "vendor"
}

// covers says whether a tree has a folder in it.
func (f fact) covers(folder fact) bool {
	rel, err := filepath.Rel(f.Path, folder.Path)
	if f.Kind != treeFact || folder.Kind != folderFact || err != nil || !filepath.IsLocal(rel) {
		return false
	}
	return rel == "." || !slices.ContainsFunc(strings.Split(rel, string(filepath.Separator)), func(name string) bool { return !mayHavePackages(name) })
}

// isSource says whether the go command looks at files of that name.
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
		before, _, wild := strings.Cut(slashed, "...")
		if wild {
			f.Kind = treeFact
			before = before[:strings.LastIndex(before, "/")+1]
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

// canBeTold says whether everything that the go command goes by is known.
func (s *goSettings) canBeTold() bool {
	// These take what it reads from elsewhere, and the sources of a development version change.
	for _, flag := range []string{"modfile", "overlay", "C", "toolexec"} {
		if s.hasFlag(flag) {
			return false
		}
	}
	version := s.vars["GOVERSION"]
	return strings.HasPrefix(version, "go") && !strings.Contains(version, "devel") && s.vars["GOROOT"] != "" && s.vars["GOMODCACHE"] != ""
}

// sum returns what stands for all settings, and for the go command that has them.
func (s *goSettings) sum() string {
	hash := summer{sha256.New()}
	text, _ := json.Marshal(s.vars) // sorted by name
	hash.note(string(text))
	program, _ := exec.LookPath("go")
	hash.note(program)
	for _, path := range []string{program, filepath.Join(s.vars["GOTOOLDIR"], "compile")} {
		if info, err := os.Stat(path); err == nil {
			hash.note(info.ModTime().UTC().String())
			hash.note(info.Mode().String())
			var size [8]byte
			binary.LittleEndian.PutUint64(size[:], uint64(info.Size()))
			hash.note(string(size[:]))
		}
	}
	hash.file(filepath.Join(s.vars["GOROOT"], "VERSION"))
	return hash.text()
}

// facts returns the files that say which modules there are.
func (s *goSettings) facts() []fact {
	var facts []fact
	for _, name := range s.files {
		facts = append(facts, fact{fileFact, name})
	}
	return facts
}

// inputs are the folders of local packages that a run went by. Some may not be there.
type inputs struct{ folders []string }

// factsOf returns what is to be known of folders: their sources, and that they are of the same module still.
func (s *goSettings) factsOf(in *inputs) []fact {
	var facts []fact
	for _, dir := range in.folders {
		facts = append(facts, fact{folderFact, dir})
		for at := dir; !s.isModuleRoot(at); at = filepath.Dir(at) {
			facts = append(facts, fact{fileFact, filepath.Join(at, "go.mod")})
			if filepath.Dir(at) == at {
				break
			}
		}
	}
	slices.SortFunc(facts, func(a, b fact) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Path, b.Path)) })
	return slices.Compact(facts)
}

func (s *goSettings) isModuleRoot(dir string) bool {
	return slices.ContainsFunc(s.modules, func(m localModule) bool { return m.dir == dir })
}

// inputs returns the folders of the packages that this run knows of and that may change: all but those of the standard
// library and of the module cache.
func (l *loader) inputs() *inputs {
	in := &inputs{}
	add := func(dir string) {
		if dir != "" && !isBelow(dir, l.env.vars["GOROOT"]) && !isBelow(dir, l.env.vars["GOMODCACHE"]) {
			in.folders = append(in.folders, dir)
		}
	}
	for _, m := range l.matched {
		add(m.Dir)
	}
	for _, p := range l.graph {
		add(p.Dir)
	}
	// An import that nobody needed may be of a package that is not there.
	for _, sp := range l.files {
		for _, spec := range sp.imports {
			target := importPath(spec)
			if m := l.env.moduleOf(target); m != nil && l.graph[target] == nil {
				in.folders = append(in.folders, filepath.Join(m.dir, filepath.FromSlash(strings.TrimPrefix(target, m.path))))
			}
		}
	}
	slices.Sort(in.folders)
	in.folders = slices.Compact(in.folders)
	return in
}

// isBelow says whether a path is in a folder.
func isBelow(path, dir string) bool {
	rel, err := filepath.Rel(dir, path)
	return dir != "" && err == nil && filepath.IsLocal(rel)
}
