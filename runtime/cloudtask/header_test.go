package cloudtask_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

func TestHeaders(t *testing.T) {
	t.Parallel()
	const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	own := map[string]string{"Content-Type": "application/json", "Cloudtask-Timeout": "10m0s"}
	tests := []struct {
		name       string
		propagated []string
		incoming   http.Header
		opts       []cloudtask.EnqueueOption
		want       map[string]string // beside own
		metadata   http.Header
	}{
		{name: "none"},
		{
			name: "propagated by default", incoming: http.Header{"Traceparent": {trace}, "X-Tenant": {"7"}},
			want: map[string]string{"Traceparent": trace}, metadata: http.Header{"Traceparent": {trace}},
		},
		{
			name: "propagated as configured", propagated: []string{"x-tenant", "X-TENANT"}, incoming: http.Header{"Traceparent": {trace}, "X-Tenant": {"7", "8"}},
			want: map[string]string{"X-Tenant": "7, 8"}, metadata: http.Header{"X-Tenant": {"7, 8"}},
		},
		{name: "nothing is propagated", propagated: []string{}, incoming: http.Header{"Traceparent": {trace}}},
		{
			name: "of the caller", opts: []cloudtask.EnqueueOption{cloudtask.WithHeader("x-correlation-ID", "abc"), cloudtask.WithHeader("X-Empty", "")},
			want: map[string]string{"x-correlation-ID": "abc", "X-Empty": ""},
		},
		{
			name: "the caller's wins, and the last of one name", incoming: http.Header{"Traceparent": {trace}},
			opts: []cloudtask.EnqueueOption{cloudtask.WithHeader("Traceparent", "1"), cloudtask.WithHeader("traceparent", "2")},
			want: map[string]string{"traceparent": "2"}, metadata: http.Header{"Traceparent": {"2"}},
		},
		{name: "incoming values that cannot be stored are left out", incoming: http.Header{"Traceparent": {"\xff"}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := &memory{}
			cfg := testConfig()
			cfg.PropagatedHeaders = test.propagated
			c, err := cloudtask.NewClient(m, cfg)
			if err != nil {
				t.Fatal(err)
			}
			var receipt cloudtask.Receipt
			enqueue := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				receipt, err = mailType().Push(r.Context(), c, &mail{}, test.opts...)
			})
			r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
			r.Header = test.incoming
			cloudtask.PropagateHeaders(cfg)(enqueue).ServeHTTP(httptest.NewRecorder(), r)
			if err != nil {
				t.Fatal(err)
			}
			want := maps.Clone(own)
			maps.Copy(want, test.want)
			if diff := cmp.Diff(want, m.calls[0].tasks[0].Header); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.metadata, receipt.Headers); diff != "" {
				t.Errorf("headers of the receipt (-want +got):\n%s", diff)
			}
		})
	}
}
