package examples_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/mod/modfile"
)

// modulePath is the path of this module.
const modulePath = "github.com/cloudtaskgen/cloudtaskgen"

// TestOutsideModule makes the tour a separate module, which gets this checkout by a replace directive. It is generated from scratch,
// vetted, built with the race detector, and played against "cloudtask dev -strict".
func TestOutsideModule(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const module = "example.com/outside"
	copyTree(t, filepath.Join(root, "examples", "tour"), dir, func(name string, content []byte) []byte {
		if filepath.Base(name) == "cloudtask_gen.go" || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		return bytes.ReplaceAll(content, []byte(modulePath+"/examples/tour"), []byte(module))
	})
	writeModule(t, dir, module)

	run(t, dir, "go", "generate", "./...")
	run(t, dir, "go", "tool", "cloudtaskgen", "-check", "./...")
	run(t, dir, "go", "vet", "./...")
	run(t, dir, "go", "build", "-race", "-o", "outside", ".")
	out := run(t, dir, filepath.Join(dir, "outside"), "-queue", startDev(t, "-strict"))
	if !strings.Contains(out, "everything as expected") {
		t.Errorf("the tour did not end as expected:\n%s", out)
	}
}

// TestMinimal runs examples/minimal as its README describes, and stops it as Cloud Run does while a task is running. The task must
// finish, and its response arrive.
func TestMinimal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	binary := filepath.Join(dir, "minimal")
	buildSlowly(t, binary)
	_, port := freePort(t)
	queue := startDev(t)
	minimal := start(t, binary, "PORT="+port, "CLOUDTASK_BASE_URL=http://127.0.0.1:"+port,
		"CLOUD_TASKS_EMULATOR_HOST="+queue, "CLOUDTASK_PROJECT=demo", "CLOUDTASK_LOCATION=here",
		"CLOUDTASK_SERVICE_ACCOUNT=tasks@demo.iam.gserviceaccount.com")

	post(t, "http://127.0.0.1:"+port+"/greet/World")
	minimal.waitFor(t, "Hello, World!")
	minimal.terminate(t)
	minimal.waitFor(t, "task executed")
	minimal.wantEnd(t)
	wantNoTasks(t, queue, "demo", "here", "tasks")
}

// buildSlowly builds examples/minimal with a task that takes half a second longer.
func buildSlowly(t *testing.T, binary string) {
	t.Helper()
	source, err := filepath.Abs(filepath.Join(root, "examples", "minimal", "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	const greet = `log.Printf("Hello, %s!", t.Name); `
	text := read(t, source)
	if !strings.Contains(text, greet) {
		t.Fatalf("%s does not contain %s", source, greet)
	}
	dir := filepath.Dir(binary)
	slow := filepath.Join(dir, "slow.go")
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {source: slow}})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		slow:                               []byte(strings.Replace(text, greet, greet+"time.Sleep(500 * time.Millisecond); ", 1)),
		filepath.Join(dir, "overlay.json"): overlay,
	} {
		if err := writeFile(name, content); err != nil {
			t.Fatal(err)
		}
	}
	run(t, root, "go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", binary, "./examples/minimal")
}

// wantNoTasks checks that a queue has no tasks left.
func wantNoTasks(t *testing.T, address, project, location, queue string) {
	t.Helper()
	answer, err := http.Get("http://" + address + "/v2/projects/" + project + "/locations/" + location + "/queues/" + queue + "/tasks")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK || strings.Contains(string(body), `"name"`) {
		t.Errorf("the tasks of %s: %s %s %v, want none", queue, answer.Status, body, err)
	}
}

// TestRegenerate deletes the examples' generated files in a copy of the checkout. One run of the generator must restore them byte for
// byte.
func TestRegenerate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	copyCheckout(t, dir)
	want := map[string]string{}
	for _, name := range find(t, filepath.Join(dir, "examples"), "cloudtask_gen.go") {
		want[name] = read(t, name)
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	if len(want) < 3 {
		t.Fatalf("only %d generated files in examples/", len(want))
	}
	run(t, dir, "go", "run", "./cmd/cloudtaskgen", "./...")
	for name, content := range want {
		if got, err := os.ReadFile(name); err != nil {
			t.Error(err)
		} else if string(got) != content {
			t.Errorf("%s has changed", name)
		}
	}
}

// startDev starts "cloudtask dev" and returns its address. It is stopped after the test, and must exit without an error.
func startDev(t *testing.T, args ...string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "cloudtask")
	run(t, root, "go", "build", "-o", binary, "./cmd/cloudtask")
	cmd := exec.Command(binary, append([]string{"dev", "-listen", "127.0.0.1:0"}, args...)...)
	var log bytes.Buffer
	cmd.Stderr = &log
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("cloudtask dev ended with %v; its log:\n%s", err, log.String())
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	address, ok := strings.CutPrefix(strings.TrimSpace(line), "ready ")
	if err != nil || !ok {
		t.Fatalf("cloudtask dev printed %q: %v", line, err)
	}
	return address
}

// writeModule writes a go.mod to dir that replaces this module by the checkout. It has the same requirements as this module, so it
// needs no network.
func writeModule(t *testing.T, dir, module string) {
	t.Helper()
	checkout, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	ours, err := modfile.Parse("go.mod", []byte(read(t, filepath.Join(root, "go.mod"))), nil)
	if err != nil {
		t.Fatal(err)
	}
	theirs := new(modfile.File)
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(theirs.AddModuleStmt(module))
	check(theirs.AddGoStmt(ours.Go.Version))
	check(theirs.AddRequire(modulePath, "v0.0.0"))
	check(theirs.AddReplace(modulePath, "", checkout, ""))
	check(theirs.AddTool(modulePath + "/cmd/cloudtaskgen"))
	for _, require := range ours.Require {
		check(theirs.AddRequire(require.Mod.Path, require.Mod.Version))
	}
	content, err := theirs.Format()
	check(err)
	check(os.WriteFile(filepath.Join(dir, "go.mod"), content, 0o644))
	check(os.WriteFile(filepath.Join(dir, "go.sum"), []byte(read(t, filepath.Join(root, "go.sum"))), 0o644))
}

// run runs a command in dir, with the Go command offline, and returns its output.
func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	return runWith(t, []string{"GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off"}, dir, name, args...)
}

func runWith(t *testing.T, env []string, dir, name string, args ...string) string {
	t.Helper()
	start := time.Now()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	t.Logf("%s %s: %v", filepath.Base(name), strings.Join(args, " "), time.Since(start).Round(time.Millisecond))
	return string(out)
}

// copyTree copies the files under from to the directory to, with the contents that edit returns. Files for which it returns nil are
// omitted.
func copyTree(t *testing.T, from, to string, edit func(name string, content []byte) []byte) {
	t.Helper()
	err := filepath.WalkDir(from, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if content = edit(name, content); content == nil {
			return nil
		}
		return writeFile(filepath.Join(to, rel), content)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func writeFile(name string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, content, 0o644)
}

// freePort returns a free loopback address, and its port.
func freePort(t *testing.T) (address, port string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	address = listener.Addr().String()
	_, port, err = net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	return address, port
}

// post posts to url, and waits for the server to listen.
func post(t *testing.T, url string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		answer, err := http.Post(url, "text/plain", nil)
		if err == nil {
			defer answer.Body.Close()
			if body, err := io.ReadAll(answer.Body); answer.StatusCode != http.StatusOK {
				t.Fatalf("POST %s: %s %s %v", url, answer.Status, body, err)
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}
