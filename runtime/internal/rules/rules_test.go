package rules_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
)

func TestNames(t *testing.T) {
	const location = "projects/queues:a.b/locations/tasks"
	const queue = location + "/queues/queues"
	for name, want := range map[string]bool{
		queue + "/tasks/tasks":                       true,
		queue + "/tasks/" + strings.Repeat("_", 500): true,
		queue + "/tasks/" + strings.Repeat("_", 501): false,
		queue + "/tasks/":                            false,
		queue + "/tasks/a/b":                         false,
		queue + "/tasks/a.b":                         false,
		queue:                                        false,
		location + "/queues/a_b/tasks/t":             false,
		location + "/queues/" + strings.Repeat("q", 100) + "/tasks/t": true,
		location + "/queues/" + strings.Repeat("q", 101) + "/tasks/t": false,
		"projects//locations/l/queues/q/tasks/t":                      false,
		"projects/p/locations/l.m/queues/q/tasks/t":                   false,
		"projects/p_q/locations/l/queues/q/tasks/t":                   false,
		"/" + queue + "/tasks/t":                                      false,
		"":                                                            false,
	} {
		if _, _, ok := rules.SplitTask(name); ok != want {
			t.Errorf("SplitTask(%q): %v, want %v", name, ok, want)
		}
	}
	if q, id, ok := rules.SplitTask(queue + "/tasks/t"); q != queue || id != "t" || !ok {
		t.Errorf("SplitTask: %q, %q, %v", q, id, ok)
	}
	if l, id, ok := rules.SplitQueue(queue); l != location || id != "queues" || !ok {
		t.Errorf("SplitQueue: %q, %q, %v", l, id, ok)
	}
	if project, id, ok := rules.SplitLocation(location); project != "queues:a.b" || id != "tasks" || !ok {
		t.Errorf("SplitLocation: %q, %q, %v", project, id, ok)
	}
	if q, id, ok := rules.CutTask(queue + "/tasks/a/b"); q != queue || id != "a/b" || !ok {
		t.Errorf("CutTask: %q, %q, %v", q, id, ok)
	}
	for name, want := range map[string]string{queue: "queues", "x": "x", "x/": "", "": ""} {
		if got := rules.Last(name); got != want {
			t.Errorf("Last(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestHeaders(t *testing.T) {
	for name, key := range map[string]string{
		rules.HeaderQueueName: rules.KeyQueueName, rules.HeaderTaskName: rules.KeyTaskName, rules.HeaderRetryCount: rules.KeyRetryCount,
		rules.HeaderExecutionCount: rules.KeyExecutionCount, rules.HeaderETA: rules.KeyETA,
		rules.HeaderPreviousResponse: rules.KeyPreviousResponse, rules.HeaderRetryReason: rules.KeyRetryReason,
	} {
		if got := rules.CanonicalKey(name); got != key || key != http.CanonicalHeaderKey(name) {
			t.Errorf("CanonicalKey(%q) = %q, want %q", name, got, http.CanonicalHeaderKey(name))
		}
		if n := testing.AllocsPerRun(10, func() { rules.CanonicalKey(name) }); n != 0 {
			t.Errorf("CanonicalKey(%q) allocates", name)
		}
	}
	for name, want := range map[string]string{
		"x-cloudtasks-TASKeta": "dispatch service", "host": "request service", "user-agent": "request service", "content-length": "request service",
		"x-google-trace": "reserved service", "X-AppEngine-Country": "reserved service", "X-Googles": "", "TE": "connection",
		"transfer-encoding": "connection", "Authorization": "", "Content-Type": "", "X-Cloudtasks-Other": "", "": "",
	} {
		var got []string
		for kind, is := range map[string]func(string) bool{
			"dispatch": rules.IsDispatchHeader, "request": rules.IsRequestHeader, "reserved": rules.IsReservedHeader, "connection": rules.IsConnectionHeader,
		} {
			if is(name) {
				got = append(got, kind)
			}
		}
		if rules.IsServiceHeader(name) {
			got = append(got, "service")
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
