package gen

import (
	"cmp"
	"fmt"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/types/typeutil"

	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
)

// typeBuilder turns the payload and result types of one package into the model, together with the codecs that they
// need. Call payload for every task first, then result; codecs, results and imports are complete after that.
type typeBuilder struct {
	pkg    *types.Package // the package that is generated for
	fset   *token.FileSet
	ident  func(want string) string // returns a package-level identifier nobody else has, want or like it, and takes it
	report func(pos token.Pos, format string, args ...any)
	remark func(pos token.Pos, format string, args ...any) // nil: not wanted

	built     map[mode]*typeutil.Map // *model.Type by types.Type
	sensitive typeutil.Map           // bool by types.Type
	codecList []*model.Codec
	resultSet []*model.Type
	pkgs      map[string]string // name by import path
	constants constants

	reported map[problem]bool
	refused  map[*model.Type]string // why a type itself cannot be encoded: reported wherever it is found

	trail []step // the way to the type that is being built
	owner string // what an unnamed type is named after

	own       func(p *types.Package) bool // whether the user may be told to mend what a package declares
	explained bool                        // why types are not known was reported already
}

// mode is what is asked of a type.
type mode struct {
	appendOnly bool // it is in a result
	// unaddressed says that encoding/json would not find methods with pointer receivers, because it meets the value
	// inside of a map. It is only set where that makes a difference.
	unaddressed bool
}

// newTypeBuilder returns a builder for pkg. It asks ident for the names of unexported functions (such as appendOrder
// and decodeOrder), always in the same order for the same source, and tells report what cannot be encoded.
func newTypeBuilder(pkg *types.Package, fset *token.FileSet, known constants, ident func(want string) string, report func(pos token.Pos, format string, args ...any)) *typeBuilder {
	return &typeBuilder{
		pkg: pkg, fset: fset, constants: known, ident: ident, report: report,
		built: make(map[mode]*typeutil.Map), pkgs: make(map[string]string), reported: make(map[problem]bool), refused: make(map[*model.Type]string),
	}
}

// payload returns the model of a task struct. What cannot be encoded is reported and left out.
func (b *typeBuilder) payload(task *types.Named) *model.Struct {
	name := task.Obj().Name()
	b.trail, b.owner = []step{{pos: task.Obj().Pos()}}, name
	methods := methodsOf(task)
	for _, m := range []string{"MarshalJSON", "UnmarshalJSON", "MarshalText", "UnmarshalText"} {
		if methods.has(m) {
			b.report(task.Obj().Pos(), "task %s has a method %s, which its codec would not call: remove it, or name the embedded field that it comes from", name, m)
			return &model.Struct{Type: &model.Type{}}
		}
	}
	b.checkCopies(task)
	t := b.typeOf(task, mode{})
	for _, codec := range b.codecList {
		if codec.Type == t {
			codec.Task = true
		}
	}
	return t.Struct
}

// result returns the model of what a Run method returns beside its error; pos is where Run is declared.
// Results are only ever encoded.
func (b *typeBuilder) result(t types.Type, pos token.Pos) *model.Type {
	b.trail = []step{{pos: pos, text: "result"}}
	b.owner = "Result"
	reported := len(b.reported)
	b.checkCopied(t)
	x := b.typeOf(t, mode{appendOnly: true})
	if len(b.reported) == reported {
		b.mustSpell(t)
	}
	if x.AppendResult == "" {
		x.AppendResult = b.ident("append" + b.name(t) + "Result")
		b.resultSet = append(b.resultSet, x)
	}
	return x
}

// results returns the types that result was called with, each once, in that order.
func (b *typeBuilder) results() []*model.Type { return b.resultSet }

// imports returns the packages that spelling these types needs, sorted by path.
func (b *typeBuilder) imports() []model.Import {
	var imports []model.Import
	for path, name := range b.pkgs {
		imports = append(imports, model.Import{Path: path, Name: name})
	}
	slices.SortFunc(imports, func(x, y model.Import) int { return cmp.Compare(x.Path, y.Path) })
	return imports
}

