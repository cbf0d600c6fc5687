package localqueue

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
)

const (
	defaultAppEngineLimit = 10 * time.Minute // of a standard app with automatic scaling, when a task has no deadline
	noResponse            = -1               // task.previous: App Engine says 0, which is no attempt at all here
)

// WithAppEngine delivers the App Engine tasks of a service of the app, or with service "" of all services that have no
// such option of their own, to baseURL, such as http://localhost:8080. Tasks of other services fail as refused
// connections do, unless [WithHandler] or [WithTransport] takes them: those get the URL of the app's own host.
func WithAppEngine(service, baseURL string) Option {
	return func(o *options) {
		if o.appEngine == nil {
			o.appEngine = make(map[string]string)
		}
		o.appEngine[service] = baseURL
	}
}

// checkAppEngine refuses base URLs that nothing can be delivered to.
func (o *options) checkAppEngine() error {
	for service, base := range o.appEngine {
		u, err := url.Parse(base)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
			return fmt.Errorf("localqueue: App Engine service %q: the base URL %q must be http:// or https:// and a host, without a query", service, base)
		}
	}
	return nil
}

// appEngineURL returns where an App Engine task is delivered.
func (s *Service) appEngineURL(a *attempt, c *contents) (*url.URL, error) {
	routing := c.routing
	if a.routing != nil {
		routing = *a.routing
	}
	base, ok := s.options.appEngine[routing.Service]
	if !ok {
		base, ok = s.options.appEngine[""]
	}
	if !ok {
		if s.options.transport == nil {
			return nil, errors.New("no App Engine app is known to deliver the task to: name one with WithAppEngine, or cloudtask dev -app-engine")
		}
		base = "http://" + routing.In(a.q.name).Host
	}
	return url.Parse(strings.TrimSuffix(base, "/") + rules.EncodeURL(c.url))
}

// appEngineHeader returns the headers of an attempt of an App Engine task. They count every response, whatever its
// status, and say 0 where there was none.
func appEngineHeader(a *attempt, c *contents) http.Header {
	h := make(http.Header, len(c.header)+8)
	for _, f := range c.header {
		if !replacedHeader(f.key, false) {
			h[f.key] = []string{f.value}
		}
	}
	set := func(key, value string) { h["X-AppEngine-"+key] = []string{value} }
	set("QueueName", a.q.id)
	set("TaskName", a.t.id)
	set("TaskRetryCount", strconv.Itoa(a.number-1))
	set("TaskExecutionCount", strconv.Itoa(a.executions))
	set("TaskETA", formatETA(a.schedule))
	switch {
	case a.previous == noResponse:
		set("TaskPreviousResponse", "0")
		set("TaskRetryReason", "Instance Unavailable")
	case a.previous != 0:
		set("TaskPreviousResponse", strconv.Itoa(a.previous))
		set("TaskRetryReason", "App Error")
	}
	return h
}
