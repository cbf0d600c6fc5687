package gen

import (
	"fmt"
	"go/types"
	"slices"
	"strings"

	"github.com/cloudtaskgen/cloudtaskgen/gen/diag"
	"github.com/cloudtaskgen/cloudtaskgen/gen/directive"
	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
)

// unique finds the fields of //cloudtask:unique.
func (b *packageBuilder) unique(t *model.Task, d *directive.Declaration, named *types.Named) {
	dir := d.Directive(directive.Unique)
	if dir == nil || t.Payload == nil {
		return
	}
	for _, v := range dir.List {
		fields := b.uniqueBy(t, named, v.Text)
		if len(fields) == 0 {
			b.Errorf(v.Pos, "//cloudtask:unique: %s", b.noField(t, named, v.Text))
		}
		for _, f := range fields {
			if !slices.Contains(t.Unique, f) {
				t.Unique = append(t.Unique, f)
			}
		}
	}
}

// uniqueBy returns the fields of a payload that a name stands for: that of an embedded struct stands for those promoted from it.
func (b *packageBuilder) uniqueBy(t *model.Task, named *types.Named, name string) []*model.Field {
	if f := t.Payload.Field(name); f != nil {
		return []*model.Field{f}
	}
	obj, _, _ := types.LookupFieldOrMethod(named, true, b.pkg, name)
	embedded, ok := obj.(*types.Var)
	if !ok {
		return nil
	}
	var fields []*model.Field
	for i, f := range jsonFields(named, func(*types.Var, string) {}, func(a, b field) {}) {
		if slices.Contains(f.path, embedded) {
			fields = append(fields, t.Payload.Fields[i])
		}
	}
	return fields
}

// noField words why a name is no field of a payload.
func (b *packageBuilder) noField(t *model.Task, named *types.Named, name string) string {
	obj, _, _ := types.LookupFieldOrMethod(named, true, b.pkg, name)
	if v, ok := obj.(*types.Var); ok && v.IsField() {
		return fmt.Sprintf("field %s of %s is not part of the payload, so it cannot tell tasks apart", name, t.Type)
	}
	var goNames []string
	for _, f := range t.Payload.Fields {
		if f.Name == name {
			return fmt.Sprintf("%s has no field %s; %s is the JSON name of %s: write %s", t.Type, name, name, f.GoName, f.GoName)
		}
		goNames = append(goNames, f.GoName)
	}
	if len(goNames) == 0 {
		return fmt.Sprintf("%s has no field %s; its payload has no fields at all", t.Type, name)
	}
	hint := ""
	if s := diag.Suggest(name, goNames); s != "" {
		hint = fmt.Sprintf("; did you mean %s?", s)
	}
	return fmt.Sprintf("%s has no field %s%s (it has %s)", t.Type, name, hint, strings.Join(goNames, ", "))
}
