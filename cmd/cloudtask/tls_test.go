package main

import (
	"bytes"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/cmd/internal/cli"
)

// pemFile writes the server's certificate to a PEM file, after another block.
func pemFile(t *testing.T, server *httptest.Server) string {
	t.Helper()
	var data bytes.Buffer
	data.WriteString("the certificate of a test\n")
	for _, block := range []*pem.Block{{Type: "EC PARAMETERS", Bytes: []byte{6}}, {Type: "CERTIFICATE", Bytes: server.Certificate().Raw}} {
		if err := pem.Encode(&data, block); err != nil {
			t.Fatal(err)
		}
	}
	return writeFile(t, "ca.pem", data.String())
}

// Tasks are delivered to a server with an untrusted certificate only if a flag allows it.
func TestDevTrusts(t *testing.T) {
	t.Parallel()
	received := make(chan string, 100)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { received <- r.URL.Path }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that fail
	server.StartTLS()
	defer server.Close()
	ca := pemFile(t, server)
	for name, args := range map[string][]string{"ca": {"-ca", ca}, "insecure": {"-insecure-skip-tls-verify"}, "none": nil} {
		p := startDev(t, append([]string{"-listen", "127.0.0.1:0"}, args...)...)
		if err := createTask(t, p.client(t), "projects/p/locations/l/queues/q", server.URL+"/"+name); err != nil {
			t.Fatal(err)
		}
		if name == "none" {
			answer := ""
			for end := time.Now().Add(10 * time.Second); !strings.Contains(answer, "503"); time.Sleep(10 * time.Millisecond) {
				if answer = p.get(t, "/v2/projects/p/locations/l/queues/q/tasks"); time.Now().After(end) {
					t.Fatalf("without a flag: %s", answer)
				}
			}
			continue
		}
		select {
		case got := <-received:
			if got != "/"+name {
				t.Errorf("%s: received %s", name, got)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s: not delivered; standard error:\n%s", name, p.stderr)
		}
		if warned := strings.Contains(p.stderr.String(), "TLS certificates are not verified"); warned != (name == "insecure") {
			t.Errorf("%s: standard error:\n%s", name, p.stderr)
		}
	}
}

// get returns the response to a GET.
func (p *process) get(t *testing.T, path string) string {
	t.Helper()
	resp, err := http.Get("http://" + p.host + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestReplayTrusts(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(work))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that fail
	server.StartTLS()
	defer server.Close()
	ca := pemFile(t, server)
	task := writeFile(t, "a.json", `{"name": "t", "method": "POST", "url": "https://app.example/tasks/X", "headers": {}, "payload": {}}`)
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"-ca", ca}, cli.ExitOK, "200 OK"},
		{[]string{"-insecure-skip-tls-verify"}, cli.ExitOK, "200 OK"},
		{nil, 1, "certificate signed by unknown authority"},
		{[]string{"-insecure-skip-tls-verify", "-ca", ca}, cli.ExitUsage, "cannot be combined"},
	} {
		cmd := cloudtaskCommand(t, append([]string{"replay", task, "-to", server.URL}, test.args...)...)
		out, _ := cmd.CombinedOutput() // its exit code tells
		if code := cmd.ProcessState.ExitCode(); code != test.code || !strings.Contains(string(out), test.want) {
			t.Errorf("%v: exit code %d, want %d and %q; printed:\n%s", test.args, code, test.code, test.want, out)
		}
	}
}

func TestBadCertificates(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]string{
		"": "no certificate found", "nonsense": "no certificate found",
		"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n": "no certificate found",
		"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n": "certificate 1: x509: ",
	} {
		name := writeFile(t, "bad.pem", content)
		for _, args := range [][]string{{"dev", "-listen", "127.0.0.1:0", "-ca", name}, {"replay", "x.json", "-ca", name}} {
			cmd := cloudtaskCommand(t, args...)
			out, _ := cmd.CombinedOutput()
			if code := cmd.ProcessState.ExitCode(); code != cli.ExitUsage || !strings.Contains(string(out), want) || !strings.Contains(string(out), name) {
				t.Errorf("%q of %s: exit code %d, want %q; printed:\n%s", content, args[0], code, want, out)
			}
		}
	}
	cmd := cloudtaskCommand(t, "dev", "-ca", "absent.pem")
	if out, _ := cmd.CombinedOutput(); cmd.ProcessState.ExitCode() != cli.ExitUsage || !strings.Contains(string(out), "absent.pem: no such file") {
		t.Errorf("a file that is not there: %s", out)
	}
}
