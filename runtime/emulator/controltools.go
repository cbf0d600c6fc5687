package emulator

import (
	"net/http"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

// locations tells where queues are: unlike Cloud Tasks, which has them in the caller's project, the embedded queue takes
// any project and location.
func (c *control) locations(r *http.Request) (any, error) {
	names := c.queue.Locations()
	if names == nil {
		names = []string{}
	}
	return map[string]any{"locations": names}, nil
}

// token makes a token like those that go with tasks, for who sends a task's request itself. Whoever can call this can
// have the queue send a task with the token, too.
func (c *control) token(r *http.Request) (any, error) {
	req, err := c.read(r, "serviceAccount", "audience")
	if err != nil {
		return nil, err
	}
	if req.ServiceAccount == "" || req.Audience == "" {
		return nil, badControl(`"serviceAccount" and "audience" are required`)
	}
	source := c.queue.UseTokenSource(nil)
	if source == nil {
		return nil, &cloudtask.StatusError{Code: cloudtask.Unimplemented, Message: "the queue has no token source"}
	}
	token, err := source.IDToken(r.Context(), req.ServiceAccount, req.Audience)
	if err != nil {
		return nil, err
	}
	return map[string]any{"token": token}, nil
}
