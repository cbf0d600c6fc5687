package gen

import (
	"go/token"
	"go/types"

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
	remark func(pos token.Pos, format string, args ...any)

	built     map[mode]*typeutil.Map // *node by types.Type
	sensitive typeutil.Map           // bool by types.Type
	demanding typeutil.Map           // bool by types.Type: whether a field in it is required
	codecList []*model.Codec
	resultSet []*model.Type
	spell     *speller
	constants constants

	nodes    []*node
	roots    []root
	problems int                 // that nodes have
	checked  map[*types.Var]bool // fields that were checked as they are declared

	selectors map[types.Type]map[string]types.Object // of struct types, see selectorsOf

	tasks map[types.Type]bool

	at     site         // of the type that is built next
	member *model.Field // that it is the type of; nil: it is an element
	owner  string       // what an unnamed type is named after

	own       func(p *types.Package) bool // whether the user may be told to mend what a package declares
	explained bool                        // why types are not known was reported already
}

// mode is what is asked of a type.
type mode struct {
	appendOnly bool // it is in a result
	// unaddressed says that encoding/json would not find methods with pointer receivers, because it meets the value
	// inside of a map. It is only set where that makes a difference.
	unaddressed bool
	// lenient says that no field in it is required. It is only set where one would be.
	lenient bool
}

// newTypeBuilder returns a builder for the package of a speller. It asks ident for the names of unexported functions (such as
// appendOrder and decodeOrder), always in the same order for the same source, and tells report what cannot be encoded.
func newTypeBuilder(
	spell *speller, fset *token.FileSet, known constants,
	ident func(want string) string, report func(pos token.Pos, format string, args ...any),
) *typeBuilder {
	return &typeBuilder{
		pkg: spell.pkg, fset: fset, spell: spell, constants: known, ident: ident, report: report,
		built: make(map[mode]*typeutil.Map), checked: make(map[*types.Var]bool), tasks: make(map[types.Type]bool),
	}
}

// payload returns the model of a task struct. What cannot be encoded is reported and left out.
func (b *typeBuilder) payload(task *types.Named) *model.Struct {
	name := task.Obj().Name()
	methods := methodsOf(task)
	for _, m := range []string{"MarshalJSON", "UnmarshalJSON", "MarshalText", "UnmarshalText"} {
		if methods.has(m) {
			b.report(task.Obj().Pos(), "task %s has a method %s, which its codec would not call: remove it, or name the embedded field that it comes from", name, m)
			return &model.Struct{Type: &model.Type{}}
		}
	}
	b.checkCopies(task)
	b.tasks[task] = true
	b.begin(root{pos: task.Obj().Pos(), text: "task " + name}, name)
	t := b.typeOf(task, mode{})
	for _, codec := range b.codecList {
		if codec.Type == t {
			codec.Task = true
		}
	}
	return t.Struct
}

// begin makes a root the site of what is built next.
func (b *typeBuilder) begin(r root, owner string) {
	r.node = b.newNode()
	b.roots = append(b.roots, r)
	b.at, b.owner = site{node: r.node}, owner
}

