package examples_test

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

// TestModuleProxy follows README.md: a new module gets the generator as a tool from a module proxy, a directory made from this
// checkout, and then generates and builds.
func TestModuleProxy(t *testing.T) {
	t.Parallel()
	readme := read(t, filepath.Join(root, "README.md"))
	getTool := regexp.MustCompile(`(?m)^ *(go get -tool .*@latest)$`).FindStringSubmatch(readme)
	generate := regexp.MustCompile(`(?m)^ *(go generate .*)\n *(go get .*)$`).FindStringSubmatch(readme)
	check := regexp.MustCompile(`(?m)^ *(go tool cloudtaskgen -check .*)$`).FindStringSubmatch(readme)
	lock := regexp.MustCompile("`(go tool cloudtaskgen lock)`").FindStringSubmatch(readme)
	if getTool == nil || generate == nil || check == nil || lock == nil {
		t.Fatal("README.md does not say how to get the generator, how to generate, how to check and how to lock")
	}

	dir, cache := t.TempDir(), t.TempDir()
	modcache := strings.TrimSpace(run(t, root, "go", "env", "GOMODCACHE"))
	upstream := strings.TrimSpace(runWith(t, nil, root, "go", "env", "GOPROXY"))
	env := []string{
		"GOPROXY=" + "file://" + filepath.ToSlash(makeProxy(t)) + ",file://" + filepath.ToSlash(modcache) + "/cache/download," + upstream,
		"GOSUMDB=off", // this version is not published
		"GOMODCACHE=" + cache,
		"GOFLAGS=-modcacherw -trimpath", // so that it can be deleted, and what is built from it stays in the build cache
		"GOWORK=off",
	}
	runWith(t, env, dir, "go", "mod", "init", "example.com/newcomer")
	runWith(t, env, dir, "go", strings.Fields(getTool[1])[1:]...)
	source := `package main

import (
	"context"
	"log"
	"net/http"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

//go:generate go tool cloudtaskgen

//cloudtask:task
type Greet struct{ Name string }

func (t Greet) Run(ctx context.Context) error { return nil }

func main() {
	handler, err := NewHandler(cloudtask.Config{InsecureNoAuth: true})
	if err != nil {
		log.Fatal(err)
	}
	http.Handle("/tasks/", handler)
}
`
	if err := writeFile(filepath.Join(dir, "main.go"), []byte(source)); err != nil {
		t.Fatal(err)
	}
	runWith(t, env, dir, "go", strings.Fields(generate[1])[1:]...)
	runWith(t, env, dir, "go", strings.Fields(generate[2])[1:]...)
	runWith(t, env, dir, "go", "vet", "./...")
	runWith(t, env, dir, "go", "run", ".")
	runWith(t, env, dir, "go", strings.Fields(check[1])[1:]...)
	runWith(t, env, dir, "go", strings.Fields(lock[1])[1:]...)
	runWith(t, env, dir, "go", append(strings.Fields(lock[1])[1:], "-check")...)

	// Both commands are installed as README.md describes, outside any module.
	bin := t.TempDir()
	installs := regexp.MustCompile(`(?m)^(go install .*/cmd/([a-z]+)@latest)$`).FindAllStringSubmatch(readme, -1)
	if len(installs) != 2 {
		t.Fatalf("README.md has %q, want how to install both commands", installs)
	}
	for _, install := range installs {
		runWith(t, append(env, "GOBIN="+bin), bin, "go", strings.Fields(install[1])[1:]...)
		out := runWith(t, nil, bin, filepath.Join(bin, install[2]), "help")
		if !strings.Contains(out, install[2]) {
			t.Errorf("%s help prints %q", install[2], out)
		}
	}
}

// makeProxy returns a directory that is a module proxy with one version of this module, that of the checkout.
func makeProxy(t *testing.T) string {
	t.Helper()
	version := module.Version{Path: modulePath, Version: "v0.1.0"}
	proxy := t.TempDir()
	dir := filepath.Join(proxy, filepath.FromSlash(version.Path), "@v")
	for name, content := range map[string]string{
		"list":                    version.Version + "\n",
		version.Version + ".info": `{"Version":"` + version.Version + `","Time":"2026-01-01T00:00:00Z"}`,
		version.Version + ".mod":  read(t, filepath.Join(root, "go.mod")),
	} {
		if err := writeFile(filepath.Join(dir, name), []byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	archive, err := os.Create(filepath.Join(dir, version.Version+".zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	var files []zip.File
	for _, name := range checkoutFiles(t) {
		files = append(files, checkoutFile(name))
	}
	if err := zip.Create(archive, version, files); err != nil {
		t.Fatal(err)
	}
	return proxy
}

// checkoutFile is a file of the checkout. Its name is the slash-separated path from root.
type checkoutFile string

func (f checkoutFile) file() string                 { return filepath.Join(root, filepath.FromSlash(string(f))) }
func (f checkoutFile) Path() string                 { return string(f) }
func (f checkoutFile) Lstat() (os.FileInfo, error)  { return os.Lstat(f.file()) }
func (f checkoutFile) Open() (io.ReadCloser, error) { return os.Open(f.file()) }

// checkoutFiles returns the files that git tracks or would add, except deleted ones.
func checkoutFiles(t *testing.T) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v: this test needs git and a checkout", cmd, err)
	}
	var names []string
	for name := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		if _, err := os.Lstat(filepath.Join(root, name)); err == nil {
			names = append(names, name)
		}
	}
	return names
}

// copyCheckout copies the checkout to dir.
func copyCheckout(t *testing.T, dir string) {
	t.Helper()
	for _, name := range checkoutFiles(t) {
		content, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := writeFile(filepath.Join(dir, name), content); err != nil {
			t.Fatal(err)
		}
	}
}
