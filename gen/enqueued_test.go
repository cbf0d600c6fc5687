package gen_test

import (
	"testing"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtasktest"
	"github.com/cloudtaskgen/cloudtaskgen/testdata/golden/manual"
	"github.com/cloudtaskgen/cloudtaskgen/testdata/golden/names"
	"github.com/cloudtaskgen/cloudtaskgen/testdata/golden/shared"
)

// The generated Enqueued functions tell the tasks of one package and type from others.
func TestGeneratedEnqueued(t *testing.T) {
	t.Parallel()
	q := cloudtasktest.New(t)
	ctx := t.Context()
	welcome, order, pack := manual.SendWelcomeEmail{UserID: 7}, names.Order{ID: "<1>"}, shared.Pack{Order: &shared.Order{ID: "x", Lines: []shared.Line{{}}}}
	must(manual.EnqueueSendWelcomeEmailAsap(ctx, q.Client, welcome))(t)
	must(names.EnqueueOrderAsap(ctx, q.Client, order))(t)
	must(shared.EnqueuePackAsap(ctx, q.Client, pack))(t)
	cloudtasktest.Only(t, manual.EnqueuedSendWelcomeEmail(q), welcome)
	cloudtasktest.Only(t, names.EnqueuedOrder(q), order)
	cloudtasktest.Only(t, shared.EnqueuedPack(q), pack)
	cloudtasktest.None(t, names.EnqueuedTask(q))
	cloudtasktest.None(t, manual.EnqueuedDiscarding(q))
}
