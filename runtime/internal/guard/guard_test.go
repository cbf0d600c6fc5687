package guard

import (
	"net/http/httptest"
	"strings"
	"testing"
)

func TestCheckHost(t *testing.T) {
	t.Parallel()
	g := New("Queue.Example.com", "")
	for _, host := range []string{
		"localhost", "localhost:8123", "LOCALHOST:8123", "localhost.:8123", "app.localhost:8123", "127.0.0.1:8123", "[::1]:8123", "[::1]", "::1",
		"10.1.2.3:8123", "192.168.0.7", "[fe80::1%25eth0]:8123", "queue:8123", "my_queue:8123", "host.docker.internal:8123",
		"gateway.docker.internal", "queue.test:80", "queue.ns.svc:8123", "queue.ns.svc.cluster.local:8123", "queue.example.com", "QUEUE.example.com.:1", "",
	} {
		if err := g.CheckHost(host); err != nil {
			t.Errorf("%q: %v", host, err)
		}
	}
	for _, host := range []string{
		"evil.example", "evil.example:8123", "localhost.evil.example:8123", "127.0.0.1.evil.example", "evil-localhost.com", "x.queue.example.com",
		"notlocalhost.org", "svc.evil.example", "1.2.3.4.5", "evil.internal.example:8123", "evil.local:8123", ".example", "[evil.example]:1",
	} {
		if err := g.CheckHost(host); err == nil || !strings.Contains(err.Error(), "-allow-host") {
			t.Errorf("%q: %v, want an error that names -allow-host", host, err)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	g := New()
	const own, other = "http://localhost:8123", "https://evil.example"
	tests := []struct {
		name, method, origin, site, mode string
		api, page                        bool // whether they answer
	}{
		{"a program", "POST", "", "", "", true, true},
		{"a program reads", "GET", "", "", "", true, true},
		{"the page itself", "POST", own, "same-origin", "cors", true, true},
		{"an address that was typed", "GET", "", "none", "navigate", true, true},
		{"a link elsewhere", "GET", "", "cross-site", "navigate", false, true},
		{"a link on another port", "GET", "", "same-site", "navigate", false, true},
		{"a form elsewhere", "POST", other, "cross-site", "navigate", false, false},
		{"a script elsewhere", "GET", other, "cross-site", "cors", false, false},
		{"an image elsewhere", "GET", "", "cross-site", "no-cors", false, false},
		{"a script on another port", "GET", "", "same-site", "no-cors", false, false},
		{"an old browser's script", "GET", other, "", "", false, false},
		{"an old browser's form", "POST", other, "", "", false, false},
	}
	for _, test := range tests {
		r := httptest.NewRequest(test.method, own+"/", nil)
		for key, value := range map[string]string{"Origin": test.origin, "Sec-Fetch-Site": test.site, "Sec-Fetch-Mode": test.mode} {
			if value != "" {
				r.Header.Set(key, value)
			}
		}
		if err := g.Check(r); (err == nil) != test.api {
			t.Errorf("%s: Check: %v", test.name, err)
		}
		if err := g.CheckPage(r); (err == nil) != test.page {
			t.Errorf("%s: CheckPage: %v", test.name, err)
		}
		if err := g.Check(r.WithContext(Checked(r.Context()))); err != nil {
			t.Errorf("%s: Check of what has been checked: %v", test.name, err)
		}
	}
}