// typeOf returns the model of t.
func (b *typeBuilder) typeOf(t types.Type, m mode) *model.Type {
	t = types.Unalias(t)
	m.unaddressed = m.unaddressed && b.isSensitive(t)
	x, ok := b.at(m).At(t).(*model.Type)
	if m.appendOnly && !ok {
		x, ok = b.at(mode{unaddressed: m.unaddressed}).At(t).(*model.Type)
	}
	if ok {
		if why := b.refused[x]; why != "" {
			b.problem("%s", why)
		}
		return x
	}
	x = &model.Type{Named: b.named(t)}
	b.at(m).Set(t, x)
	reported := len(b.reported)
	b.fill(x, t, m)
	if why := b.unspellable(t); why != "" && x.AppendFunc+x.DecodeFunc != "" && len(b.reported) == reported {
		b.refuse(x, "%s cannot be named in generated code: %s", b.text(t), why)
	}
	return x
}

// refuse reports a type that cannot be encoded whatever is around it.
func (b *typeBuilder) refuse(x *model.Type, format string, args ...any) {
	b.refused[x] = fmt.Sprintf(format, args...)
	b.problem("%s", b.refused[x])
}

func (b *typeBuilder) at(m mode) *typeutil.Map {
	if b.built[m] == nil {
		b.built[m] = new(typeutil.Map)
	}
	return b.built[m]
}

// fill completes x, the model of t.
func (b *typeBuilder) fill(x *model.Type, t types.Type, m mode) {
	switch typeName(t) {
	case "time.Time":
		x.Kind = model.Time
		return
	case "encoding/json.RawMessage":
		x.Kind = model.RawMessage
		return
	case "encoding/json.Number":
		x.Kind = model.Number
		return
	}
	// The methods of a pointer type are those of what it points to, which is asked for its own.
	if !isPointer(t) {
		methods := methodsOf(t)
		x.Append = methods.appendVia(m.unaddressed)
		x.Decode = methods.decodeVia()
		if x.Append != model.Structure || x.Decode != model.Structure {
			x.Constant = b.constants.of(t)
		}
	}
	if types.IsInterface(t) {
		x.Decode = model.Structure // there is nothing in it yet whose method could be called
	}
	if x.Append == model.Structure || !m.appendOnly && x.Decode == model.Structure || types.IsInterface(t) {
		b.structure(x, t, m)
	}
}

// structure fills x with what t is under its name and methods.
func (b *typeBuilder) structure(x *model.Type, t types.Type, m mode) {
	switch u := t.Underlying().(type) {
	case *types.Basic:
		b.basic(x, t, u)
	case *types.Pointer:
		if b.isPointerCycle(t) {
			b.refuse(x, "%s is a pointer to itself, which cannot be encoded as JSON", b.text(t))
			return
		}
		x.Kind = model.Pointer
		x.Elem = b.typeOf(u.Elem(), mode{appendOnly: m.appendOnly})
		if x.Named != nil {
			b.mustSpell(u.Elem())
		}
	case *types.Interface:
		x.Kind = model.Any
		if u.Empty() {
			x.Basic = "any"
		} else if !m.appendOnly {
			b.refuse(x, "%s cannot be decoded from JSON: it is an interface with methods", b.text(t))
		}
	case *types.Slice:
		b.slice(x, t, u, m)
	case *types.Array:
		x.Kind, x.Len = model.Array, u.Len()
		b.codec(x, t, m)
		defer b.enter(step{text: "[]"})()
		x.Elem = b.typeOf(u.Elem(), m)
	case *types.Map:
		b.mapType(x, t, u, m)
	case *types.Struct:
		x.Kind = model.StructKind
		b.codec(x, t, m)
		b.structType(x, t, u, m)
	default:
		b.refuse(x, "%s cannot be encoded as JSON", b.text(t))
	}
}

func (b *typeBuilder) basic(x *model.Type, t types.Type, u *types.Basic) {
	if u.Kind() == types.Invalid {
		if !b.explained {
			b.refuse(x, "its type is not known: what declares it does not compile, or it is a type of C")
		}
		return
	}
	x.Basic = types.Typ[u.Kind()].Name()
	switch info := u.Info(); {
	case info&types.IsBoolean != 0:
		x.Kind = model.Bool
	case info&types.IsUnsigned != 0:
		x.Kind = model.Uint
	case info&types.IsInteger != 0:
		x.Kind = model.Int
	case info&types.IsFloat != 0:
		x.Kind = model.Float
	case info&types.IsString != 0:
		x.Kind = model.String
	default:
		b.refuse(x, "%s cannot be encoded as JSON", b.text(t))
	}
}

