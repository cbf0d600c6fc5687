package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/cloudtaskgen/cloudtaskgen/examples/services/images"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtasktest"
)

// The user hangs up before the task is enqueued, and the image gets its thumbnail all the same.
func TestThumbnailOfAUserWhoHasLeft(t *testing.T) {
	t.Parallel()
	q := cloudtasktest.New(t)
	ctx, hangUp := context.WithCancel(t.Context())
	hangUp()
	answer := httptest.NewRecorder()
	newAPI(q.Client).ServeHTTP(answer, httptest.NewRequestWithContext(ctx, "POST", "/images/cat.png", nil))

	resize := cloudtasktest.Only(t, images.EnqueuedResize(q), images.Resize{Image: "cat.png", Width: 320})
	if answer.Code != http.StatusAccepted || answer.Body.String() != resize.TaskID+"\n" {
		t.Errorf("answered %d %s, want the id of %v", answer.Code, answer.Body, resize)
	}
}
