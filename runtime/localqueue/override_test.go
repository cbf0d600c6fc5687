package localqueue_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// roundTripper hears where a task is sent, and answers 200.
type roundTripper func(*http.Request)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	f(r)
	return &http.Response{StatusCode: 200, Body: http.NoBody, Header: http.Header{}, Request: r}, nil
}

// tokens makes tokens that say what they are for.
type tokens struct{}

func (tokens) IDToken(_ context.Context, account, audience string) (string, error) {
	return "id " + account + " " + audience, nil
}

func (tokens) AccessToken(_ context.Context, account, scope string) (string, error) {
	return "access " + account + " " + scope, nil
}

func TestURIOverride(t *testing.T) {
	t.Parallel()
	const task = "http://task.example:81/a/b?c=d"
	scheme := func(s resource.Scheme) resource.URIOverride { return resource.URIOverride{Scheme: &s} }
	everything := func(mode resource.OverrideMode) resource.URIOverride {
		return resource.URIOverride{
			Scheme: new(resource.SchemeHTTPS), Host: new("queue.example"), Port: new(int64(82)), Path: new("/q"), Query: new("r=s"), Mode: mode,
		}
	}
	for _, test := range []struct {
		name, task string
		override   resource.URIOverride
		want       string
	}{
		{"nothing", task, resource.URIOverride{}, task},
		{"https", task, scheme(resource.SchemeHTTPS), "https://task.example:81/a/b?c=d"},
		{"http", "https://task.example/", scheme(resource.SchemeHTTP), "http://task.example/"},
		{"a scheme that is not said", task, scheme(resource.SchemeUnspecified), "https://task.example:81/a/b?c=d"},
		{"host", task, resource.URIOverride{Host: new("queue.example")}, "http://queue.example:81/a/b?c=d"},
		{"host with port", task, resource.URIOverride{Host: new("queue.example:9")}, "http://queue.example:9/a/b?c=d"},
		{"IPv6", task, resource.URIOverride{Host: new("[::1]"), Port: new(int64(9))}, "http://[::1]:9/a/b?c=d"},
		{"port", task, resource.URIOverride{Port: new(int64(82))}, "http://task.example:82/a/b?c=d"},
		{"no port", task, resource.URIOverride{Port: new(int64(0))}, "http://task.example/a/b?c=d"},
		{"path", task, resource.URIOverride{Path: new("/x%20y/%2F")}, "http://task.example:81/x%20y/%2F?c=d"},
		{"path without a slash", task, resource.URIOverride{Path: new("x")}, "http://task.example:81/x?c=d"},
		{"no path", task, resource.URIOverride{Path: new("")}, "http://task.example:81?c=d"},
		{"query", task, resource.URIOverride{Query: new("e=f&g")}, "http://task.example:81/a/b?e=f&g"},
		{"no query", task, resource.URIOverride{Query: new("")}, "http://task.example:81/a/b"},
		{"always", task, everything(resource.OverrideAlways), "https://queue.example:82/q?r=s"},
		{"where nothing is, and all is", task, everything(resource.OverrideIfNotExists), task},
		{"where nothing is", "http://task.example", everything(resource.OverrideIfNotExists), "http://task.example:82/q?r=s"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var got string
			s := newService(t, localqueue.WithVirtualClock(start), localqueue.WithTransport(roundTripper(func(r *http.Request) { got = r.URL.String() })),
				localqueue.WithQueues(resource.Queue{Name: queueName, HTTPTarget: &resource.HTTPTarget{URI: &test.override}}))
			name := add(t, s, &resource.Task{HTTP: &resource.HTTPRequest{URL: test.task}}).Name
			if stored, err := s.GetTask(t.Context(), name, resource.ViewBasic); err != nil || stored.HTTP.URL != test.task {
				t.Errorf("stored: %+v, %v", stored, err)
			}
			if _, err := s.RunDue(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got != test.want {
				t.Errorf("sent to %s, want %s", got, test.want)
			}
		})
	}
}

