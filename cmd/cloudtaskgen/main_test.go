package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cloudtaskgen/cloudtaskgen/testdata/testenv"
)

func TestMain(m *testing.M) {
	testscript.Main(testenv.M{M: m}, map[string]func(){"cloudtaskgen": main})
}

// TestScripts runs the command as its users do. Scripts that compile what was generated do so in a workspace with this
// checkout (go.work), so that no network is needed and the modules need not require the runtime. With UPDATE_SCRIPTS set,
// the wanted outputs in the scripts are replaced by the actual ones.
func TestScripts(t *testing.T) {
	if err := testenv.Download(); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "env", "GOCACHE", "GOMODCACHE", "GOMOD").Output()
	if err != nil {
		t.Fatal(err)
	}
	env := strings.Split(strings.TrimSpace(string(out)), "\n")
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("..", "..", "testdata", "script"),
		Setup: func(e *testscript.Env) error {
			e.Setenv("GOCACHE", env[0])
			e.Setenv("GOMODCACHE", env[1])
			e.Setenv("GOPROXY", "off")
			// Where checks are remembered: not for the next run of the tests.
			for _, name := range []string{"HOME", "XDG_CACHE_HOME", "LocalAppData"} {
				e.Setenv(name, filepath.Join(e.WorkDir, ".home"))
			}
			e.Setenv("GOFLAGS", "")
			e.Setenv("GOTOOLCHAIN", "local")
			// For scripts that change PATH.
			for name, program := range map[string]string{"GO": "go", "CLOUDTASKGEN": "cloudtaskgen"} {
				path, err := exec.LookPath(program)
				if err != nil {
					return err
				}
				e.Setenv(name, path)
			}
			work := "go 1.26.0\n\nuse (\n\t.\n\t" + filepath.Dir(env[2]) + "\n)\n"
			return os.WriteFile(filepath.Join(e.WorkDir, "go.work"), []byte(work), 0o666)
		},
		Condition: func(cond string) (bool, error) {
			if cond == "root" { // whom permissions do not stop
				return os.Geteuid() == 0, nil
			}
			return false, fmt.Errorf("unknown condition %s", cond)
		},
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}