// result returns the model of what a Run method returns beside its error; pos is where Run is declared.
// Results are only ever encoded.
func (b *typeBuilder) result(t types.Type, pos token.Pos) *model.Type {
	b.begin(root{pos: pos, text: "result", result: true}, "Result")
	b.checkCopied(t)
	known := b.problems
	x := b.typeOf(t, mode{appendOnly: true})
	if b.problems == known {
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

// typeOf returns the model of t, which the type that the builder stands in leads to.
func (b *typeBuilder) typeOf(t types.Type, m mode) *model.Type {
	t = types.Unalias(t)
	m.unaddressed = m.unaddressed && b.isSensitive(t)
	m.lenient = m.lenient && b.holdsRequired(t)
	n, ok := b.builtAs(m).At(t).(*node)
	if m.appendOnly && !ok {
		n, ok = b.builtAs(mode{unaddressed: m.unaddressed}).At(t).(*node)
	}
	if ok {
		b.link(n)
		return n.typ
	}
	n = b.newNode()
	n.typ = &model.Type{Name: typeLabel(t)}
	b.builtAs(m).Set(t, n)
	b.link(n)
	if n.typ.Source, _ = b.spell.spell(t); n.typ.Source == nil {
		n.typ.Inferred = &model.Inferred{Var: b.name(t), Of: b.at.typ, Field: b.member}
	}
	outer, member := b.at, b.member
	b.at, b.member = site{node: n}, nil
	b.fill(n.typ, t, m)
	b.at, b.member = outer, member
	return n.typ
}

func (b *typeBuilder) newNode() *node {
	n := &node{}
	b.nodes = append(b.nodes, n)
	return n
}

// mustSpell notes that generated code has to name t where the builder stands, if it cannot.
func (b *typeBuilder) mustSpell(t types.Type) {
	if _, why := b.spell.spell(t); why != "" {
		b.problem("%s cannot be named in generated code: %s", b.text(t), why)
	}
}

func (b *typeBuilder) builtAs(m mode) *typeutil.Map {
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
	b.checkMethods(x, t, m)
}

// structure fills x with what t is under its name and methods.
func (b *typeBuilder) structure(x *model.Type, t types.Type, m mode) {
	switch u := t.Underlying().(type) {
	case *types.Basic:
		b.basic(x, t, u)
	case *types.Pointer:
		if b.isPointerCycle(t) {
			b.problem("%s is a pointer to itself, which cannot be encoded as JSON", b.text(t))
			return
		}
		x.Kind = model.Pointer
		x.Elem = b.typeOf(u.Elem(), mode{appendOnly: m.appendOnly, lenient: m.lenient})
		if x.Name != "" {
			b.mustSpell(u.Elem())
		}
	case *types.Interface:
		x.Kind = model.Any
		if u.Empty() {
			x.Basic = "any"
		} else {
			b.undecodable("%s cannot be decoded from JSON: it is an interface with methods", b.text(t))
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
		b.problem("%s cannot be encoded as JSON", b.text(t))
	}
}

func (b *typeBuilder) basic(x *model.Type, t types.Type, u *types.Basic) {
	if u.Kind() == types.Invalid {
		if !b.explained {
			b.problem("its type is unknown: its declaration does not compile, or it is a C type")
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
		b.problem("%s cannot be encoded as JSON", b.text(t))
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
	x.Elem = b.typeOf(u.Elem(), mode{appendOnly: m.appendOnly, lenient: m.lenient})
}

func (b *typeBuilder) mapType(x *model.Type, t types.Type, u *types.Map, m mode) {
	x.Kind = model.Map
	b.codec(x, t, m)
	x.Key = b.keyOf(u.Key())
	defer b.enter(step{text: "[]"})()
	x.Elem = b.typeOf(u.Elem(), mode{appendOnly: m.appendOnly, unaddressed: true, lenient: m.lenient})
}

// keyOf returns the model of the type of a map's keys, for which encoding/json has rules of its own.
func (b *typeBuilder) keyOf(t types.Type) *model.Type {
	t = types.Unalias(t)
	x := &model.Type{Name: typeLabel(t)}
	x.Source, _ = b.spell.spell(t)
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
		b.problem("%s cannot be a map key in JSON: it is not a string or an integer, and has no MarshalText method with a value receiver", b.text(t))
	case x.Decode == model.Structure && !simple:
		b.undecodable("%s cannot be a map key in a payload: it has no UnmarshalText method to decode it", b.text(t))
	case x.Append == model.TextMethod && x.Decode == model.Structure:
		b.undecodable("%s cannot be a map key in a payload: it has MarshalText but no UnmarshalText to decode it", b.text(t))
	}
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

// text writes a type in a message.
func (b *typeBuilder) text(t types.Type) string {
	return types.TypeString(t, byName(b.pkg))
}
