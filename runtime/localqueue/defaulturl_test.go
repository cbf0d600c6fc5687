package localqueue_test

import (
	"testing"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// The most specific default counts, and only for tasks that have no URL.
func TestDefaultURL(t *testing.T) {
	t.Parallel()
	const parent = "projects/demo/locations/us-central1/queues/"
	s := newVirtual(t, answer(200), localqueue.WithDefaultURL("", "http://h/{project}/{location}/{queue}"),
		localqueue.WithDefaultURL("resize", "https://resize/{queue}?x=1"), localqueue.WithDefaultURL(parent+"mail", "http://mail"))
	for _, test := range []struct{ queue, url, want string }{
		{parent + "digest", "", "http://h/demo/us-central1/digest"},
		{parent + "resize", "", "https://resize/resize?x=1"},
		{"projects/other/locations/l/queues/resize", "", "https://resize/resize?x=1"},
		{parent + "mail", "", "http://mail"},
		{"projects/other/locations/l/queues/mail", "", "http://h/other/l/mail"},
		{parent + "digest", "http://own/{queue}", "http://own/{queue}"},
	} {
		given := &resource.Task{HTTP: &resource.HTTPRequest{URL: test.url}}
		task, err := s.CreateTask(t.Context(), test.queue, given)
		if err != nil || task.HTTP.URL != test.want {
			t.Errorf("%q in %s: %v, %v; want %s", test.url, test.queue, task, err, test.want)
		}
		if given.HTTP.URL != test.url {
			t.Errorf("the caller's task has the URL %s now", given.HTTP.URL)
		}
	}
	batch, err := s.BatchCreateTasks(t.Context(), parent+"digest", "", []*resource.Task{{HTTP: &resource.HTTPRequest{}}})
	if err != nil || batch.Results[0].Task.HTTP.URL != "http://h/demo/us-central1/digest" {
		t.Errorf("in a batch: %v, %v", batch, err)
	}
	none := newVirtual(t, answer(200), localqueue.WithDefaultURL("resize", "http://h"))
	_, err = none.CreateTask(t.Context(), parent+"digest", &resource.Task{HTTP: &resource.HTTPRequest{}})
	wantStatus(t, err, cloudtask.InvalidArgument, "HttpRequest.url is required.")
}
