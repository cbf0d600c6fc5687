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
	noResponse            = -1               // task.previous after an attempt without a response: App Engine's headers say 0, which means no attempt here
)

// WithAppEngine delivers the App Engine tasks of a service of the app to baseURL, such as http://localhost:8080. With service ""
// it is for all services without an option of their own. Tasks of other services fail like refused connections, unless
// [WithHandler] or [WithTransport] takes them: those get the URL of the app's own host.
func WithAppEngine(service, baseURL string) Option {
	return func(o *options) {
		if o.appEngine == nil {
			o.appEngine = make(map[string]string)
		}
		o.appEngine[service] = baseURL
	}
}

// checkAppEngine refuses base URLs that no task can be delivered to.
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
			return nil, errors.New("no App Engine service to deliver the task to: set one with WithAppEngine, or with cloudtask dev -app-engine")
		}
		base = "http://" + routing.In(a.q.name).Host
	}
	return url.Parse(strings.TrimSuffix(base, "/") + rules.EncodeURL(c.url))
}

// appEngineHeader returns the headers of an attempt of an App Engine task. They count every response, whatever its
// status, and have 0 for an attempt without one.
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
