package timeline

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestExpect(t *testing.T) {
	tests := []struct {
		name     string
		happened [][2]string
		want     []string
		problem  string // in the error; "": none
	}{
		{
			name:     "as expected, another interleaving",
			happened: [][2]string{{"b", "1"}, {"a", "1"}, {"b", "2"}, {"a", "2"}},
			want:     []string{"a: 1", "a: 2", "b: 1", "b: 2"},
		},
		{
			name:     "another order of one actor",
			happened: [][2]string{{"a", "2"}, {"a", "1"}},
			want:     []string{"a: 1", "a: 2"},
			problem:  "happened  a: 2\n  happened  a: 1",
		},
		{
			name:     "missing",
			happened: [][2]string{{"a", "1"}},
			want:     []string{"a: 1", "b: 1"},
			problem:  "expected  b: 1\n  happened  nothing by b",
		},
		{
			name:     "extra",
			happened: [][2]string{{"a", "1"}, {"b", "1"}},
			want:     []string{"a: 1"},
			problem:  "happened  b: 1\n  expected  nothing by b",
		},
		{
			name:     "nothing expected",
			happened: [][2]string{{"a", "1"}},
			problem:  "expected  nothing by a",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				line := New(new(bytes.Buffer))
				for _, e := range tt.happened {
					line.Note(e[0], "%s", e[1])
				}
				err := line.Expect(t.Context(), tt.want...)
				switch {
				case tt.problem == "" && err != nil:
					t.Error(err)
				case tt.problem != "" && (err == nil || !strings.Contains(err.Error(), tt.problem)):
					t.Errorf("error %v, want it to contain %q", err, tt.problem)
				}
			})
		})
	}
}

func TestExpectWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := New(new(bytes.Buffer))
		go func() {
			time.Sleep(3 * time.Second)
			line.Note("a", "late")
		}()
		if err := line.Expect(t.Context(), "a: late"); err != nil {
			t.Error(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := line.Expect(ctx, "a: never"); err == nil {
			t.Error("no error for an event that never came")
		}
	})
}
