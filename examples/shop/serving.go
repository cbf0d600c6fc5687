package shop

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/examples/services/images"
	"github.com/cloudtaskgen/cloudtaskgen/examples/tour/documents"
	"github.com/cloudtaskgen/cloudtaskgen/examples/tour/tasks"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

// NewHandlerOfAll returns one handler for the tasks of three packages.
func NewHandlerOfAll(cfg cloudtask.Config, app *tasks.App, archive documents.Runner, resizer images.Runner) (http.Handler, error) {
	return cloudtask.NewHandler(cfg, slices.Concat(
		tasks.Routes(app),
		documents.Routes(archive),
		images.Routes(resizer),
	)...)
}

// WithoutWriteTimeout exempts the handler of tasks from the server's WriteTimeout.
func WithoutWriteTimeout(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := http.NewResponseController(w).SetWriteDeadline(time.Time{}); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// ForwardedToken authenticates tasks whose token a gateway has moved from Authorization to another header.
type ForwardedToken struct {
	Header string                  // where the gateway puts the value of Authorization
	Check  cloudtask.Authenticator // checks that value
}

// Authenticate implements cloudtask.Authenticator.
func (f ForwardedToken) Authenticate(r *http.Request) error {
	forwarded := &http.Request{Header: http.Header{"Authorization": r.Header.Values(f.Header)}}
	if err := f.Check.Authenticate(forwarded.WithContext(r.Context())); err != nil {
		return fmt.Errorf("%s in place of Authorization: %w", f.Header, err)
	}
	return nil
}

// NewHandlerBehindGateway returns the handler of tasks that arrive through API Gateway or Cloud Endpoints.
func NewHandlerBehindGateway(cfg cloudtask.Config, app *tasks.App) (http.Handler, error) {
	if cfg.EmulatorHost == "" { // the embedded queue uses no gateway
		cfg.Authenticator = ForwardedToken{
			Header: "X-Forwarded-Authorization",
			Check:  &cloudtask.OIDCAuthenticator{Email: cfg.ServiceAccount, Audiences: cfg.Audiences},
		}
	}
	return tasks.NewHandler(cfg, app)
}