func (b *typeBuilder) slice(x *model.Type, t types.Type, u *types.Slice, m mode) {
	x.Kind = model.Slice
	elem, ok := u.Elem().Underlying().(*types.Basic)
	x.Base64 = ok && elem.Kind() == types.Uint8
	if x.Base64 && methodsOf(u.Elem()).appendVia(false) == model.Structure {
		x.Kind = model.Bytes
	}
	if x.Kind == model.Slice || types.Unalias(u.Elem()) != elem {
		b.codec(x, t, m)
	}
	defer b.enter(step{text: "[]"})()
	x.Elem = b.typeOf(u.Elem(), mode{appendOnly: m.appendOnly})
}

func (b *typeBuilder) mapType(x *model.Type, t types.Type, u *types.Map, m mode) {
	x.Kind = model.Map
	b.codec(x, t, m)
	x.Key = b.keyOf(u.Key(), m)
	defer b.enter(step{text: "[]"})()
	reported := len(b.reported)
	x.Elem = b.typeOf(u.Elem(), mode{appendOnly: m.appendOnly, unaddressed: true})
	if len(b.reported) == reported {
		b.mustSpell(u.Elem())
	}
}

// keyOf returns the model of the type of a map's keys, for which encoding/json has rules of its own.
func (b *typeBuilder) keyOf(t types.Type, m mode) *model.Type {
	t = types.Unalias(t)
	x := b.spelling(t)
	methods := methodsOf(t)
	if basic, ok := t.Underlying().(*types.Basic); ok {
		b.basic(x, t, basic)
	}
	if x.Kind != model.String && methods.value["MarshalText"] {
		x.Append = model.TextMethod
	}
	if methods.has("UnmarshalText") && !types.IsInterface(t) && !isPointer(t) {
		x.Decode = model.TextMethod
	}
	simple := x.Kind == model.String || x.Kind == model.Int || x.Kind == model.Uint
	switch {
	case x.Append == model.Structure && !simple:
		b.problem("%s cannot be a map key in JSON: it is no string, no integer, and has no MarshalText method with a value receiver", b.text(t))
	case x.Decode == model.Structure && !simple && !m.appendOnly:
		b.problem("%s cannot be a map key in a payload: it has no UnmarshalText method to decode it", b.text(t))
	}
	b.mustSpell(t)
	return x
}

// isPointerCycle reports whether following pointers from t comes back to t.
func (b *typeBuilder) isPointerCycle(t types.Type) bool {
	var seen typeutil.Map
	for {
		p, ok := t.Underlying().(*types.Pointer)
		if !ok || seen.At(t) != nil {
			return ok
		}
		seen.Set(t, true)
		t = types.Unalias(p.Elem())
	}
}

// A step is a part of the way from a task or result to a type in it.
type step struct {
	text string    // such as .Items or []
	pos  token.Pos // of a field
	pkg  *types.Package
}

// enter adds a step and returns what removes it.
func (b *typeBuilder) enter(s step) (leave func()) {
	b.trail = append(b.trail, s)
	n := len(b.trail) - 1
	return func() { b.trail = b.trail[:n] }
}

// A problem is one that has been reported. A type that is built in two modes would say the same twice.
type problem struct {
	pos  token.Pos
	text string
}

// problem reports what is wrong with the type at the end of the trail, at the innermost field on it that is declared
// in the package itself.
func (b *typeBuilder) problem(format string, args ...any) {
	pos, where := b.where()
	p := problem{pos, where + ": " + fmt.Sprintf(format, args...)}
	if !b.reported[p] {
		b.reported[p] = true
		b.report(pos, "%s", p.text)
	}
}

// note remarks on the type at the end of the trail.
func (b *typeBuilder) note(format string, args ...any) {
	if b.remark != nil {
		pos, where := b.where()
		b.remark(pos, "%s: %s", where, fmt.Sprintf(format, args...))
	}
}

// where returns the place that a message about the end of the trail is for, and the way there.
func (b *typeBuilder) where() (pos token.Pos, path string) {
	pos = b.trail[0].pos
	var text strings.Builder
	for _, s := range b.trail {
		text.WriteString(s.text)
		if s.pkg == b.pkg {
			pos = s.pos
		}
	}
	path, inField := strings.CutPrefix(text.String(), ".")
	if inField {
		path = "field " + path
	}
	return pos, path
}

// text writes a type in a message.
func (b *typeBuilder) text(t types.Type) string {
	return types.TypeString(t, func(p *types.Package) string {
		if p == b.pkg {
			return ""
		}
		return p.Name()
	})
}