// What the queue overrides applies to the tasks that wait in it.
func TestHTTPTargetAppliesWhenATaskIsAttempted(t *testing.T) {
	t.Parallel()
	type request struct {
		method, body string
		header       http.Header
	}
	var got request
	s := newService(t, localqueue.WithVirtualClock(start), localqueue.WithTokenSource(tokens{}),
		localqueue.WithTransport(roundTripper(func(r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			got = request{r.Method, string(body), http.Header{}}
			for _, key := range []string{"Authorization", "A", "b", "Kept", "User-Agent", "X-CloudTasks-TaskName", "X-AppEngine-X", "Host"} {
				if values, ok := r.Header[key]; ok {
					got.header[key] = values
				}
			}
		})))
	if _, err := s.PauseQueue(t.Context(), queueName); err != nil {
		t.Fatal(err)
	}
	send := func(target *resource.HTTPTarget) request {
		t.Helper()
		task := httpTask()
		task.Name = queueName + "/tasks/" + s.Now().Format("t150405")
		task.HTTP.Header = map[string]string{"a": "task", "Kept": "task", "Authorization": "task"}
		task.HTTP.OIDC = &resource.OIDCToken{ServiceAccount: "task"}
		add(t, s, task)
		if _, err := s.UpdateQueue(t.Context(), &resource.Queue{Name: queueName, HTTPTarget: target}, []string{"http_target"}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.RunTask(t.Context(), task.Name, resource.ViewBasic); err != nil {
			t.Fatal(err)
		}
		if err := s.Advance(time.Second); err != nil {
			t.Fatal(err)
		}
		return got
	}
	name := func(second string) []string { return []string{"t1200" + second} }
	agent := []string{"Google-Cloud-Tasks"}
	for _, test := range []struct {
		name   string
		target *resource.HTTPTarget
		want   request
	}{
		{"none", nil, request{"POST", "{}", http.Header{
			"Authorization": {"Bearer id task http://localhost/tasks/X"}, "Kept": {"task"}, "User-Agent": agent, "X-CloudTasks-TaskName": name("00"),
		}}},
		{"method and headers", &resource.HTTPTarget{Method: "GET", Header: []resource.HeaderOverride{
			{Key: "A", Value: "queue"}, {Key: "b", Value: "queue"}, {Key: "User-Agent", Value: "x"}, {Key: "X-CloudTasks-TaskName", Value: "x"},
			{Key: "X-AppEngine-X", Value: "x"}, {Key: "Host", Value: "x"},
		}}, request{"GET", "", http.Header{
			"Authorization": {"Bearer id task http://localhost/tasks/X"}, "A": {"queue"}, "b": {"queue"}, "Kept": {"task"}, "User-Agent": agent, "X-CloudTasks-TaskName": name("01"),
		}}},
		{"oidc", &resource.HTTPTarget{Method: "PATCH", OIDC: &resource.OIDCToken{ServiceAccount: "queue", Audience: "aud"}}, request{"PATCH", "{}", http.Header{
			"Authorization": {"Bearer id queue aud"}, "Kept": {"task"}, "User-Agent": agent, "X-CloudTasks-TaskName": name("02"),
		}}},
		{"oauth", &resource.HTTPTarget{OAuth: &resource.OAuthToken{ServiceAccount: "queue", Scope: "s"}}, request{"POST", "{}", http.Header{
			"Authorization": {"Bearer access queue s"}, "Kept": {"task"}, "User-Agent": agent, "X-CloudTasks-TaskName": name("03"),
		}}},
		{"audience of the overridden URL", &resource.HTTPTarget{URI: &resource.URIOverride{Host: new("h")}}, request{"POST", "{}", http.Header{
			"Authorization": {"Bearer id task http://h/tasks/X"}, "Kept": {"task"}, "User-Agent": agent, "X-CloudTasks-TaskName": name("04"),
		}}},
	} {
		if diff := cmp.Diff(test.want, send(test.target), cmp.AllowUnexported(request{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestUpdateMaskOfTargets(t *testing.T) {
	t.Parallel()
	s := newVirtual(t, answer(200))
	full := func() *resource.Queue {
		return &resource.Queue{
			Name: queueName,
			HTTPTarget: &resource.HTTPTarget{
				URI: &resource.URIOverride{
					Scheme: new(resource.SchemeHTTP), Host: new("h"), Port: new(int64(1)), Path: new("/p"), Query: new("q"), Mode: resource.OverrideAlways,
				},
				Method: "PUT", Header: []resource.HeaderOverride{{Key: "A", Value: "b"}}, OIDC: &resource.OIDCToken{ServiceAccount: "a", Audience: "b"},
			},
			AppEngineRouting: &resource.AppEngineRouting{Service: "s", Version: "v", Instance: "i", Host: "i.v.s.demo.appspot.com"},
		}
	}
	other := &resource.Queue{
		Name: queueName,
		HTTPTarget: &resource.HTTPTarget{
			URI:  &resource.URIOverride{Host: new("h2"), Port: new(int64(2)), Path: new("/p2"), Query: new("q2"), Mode: resource.OverrideIfNotExists},
			OIDC: &resource.OIDCToken{ServiceAccount: "a2", Audience: "b2"},
		},
		AppEngineRouting: &resource.AppEngineRouting{Service: "s2"},
	}
	uri := func(change func(*resource.URIOverride)) func(*resource.Queue) {
		return func(q *resource.Queue) { change(q.HTTPTarget.URI) }
	}
	for path, change := range map[string]func(want *resource.Queue){
		"http_target":                                          func(q *resource.Queue) { q.HTTPTarget = other.HTTPTarget },
		"http_target.uri_override":                             func(q *resource.Queue) { q.HTTPTarget.URI = other.HTTPTarget.URI },
		"http_target.uri_override.scheme":                      uri(func(u *resource.URIOverride) { u.Scheme = nil }),
		"http_target.uri_override.host":                        uri(func(u *resource.URIOverride) { u.Host = new("h2") }),
		"http_target.uri_override.port":                        uri(func(u *resource.URIOverride) { u.Port = new(int64(2)) }),
		"http_target.uri_override.path_override":               uri(func(u *resource.URIOverride) { u.Path = new("/p2") }),
		"http_target.uri_override.path_override.path":          uri(func(u *resource.URIOverride) { u.Path = new("/p2") }),
		"http_target.uri_override.query_override":              uri(func(u *resource.URIOverride) { u.Query = new("q2") }),
		"http_target.uri_override.query_override.query_params": uri(func(u *resource.URIOverride) { u.Query = new("q2") }),
		"http_target.uri_override.uri_override_enforce_mode":   uri(func(u *resource.URIOverride) { u.Mode = resource.OverrideIfNotExists }),
		"http_target.http_method":                              func(q *resource.Queue) { q.HTTPTarget.Method = "" },
		"http_target.header_overrides":                         func(q *resource.Queue) { q.HTTPTarget.Header = nil },
		"http_target.oidc_token":                               func(q *resource.Queue) { q.HTTPTarget.OIDC = other.HTTPTarget.OIDC },
		"http_target.oidc_token.service_account_email":         func(q *resource.Queue) { q.HTTPTarget.OIDC.ServiceAccount = "a2" },
		"http_target.oidc_token.audience":                      func(q *resource.Queue) { q.HTTPTarget.OIDC.Audience = "b2" },
		"app_engine_routing_override": func(q *resource.Queue) {
			q.AppEngineRouting = &resource.AppEngineRouting{Service: "s2", Host: "s2.demo.appspot.com"}
		},
		"app_engine_routing_override.service": func(q *resource.Queue) {
			q.AppEngineRouting.Service, q.AppEngineRouting.Host = "s2", "i.v.s2.demo.appspot.com"
		},
		"app_engine_routing_override.version": func(q *resource.Queue) {
			q.AppEngineRouting.Version, q.AppEngineRouting.Host = "", "i.s.demo.appspot.com"
		},
		"app_engine_routing_override.instance": func(q *resource.Queue) {
			q.AppEngineRouting.Instance, q.AppEngineRouting.Host = "", "v.s.demo.appspot.com"
		},
		"app_engine_routing_override.host": func(*resource.Queue) {},
	} {
		if _, err := s.UpdateQueue(t.Context(), full(), nil); err != nil {
			t.Fatal(err)
		}
		want := full()
		change(want)
		got, err := s.UpdateQueue(t.Context(), other, []string{path})
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if diff := cmp.Diff(want.HTTPTarget, got.HTTPTarget); diff != "" {
			t.Errorf("%s: HTTP target (-want +got):\n%s", path, diff)
		}
		if diff := cmp.Diff(want.AppEngineRouting, got.AppEngineRouting); diff != "" {
			t.Errorf("%s: routing (-want +got):\n%s", path, diff)
		}
	}
	oauth := &resource.Queue{Name: queueName, HTTPTarget: &resource.HTTPTarget{OAuth: &resource.OAuthToken{ServiceAccount: "a", Scope: "s"}}}
	got, err := s.UpdateQueue(t.Context(), oauth, []string{"http_target.oauth_token.service_account_email", "http_target.oauth_token.scope"})
	if err != nil || got.HTTPTarget.OIDC != nil || *got.HTTPTarget.OAuth != *oauth.HTTPTarget.OAuth {
		t.Errorf("from OIDC to OAuth: %+v, %v", got, err)
	}
	_, err = s.UpdateQueue(t.Context(), &resource.Queue{Name: queueName}, []string{"http_target.oidc_token.audience"})
	wantStatus(t, err, cloudtask.InvalidArgument, "HttpTarget.oidcToken must have both serviceAccountEmail and audience.")
	cleared, err := s.UpdateQueue(t.Context(), &resource.Queue{Name: queueName}, nil)
	if err != nil || cleared.HTTPTarget != nil || cleared.AppEngineRouting != nil {
		t.Errorf("an update of everything with nothing: %+v, %v", cleared, err)
	}
}
