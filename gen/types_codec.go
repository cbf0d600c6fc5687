package gen

import (
	"go/types"

	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
)

// codec gives x functions of its own, for what is done by its structure.
func (b *typeBuilder) codec(x *model.Type, t types.Type, m mode) {
	name := b.name(t)
	if m.lenient {
		name += "Lenient"
	}
	codec := &model.Codec{Type: x}
	if x.Append == model.Structure && m.lenient && x.Inferred == nil {
		x.AppendFunc = b.typeOf(t, mode{unaddressed: m.unaddressed}).AppendFunc
	} else if x.Append == model.Structure {
		codec.Append = true
		suffix := ""
		if m.unaddressed {
			suffix = "Value"
		}
		x.AppendFunc = b.ident("append" + name + suffix)
	}
	if x.Decode == model.Structure && m.unaddressed && !m.appendOnly {
		x.DecodeFunc = b.typeOf(t, mode{lenient: m.lenient}).DecodeFunc
	} else if x.Decode == model.Structure && !m.appendOnly {
		codec.Decode = true
		x.DecodeFunc = b.ident("decode" + name)
	}
	if codec.Append || codec.Decode {
		b.codecList = append(b.codecList, codec)
	}
}

// inferred returns the types that are needed to infer those of codecs, each after the one that it is part of, and names their
// variables.
func (b *typeBuilder) inferred(codecs []*model.Codec) []*model.Type {
	var list []*model.Type
	done := map[*model.Type]bool{}
	var add func(t *model.Type)
	add = func(t *model.Type) {
		if t.Inferred == nil || done[t] {
			return
		}
		done[t] = true
		add(t.Inferred.Of)
		t.Inferred.Var = b.ident("any" + t.Inferred.Var)
		list = append(list, t)
	}
	for _, c := range codecs {
		add(c.Type)
	}
	return list
}

// codecs returns the types that have codec functions, in the order in which they are printed.
func (b *typeBuilder) codecs() []*model.Codec {
	var used []*model.Codec
	appended, decoded := make(map[string]bool), make(map[string]bool)
	for _, c := range b.codecList {
		if c.Task {
			markAppended(c.Type, appended)
			markDecoded(c.Type, decoded)
		}
	}
	for _, t := range b.resultSet {
		markAppended(t, appended)
	}
	for _, c := range b.codecList {
		c.Append = c.Append && appended[c.Type.AppendFunc]
		c.Decode = c.Decode && decoded[c.Type.DecodeFunc]
		if c.Append || c.Decode {
			used = append(used, c)
		}
	}
	return used
}

// markAppended notes the functions that appending t calls. Not all that were named are: a type may have a method for
// one direction where it is found, and be found only there.
func markAppended(t *model.Type, called map[string]bool) {
	if t == nil || t.Append != model.Structure || called[t.AppendFunc] {
		return
	}
	if t.AppendFunc != "" {
		called[t.AppendFunc] = true
	}
	markAppended(t.Elem, called)
	if t.Struct != nil {
		for _, f := range t.Struct.Fields {
			markAppended(f.Type, called)
		}
	}
}

// markDecoded notes the functions that decoding t calls.
func markDecoded(t *model.Type, called map[string]bool) {
	if t == nil || t.Decode != model.Structure || called[t.DecodeFunc] {
		return
	}
	if t.DecodeFunc != "" {
		called[t.DecodeFunc] = true
	}
	markDecoded(t.Elem, called)
	if t.Struct != nil {
		for _, f := range t.Struct.Fields {
			markDecoded(f.Type, called)
		}
	}
}
