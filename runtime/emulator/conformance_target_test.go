package emulator_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/google/go-cmp/cmp"
)

// serveHTTP starts a server for the test and returns its URL.
func serveHTTP(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// targetCases are those of what a queue's http_target does to the requests of its tasks.
func targetCases() cases {
	all := cases{
		"2.5/applies to tasks that wait": func(t *testing.T) {
			p := play(t, always(200))
			p.pause(t)
			name := p.create(t, httpTask(p.url+"/task", "")).GetName()
			p.setTarget(t, &cloudtaskspb.HttpTarget{UriOverride: &cloudtaskspb.UriOverride{PathOverride: &cloudtaskspb.PathOverride{Path: "/queue"}}})
			if got := p.get(t, name).GetHttpRequest().GetUrl(); got != p.url+"/task" {
				t.Errorf("stored url %q", got)
			}
			p.resume(t)
			p.run(t, 0)
			if len(p.seen) != 1 || p.seen[0].path != "/queue" {
				t.Errorf("received %+v", p.seen)
			}
		},
		"2.5/scheme unspecified is HTTPS": func(t *testing.T) {
			w := rawWorker(t, "")
			e := fresh(t, setup{})
			e.setTarget(t, &cloudtaskspb.HttpTarget{UriOverride: &cloudtaskspb.UriOverride{Scheme: cloudtaskspb.UriOverride_SCHEME_UNSPECIFIED.Enum()}})
			e.create(t, httpTask("http://"+w.addr, ""))
			e.run(t, 0)
			if got := <-w.received; !strings.HasPrefix(got, "\x16\x03") { // a TLS handshake
				t.Errorf("received %q", got)
			}
		},
		"2.5/scheme HTTP": func(t *testing.T) {
			p := play(t, always(200))
			p.setTarget(t, &cloudtaskspb.HttpTarget{UriOverride: &cloudtaskspb.UriOverride{Scheme: cloudtaskspb.UriOverride_HTTP.Enum()}})
			p.create(t, httpTask(strings.Replace(p.url, "http:", "https:", 1)+"/x", ""))
			if p.run(t, 0); len(p.seen) != 1 || p.seen[0].path != "/x" {
				t.Errorf("received %+v", p.seen)
			}
		},
		"2.5/host and port": func(t *testing.T) {
			p := play(t, always(200))
			u, err := url.Parse(p.url)
			if err != nil {
				t.Fatal(err)
			}
			port, err := strconv.ParseInt(u.Port(), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			p.setTarget(t, &cloudtaskspb.HttpTarget{UriOverride: &cloudtaskspb.UriOverride{Host: new(u.Hostname()), Port: &port}})
			p.create(t, httpTask("http://worker.invalid:1/x", ""))
			if p.run(t, 0); len(p.seen) != 1 || p.seen[0].host != u.Host {
				t.Errorf("received %+v", p.seen)
			}
		},
		"2.5/port 0 clears the port": func(t *testing.T) {
			e := fresh(t, setup{})
			e.setTarget(t, &cloudtaskspb.HttpTarget{UriOverride: &cloudtaskspb.UriOverride{Host: new("worker.example:8080"), Port: new(int64(0))}})
			exchange{path: queuePath + "/tasks:buffer?fields=task/httpRequest/url", body: "x", status: 200, want: `{"task": {"httpRequest": {"url": "https://worker.example"}}}`}.check(t, e.addr)
		},
		"2.5/oidc_token replaces what the task has": func(t *testing.T) {
			p := play(t, always(200))
			p.setTarget(t, &cloudtaskspb.HttpTarget{AuthorizationHeader: &cloudtaskspb.HttpTarget_OidcToken{OidcToken: &cloudtaskspb.OidcToken{ServiceAccountEmail: "queue@b", Audience: "queue"}}})
			task := p.task("")
			task.GetHttpRequest().Headers = map[string]string{"authorization": "Basic mine"}
			task.GetHttpRequest().AuthorizationHeader = &cloudtaskspb.HttpRequest_OidcToken{OidcToken: &cloudtaskspb.OidcToken{ServiceAccountEmail: "task@b", Audience: "task"}}
			p.create(t, task)
			p.run(t, 0)
			p.wantToken(t, "queue", "queue@b")
		},
		"2.5/oauth_token replaces what the task has": func(t *testing.T) {
			p := play(t, always(200))
			p.setTarget(t, &cloudtaskspb.HttpTarget{AuthorizationHeader: &cloudtaskspb.HttpTarget_OauthToken{OauthToken: &cloudtaskspb.OAuthToken{ServiceAccountEmail: "queue@b", Scope: "s"}}})
			task := p.task("")
			task.GetHttpRequest().Headers = map[string]string{"authorization": "Basic mine"}
			p.create(t, task)
			p.run(t, 0)
			if got := p.header("Authorization"); len(got) != 1 || !strings.HasPrefix(got[0], "Bearer ya29.") {
				t.Errorf("Authorization %q", got)
			}
		},
		"2.5/http_target is not for App Engine tasks": func(t *testing.T) {
			p := play(t, always(200))
			p.setTarget(t, &cloudtaskspb.HttpTarget{UriOverride: &cloudtaskspb.UriOverride{PathOverride: &cloudtaskspb.PathOverride{Path: "/queue"}}, HttpMethod: cloudtaskspb.HttpMethod_GET})
			p.create(t, appEngineTask(&cloudtaskspb.AppEngineHttpRequest{RelativeUri: "/app"}))
			if p.run(t, 0); len(p.seen) != 1 || p.seen[0].path != "/app" || p.seen[0].method != "POST" {
				t.Errorf("received %+v", p.seen)
			}
		},
		"2.5/BufferTask":                 testBufferTask,
		"2.5/BufferTask that is refused": testBufferTaskRefusals,
	}
	type sent struct{ Method, URI, Body, A, B string }
	header := func(key, value string) *cloudtaskspb.HttpTarget_HeaderOverride {
		return &cloudtaskspb.HttpTarget_HeaderOverride{Header: &cloudtaskspb.HttpTarget_Header{Key: key, Value: value}}
	}
	path := func(path string) *cloudtaskspb.PathOverride { return &cloudtaskspb.PathOverride{Path: path} }
	query := func(query string) *cloudtaskspb.QueryOverride { return &cloudtaskspb.QueryOverride{QueryParams: query} }
	const ifNotExists = cloudtaskspb.UriOverride_IF_NOT_EXISTS
	for name, test := range map[string]struct {
		target *cloudtaskspb.HttpTarget
		uri    string // of the task
		want   sent
	}{
		"nothing":                      {&cloudtaskspb.HttpTarget{}, "/x?y=z", sent{"POST", "/x?y=z", "body", "task", ""}},
		"path":                         {&cloudtaskspb.HttpTarget{UriOverride: &cloudtaskspb.UriOverride{PathOverride: path("/q")}}, "/x?y=z", sent{"POST", "/q?y=z", "body", "task", ""}},
		"path cleared":                 {&cloudtaskspb.HttpTarget{UriOverride: &cloudtaskspb.UriOverride{PathOverride: path("")}}, "/x?y=z", sent{"POST", "/?y=z", "body", "task", ""}},
		"query":                        {&cloudtaskspb.HttpTarget{UriOverride: &cloudtaskspb.UriOverride{QueryOverride: query("q=1&r=2")}}, "/x?y=z", sent{"POST", "/x?q=1&r=2", "body", "task", ""}},
		"query cleared":                {&cloudtaskspb.HttpTarget{UriOverride: &cloudtaskspb.UriOverride{QueryOverride: query("")}}, "/x?y=z", sent{"POST", "/x", "body", "task", ""}},
		"query that has to be encoded": {&cloudtaskspb.HttpTarget{UriOverride: &cloudtaskspb.UriOverride{QueryOverride: query("q=a b")}}, "/x", sent{"POST", "/x?q=a%20b", "body", "task", ""}},
		"mode ALWAYS":                  {&cloudtaskspb.HttpTarget{UriOverride: &cloudtaskspb.UriOverride{PathOverride: path("/q"), UriOverrideEnforceMode: cloudtaskspb.UriOverride_ALWAYS}}, "/x", sent{"POST", "/q", "body", "task", ""}},
		"mode IF_NOT_EXISTS, both exist": {&cloudtaskspb.HttpTarget{UriOverride: &cloudtaskspb.UriOverride{PathOverride: path("/q"), QueryOverride: query("q=1"), UriOverrideEnforceMode: ifNotExists}}, "/x?y=z",
			sent{"POST", "/x?y=z", "body", "task", ""}},
		"mode IF_NOT_EXISTS, neither exists": {&cloudtaskspb.HttpTarget{UriOverride: &cloudtaskspb.UriOverride{PathOverride: path("/q"), QueryOverride: query("q=1"), UriOverrideEnforceMode: ifNotExists}}, "",
			sent{"POST", "/q?q=1", "body", "task", ""}},
		"mode IF_NOT_EXISTS, host and port exist": {&cloudtaskspb.HttpTarget{UriOverride: &cloudtaskspb.UriOverride{Host: new("worker.invalid"), Port: new(int64(1)), UriOverrideEnforceMode: ifNotExists}}, "/x",
			sent{"POST", "/x", "body", "task", ""}},
		"http_method PUT":                {&cloudtaskspb.HttpTarget{HttpMethod: cloudtaskspb.HttpMethod_PUT}, "/x", sent{"PUT", "/x", "body", "task", ""}},
		"http_method GET drops the body": {&cloudtaskspb.HttpTarget{HttpMethod: cloudtaskspb.HttpMethod_GET}, "/x", sent{"GET", "/x", "", "task", ""}},
		"header_overrides replace": {&cloudtaskspb.HttpTarget{HeaderOverrides: []*cloudtaskspb.HttpTarget_HeaderOverride{header("A", "queue"), header("b", "added")}}, "/x",
			sent{"POST", "/x", "body", "queue", "added"}},
	} {
		all["2.5/"+name] = func(t *testing.T) {
			p := play(t, always(200))
			p.setTarget(t, test.target)
			task := httpTask(p.url+test.uri, "body")
			task.GetHttpRequest().Headers = map[string]string{"a": "task"}
			p.create(t, task)
			p.run(t, 0)
			if len(p.seen) != 1 {
				t.Fatalf("%d requests", len(p.seen))
			}
			r := p.seen[0]
			if diff := cmp.Diff(test.want, sent{r.method, r.uri, r.body, strings.Join(r.header["A"], "|"), strings.Join(r.header["B"], "|")}); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		}
	}
	return all
}

func testOIDCToken(t *testing.T) {
	for audience, want := range map[string]string{"https://shop.example": "https://shop.example", "": "/x?y=z"} {
		p := play(t, always(200))
		task := httpTask(p.url+"/x?y=z", "")
		task.GetHttpRequest().AuthorizationHeader = &cloudtaskspb.HttpRequest_OidcToken{OidcToken: &cloudtaskspb.OidcToken{ServiceAccountEmail: "task@b", Audience: audience}}
		task.GetHttpRequest().Headers = map[string]string{"Authorization": "mine"}
		p.create(t, task)
		p.run(t, 0)
		if audience == "" {
			want = p.url + want
		}
		p.wantToken(t, want, "task@b")
	}
}

// wantToken checks the OIDC token of the only attempt, as a worker would.
func (p *played) wantToken(t *testing.T, audience, account string) {
	t.Helper()
	provider, err := oidc.NewProvider(t.Context(), "http://"+p.addr)
	if err != nil {
		t.Fatal(err)
	}
	got := p.header("Authorization")
	if len(got) != 1 || !strings.HasPrefix(got[0], "Bearer ") {
		t.Fatalf("Authorization %q", got)
	}
	raw := strings.TrimPrefix(got[0], "Bearer ")
	token, err := provider.Verifier(&oidc.Config{ClientID: audience, SkipExpiryCheck: true}).Verify(t.Context(), raw)
	if err != nil {
		t.Fatalf("audience %q: %v", audience, err)
	}
	var claims struct {
		Email    string `json:"email"`
		Verified bool   `json:"email_verified"`
	}
	if err := token.Claims(&claims); err != nil || claims.Email != account || !claims.Verified {
		t.Errorf("claims %+v, %v", claims, err)
	}
	if _, err := provider.Verifier(&oidc.Config{ClientID: "https://other.example", SkipExpiryCheck: true}).Verify(t.Context(), raw); err == nil {
		t.Error("a token for another audience verifies")
	}
}
