package emulator_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write discovery.json anew")

// The document that is served is the one that came with Google's own client, and every method in it is one that the
// service has.
func TestDiscoveryDocument(t *testing.T) {
	t.Parallel()
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "google.golang.org/api").Output()
	if err != nil {
		t.Fatal(err)
	}
	published, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "cloudtasks", "v2", "cloudtasks-api.json"))
	if err != nil {
		t.Fatal(err)
	}
	want := bare(t, published)
	if *update {
		written, err := json.MarshalIndent(want, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("discovery.json", append(written, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}

	e := fresh(t, setup{})
	resp, body := exchange{path: "/$discovery/rest?version=v2"}.do(t, e.addr)
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "application/json; charset=UTF-8" {
		t.Fatalf("%s, %s\n%s", resp.Status, resp.Header.Get("Content-Type"), body)
	}
	var served map[string]any
	if err := json.Unmarshal([]byte(body), &served); err != nil {
		t.Fatal(err)
	}
	root := "http://" + e.addr + "/"
	want["rootUrl"], want["baseUrl"] = root, root
	if diff := cmp.Diff(want, served); diff != "" {
		t.Errorf("published (-), served (+); go test -run TestDiscoveryDocument -update writes it anew:\n%s", diff)
	}

	methods := 0
	eachMethod(served, func(method map[string]any) {
		methods++
		path := strings.NewReplacer("{projectsId}", "p", "{locationsId}", "l", "{queuesId}", "q", "{tasksId}", "t", "{taskId}", "t", "{operationsId}", "o").
			Replace(method["flatPath"].(string))
		req, err := http.NewRequestWithContext(t.Context(), method["httpMethod"].(string), root+path, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(answer, []byte("was not found on this server")) {
			t.Errorf("%s is no method of the service: %s", method["id"], answer)
		}
	})
	if methods < 24 {
		t.Errorf("%d methods, want the 24 of the API", methods)
	}
	for _, x := range []exchange{
		{path: "/$discovery/rest?version=v2beta3", status: 404, message: "The requested URL /$discovery/rest was not found on this server for method GET."},
		{method: "POST", path: "/$discovery/rest", status: 404, message: "The requested URL /$discovery/rest was not found on this server for method POST."},
	} {
		x.check(t, e.addr)
	}
}

// bare returns a discovery document without prose, and without what only Google has.
func bare(t *testing.T, document []byte) map[string]any {
	t.Helper()
	var all map[string]any
	if err := json.Unmarshal(document, &all); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"rootUrl", "baseUrl", "mtlsRootUrl", "endpoints", "batchPath", "icons"} {
		delete(all, key)
	}
	return withoutProse(all).(map[string]any)
}

func withoutProse(value any) any {
	switch v := value.(type) {
	case map[string]any:
		delete(v, "enumDescriptions")
		if _, text := v["description"].(string); text {
			delete(v, "description")
		}
		for key := range v {
			v[key] = withoutProse(v[key])
		}
	case []any:
		for i := range v {
			v[i] = withoutProse(v[i])
		}
	}
	return value
}

// eachMethod calls f for the methods of a document, or of a resource in one.
func eachMethod(node map[string]any, f func(map[string]any)) {
	methods, _ := node["methods"].(map[string]any)
	for _, m := range methods {
		f(m.(map[string]any))
	}
	resources, _ := node["resources"].(map[string]any)
	for _, r := range resources {
		eachMethod(r.(map[string]any), f)
	}
}
