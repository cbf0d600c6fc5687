package cloudtask

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// What execute tells its two callers, the handler and eager mode, apart by type assertion.
func TestExecuteErrors(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	def := Definition{
		Task: (*string)(nil),
		Name: "T",
		Decode: func(data []byte, payload any) error {
			task := payload.(*string)
			if *task = string(data); *task == "bad" {
				return cause
			}
			return nil
		},
	}
	inner := def.Route(func(_ context.Context, payload any) error {
		task := payload.(*string)
		if *task == "panic" {
			panic("boom")
		}
		return nil
	})
	innerResult := def.RouteWithResult(func(context.Context, any) (any, error) { return new(1), nil },
		func(dst []byte, _ any) ([]byte, error) { return dst, cause })
	outer := func(r *Route, payload string) *Route {
		route := def.Route(func(ctx context.Context, _ any) error {
			_, err := r.execute(ctx, []byte(payload))
			return err
		})
		return &route
	}
	tests := []struct {
		name    string
		route   *Route
		payload string
		kind    string
		is      error
	}{
		{"fine", &inner, "ok", "<nil>", nil},
		{"payload", &inner, "bad", "*cloudtask.payloadError", cause},
		{"panic", &inner, "panic", "*cloudtask.panicError", nil},
		{"result", &innerResult, "ok", "*cloudtask.resultError", cause},
		{"Run hands on a payload error", outer(&inner, "bad"), "ok", "cloudtask.wrappedError", cause},
		{"Run hands on a panic", outer(&inner, "panic"), "ok", "cloudtask.wrappedError", nil},
		{"Run hands on a result error", outer(&innerResult, "ok"), "ok", "cloudtask.wrappedError", cause},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			result, err := test.route.execute(t.Context(), []byte(test.payload))
			if kind := fmt.Sprintf("%T", err); kind != test.kind || (test.is != nil && !errors.Is(err, test.is)) || result != nil {
				t.Errorf("result %q, error %s: %v; want %s", result, kind, err, test.kind)
			}
			if strings.Contains(test.name, "panic") && !strings.Contains(stackOf(err), "TestExecuteErrors") {
				t.Errorf("the stack does not show who panicked:\n%s", stackOf(err))
			}
		})
	}
}
