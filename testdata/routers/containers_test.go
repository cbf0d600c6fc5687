package routers

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

// TestContainers does without Docker what Docker is told to do by examples/services: it reads the compose file as
// Docker does, runs the instructions of the Dockerfile that build each service, starts the programs with the
// commands and environments that their containers have, and has the API enqueue a task that the worker runs. Names of
// containers become addresses of this machine.
func TestContainers(t *testing.T) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	project := loadProject(t, filepath.Join(root, "examples", "services", "compose.yaml"))
	addresses := replaceAddresses(t, project)

	services := map[string]*service{}
	for _, name := range []string{"queue", "worker", "api"} { // in which they depend on one another
		config, err := project.GetService(name)
		if err != nil {
			t.Fatal(err)
		}
		for dependency := range config.DependsOn {
			if services[dependency] == nil {
				t.Errorf("%s depends on %s, which is not started before it", name, dependency)
			}
		}
		services[name] = startService(t, config, build(t, config), addresses)
	}
	services["queue"].waitFor(t, "ready "+addresses.Replace("queue:8123"))

	api := addresses.Replace("http://api:8080")
	var id string
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		answer, err := http.Post(api+"/images/cat.png", "", nil)
		if err == nil {
			body, err := io.ReadAll(answer.Body)
			answer.Body.Close()
			if err != nil || answer.StatusCode != http.StatusAccepted {
				t.Fatalf("answered %s %s, %v; want 202\n%s", answer.Status, body, err, services["api"].log.String())
			}
			id = strings.TrimSpace(string(body))
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	services["worker"].waitFor(t, "resizing image=cat.png width=320")

	// As docker stop does. The worker is in the middle of the task.
	services["worker"].stop(t)
	if want := "task=Resize id=" + id; !strings.Contains(services["worker"].log.String(), want) || !strings.Contains(services["worker"].log.String(), "outcome=executed") {
		t.Errorf("the worker's log has no %s that was executed:\n%s", want, services["worker"].log.String())
	}
	services["api"].stop(t)
	services["queue"].stop(t)
}

