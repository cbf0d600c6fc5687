// Package testenv makes the outcome of tests independent of the environment and of what was downloaded before.
package testenv

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
)

// kept are the variables that say where this machine has its programs, folders and network, and what the race detector and
// coverage of a test run are to do. A name that ends with an underscore stands for all that begin with it.
var kept = []string{
	"PATH", "HOME", "TMPDIR", "XDG_CACHE_HOME",
	"SYSTEMROOT", "COMSPEC", "PATHEXT", "TEMP", "TMP", "USERPROFILE", "APPDATA", "LOCALAPPDATA", // Windows
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
	"GOMAXPROCS", "GORACE", "GOTRACEBACK", "GOCOVERDIR",
	"UPDATE_", // of tests that can rewrite what they compare with
}

// goSettings are the settings of the go command that say where it finds modules, caches and compilers, and not what it
// builds.
var goSettings = []string{
	"GOCACHE", "GOMODCACHE", "GOPATH", "GOTMPDIR",
	"GOPROXY", "GONOPROXY", "GOPRIVATE", "GOSUMDB", "GONOSUMDB", "GOINSECURE", "GOVCS", "GOAUTH",
	"CC", "CXX", "AR", "PKG_CONFIG",
}

// M runs the tests of a package in a cleared environment. In TestMain:
//
//	os.Exit(testenv.M{M: m}.Run())
type M struct{ *testing.M }

// Run clears the environment and runs the tests.
func (m M) Run() int {
	Clear()
	return m.M.Run()
}

// Clear removes from the environment of the process whatever could change what a test finds: configuration of this project,
// of Google Cloud, of the terminal, of git, and all that makes the go command build something else than by default, in its
// own file of settings (go env -w) as well. Programs that tests start inherit the cleared environment.
func Clear() {
	settings := changedGoSettings()
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); name != "" && !isKept(name) { // Windows has variables like =C:
			os.Unsetenv(name)
		}
	}
	os.Setenv("GOENV", "off")
	os.Setenv("GOTOOLCHAIN", "local") // go test has put the one that go.mod asks for on PATH
	for _, name := range goSettings {
		if value, ok := settings[name]; ok {
			os.Setenv(name, value)
		}
	}
}

func isKept(name string) bool {
	return slices.ContainsFunc(kept, func(k string) bool {
		return strings.EqualFold(name, k) || strings.HasSuffix(k, "_") && strings.HasPrefix(name, k)
	})
}

// changedGoSettings returns the settings of the go command that are not its defaults, and none where there is no go command.
// GOPATH is among them in any case: the go command takes the one that is set for its default, which without a home folder
// is the only one there is.
func changedGoSettings() map[string]string {
	settings := map[string]string{}
	for _, args := range [][]string{{"env", "-changed", "-json"}, {"env", "-json", "GOPATH"}} {
		if out, err := exec.Command("go", args...).Output(); err == nil {
			if err := json.Unmarshal(out, &settings); err != nil {
				panic(fmt.Sprintf("go %s: %v", strings.Join(args, " "), err))
			}
		}
	}
	return settings
}

// Download downloads what this module requires and the machine does not have yet. A test calls it before it runs the go
// command with GOPROXY=off in another module: go test itself only downloads the packages that it compiles, and a workspace
// also needs the go.mod files of modules that none of them is in.
var Download = sync.OnceValue(func() error {
	out, err := exec.Command("go", "mod", "download").CombinedOutput()
	if err != nil {
		return fmt.Errorf("go mod download: %v\n%s", err, out)
	}
	return nil
})
