package templates_test

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/testdata/codec/ext"
	"github.com/cloudtaskgen/cloudtaskgen/testdata/codec/results"
)

func TestAppendResult(t *testing.T) {
	t.Parallel()
	level := ext.Level(3)
	full := results.WithInner(results.Summary{
		Stringer: time.Second, Marshaler: &ext.Money{Cents: 1}, Zero: (*ext.Window)(nil), Keys: map[*ext.Level]int{&level: 1, nil: 2},
		Task: results.A{X: 1}, Customer: ext.NewCustomer("c"),
	}, 9)
	loud := full
	loud.Zero = &ext.Window{From: 1, To: 2}
	quiet := full
	quiet.Zero = new(ext.Window)
	checkResult(t, "summary", results.AppendSummary, results.Summary{}, full, loud, quiet)
	checkResult[*results.Summary](t, "pointer", results.AppendSummaryPointer, nil, &full)
	checkResult[[]*results.A](t, "list", results.AppendList, nil, []*results.A{}, []*results.A{nil, {X: 1}})
	checkResult(t, "string", results.AppendString, "", "<a>\u2028")
	checkResult[any](t, "any", results.AppendAny, nil, 1.5, map[string]any{"b": 1, "a": nil}, &full, make(chan int), math.NaN())
	checkResult[fmt.Stringer](t, "stringer", results.AppendStringer, nil, time.Minute, json.Number("1"), json.Number("x"))
}

func checkResult[T any](t *testing.T, name string, appendT func([]byte, any) ([]byte, error), values ...T) {
	t.Helper()
	for _, v := range values {
		want, wantErr := marshal(&v)
		got, err := appendT(nil, &v)
		if string(got) != string(want) && wantErr == nil || (err != nil) != (wantErr != nil) {
			t.Errorf("%s: appended %s, error %v, want %s, error %v", name, got, err, want, wantErr)
		}
	}
}