func loadProject(t *testing.T, file string) *types.Project {
	t.Helper()
	project, err := loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir:  filepath.Dir(file),
		ConfigFiles: []types.ConfigFile{{Filename: file}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return project
}

// replaceAddresses gives every container a port of this machine. What a service publishes has to be what it listens on.
func replaceAddresses(t *testing.T, project *types.Project) *strings.Replacer {
	t.Helper()
	ports := map[string]string{"queue": "8123", "worker": "8080", "api": "8080"}
	if len(project.Services) != len(ports) {
		t.Fatalf("the services are %v, want %v", project.ServiceNames(), ports)
	}
	var pairs []string
	for name, port := range ports {
		address := freeAddress(t)
		pairs = append(pairs, name+":"+port, address)
		if name == "queue" {
			pairs = append(pairs, "0.0.0.0:"+port, address)
		}
		for _, published := range project.Services[name].Ports {
			if fmt.Sprint(published.Target) != port || published.HostIP != "127.0.0.1" {
				t.Errorf("%s publishes %d on %q, want its port %s on 127.0.0.1 only", name, published.Target, published.HostIP, port)
			}
		}
	}
	return strings.NewReplacer(pairs...)
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// build runs the instructions of a service's Dockerfile in folders in place of images, and returns the entry point of
// the last one.
func build(t *testing.T, config types.ServiceConfig) []string {
	t.Helper()
	file := config.Build.Dockerfile
	if !filepath.IsAbs(file) {
		file = filepath.Join(config.Build.Context, file)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	images := map[string]*image{"": {dir: config.Build.Context}}
	var last *image
	for line := range strings.Lines(string(text)) {
		instruction, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch instruction {
		case "", "#":
		case "FROM":
			last = &image{dir: t.TempDir()}
			if _, name, ok := strings.Cut(rest, " AS "); ok {
				images[name] = last
			}
		default:
			last.run(t, images, instruction, rest, config.Build.Args)
		}
	}
	if last.entryPoint == nil {
		t.Fatalf("%s has no entry point", file)
	}
	return last.entryPoint
}

// An image is a folder in which instructions of a Dockerfile are run.
type image struct {
	dir        string // in place of /
	workDir    string
	env        []string
	entryPoint []string
}

// place returns where a path of the image is.
func (i *image) place(name string) string {
	if !path.IsAbs(name) {
		name = path.Join("/", i.workDir, name)
	}
	return filepath.Join(i.dir, filepath.FromSlash(name))
}

func (i *image) run(t *testing.T, images map[string]*image, instruction, rest string, args types.MappingWithEquals) {
	t.Helper()
	switch instruction {
	case "WORKDIR":
		i.workDir = rest
		if err := os.MkdirAll(i.place("."), 0o755); err != nil {
			t.Fatal(err)
		}
	case "ARG":
		if args[rest] == nil {
			t.Fatalf("ARG %s has no value", rest)
		}
		i.env = append(i.env, rest+"="+*args[rest])
	case "COPY":
		words := strings.Fields(rest)
		stage, isStage := strings.CutPrefix(words[0], "--from=")
		if isStage {
			words = words[1:]
		}
		from := images[stage]
		if !isStage {
			from = images[""]
		}
		last := len(words) - 1
		for _, source := range words[:last] {
			copyFiles(t, from, source, i.place(words[last]), !isStage)
		}
	case "RUN":
		shell := exec.CommandContext(t.Context(), "sh", "-c", strings.ReplaceAll(rest, " /program", " "+i.place("/program")))
		shell.Dir = i.place(".")
		shell.Env = append(os.Environ(), i.env...)
		if out, err := shell.CombinedOutput(); err != nil {
			t.Fatalf("RUN %s: %v\n%s", rest, err, out)
		}
	case "ENTRYPOINT":
		if err := json.Unmarshal([]byte(rest), &i.entryPoint); err != nil {
			t.Fatalf("ENTRYPOINT %s: %v; without a list, a shell gets the signals", rest, err)
		}
		i.entryPoint[0] = i.place(i.entryPoint[0])
	default:
		t.Fatalf("this test does not know the instruction %s", instruction)
	}
}

// copyFiles copies a file of an image, or of the context, which is this checkout.
func copyFiles(t *testing.T, from *image, source, dest string, isContext bool) {
	t.Helper()
	copyOne := func(name, dest string) {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(dest), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(dest, content, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	switch {
	case isContext && source == ".":
		list := exec.CommandContext(t.Context(), "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
		list.Dir = from.dir
		out, err := list.Output()
		if err != nil {
			t.Fatal(err)
		}
		for name := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
			if _, err := os.Lstat(filepath.Join(from.dir, name)); err == nil { // it may be deleted and not committed
				copyOne(filepath.Join(from.dir, name), filepath.Join(dest, name))
			}
		}
	case isContext:
		copyOne(filepath.Join(from.dir, source), filepath.Join(dest, source))
	default:
		copyOne(from.place(source), dest)
	}
}

// A service is a program that runs as its container would.
type service struct {
	cmd   *exec.Cmd
	lines chan string
	log   strings.Builder
}

func startService(t *testing.T, config types.ServiceConfig, entryPoint []string, addresses *strings.Replacer) *service {
	t.Helper()
	args := slices.Concat(entryPoint[1:], []string(config.Command))
	for i := range args {
		args[i] = addresses.Replace(args[i])
	}
	s := &service{cmd: exec.Command(entryPoint[0], args...), lines: make(chan string, 1000)}
	_, port, _ := net.SplitHostPort(addresses.Replace(config.Name + ":8080"))
	s.cmd.Env = append(os.Environ(), "PORT="+port) // which every container has for itself, and this machine once
	for name, value := range config.Environment {
		s.cmd.Env = append(s.cmd.Env, name+"="+addresses.Replace(*value))
	}
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	s.cmd.Stdout, s.cmd.Stderr = in, in
	err = s.cmd.Start()
	in.Close()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(s.lines)
		defer out.Close()
		content := make([]byte, 64<<10)
		for {
			n, err := out.Read(content)
			if err != nil {
				return
			}
			s.lines <- string(content[:n])
		}
	}()
	t.Cleanup(func() {
		s.cmd.Process.Kill()
		s.cmd.Wait()
	})
	return s
}

func (s *service) waitFor(t *testing.T, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for !strings.Contains(s.log.String(), text) {
		select {
		case lines, ok := <-s.lines:
			if !ok {
				t.Fatalf("%s has ended without %q; it printed:\n%s", s.cmd, text, s.log.String())
			}
			s.log.WriteString(lines)
		case <-ctx.Done():
			t.Fatalf("%s has not printed %q, but:\n%s", s.cmd, text, s.log.String())
		}
	}
}

// stop ends it as docker stop does, and reads what it prints until it has ended.
func (s *service) stop(t *testing.T) {
	t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for lines := range s.lines {
		s.log.WriteString(lines)
	}
	if err := s.cmd.Wait(); err != nil {
		t.Errorf("%s ended with %v; it printed:\n%s", s.cmd, err, s.log.String())
	}
}
