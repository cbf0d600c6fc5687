package gen

import (
	"go/types"
	"strconv"

	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
)

// name returns what the functions of t's codec are named after: appendOrder, decodeSliceOfOrder.
func (b *typeBuilder) name(t types.Type) string {
	switch u := types.Unalias(t).(type) {
	case *types.Named:
		return b.nameOfNamed(u)
	case *types.Basic:
		return model.UpperFirst(u.Name())
	case *types.Pointer:
		return "PointerTo" + b.name(u.Elem())
	case *types.Slice:
		return "SliceOf" + b.name(u.Elem())
	case *types.Array:
		return "ArrayOf" + strconv.FormatInt(u.Len(), 10) + b.name(u.Elem())
	case *types.Map:
		return "MapOf" + b.name(u.Key()) + "To" + b.name(u.Elem())
	case *types.Interface:
		return "Any"
	}
	return b.owner
}

func (b *typeBuilder) nameOfNamed(n *types.Named) string {
	q := qualify(n.Obj())
	name := model.UpperFirst(q.name)
	if q.path != "" && q.path != b.pkg.Path() {
		name = model.UpperFirst(q.pkg) + name
	}
	for i := range n.TypeArgs().Len() {
		if i == 0 {
			name += "Of"
		} else {
			name += "And"
		}
		name += b.name(n.TypeArgs().At(i))
	}
	return name
}
