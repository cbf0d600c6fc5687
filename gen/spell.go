package gen

import (
	"cmp"
	"fmt"
	"go/types"
	"maps"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/tools/go/types/typeutil"

	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
	"github.com/cloudtaskgen/cloudtaskgen/gen/source"
)

// A speller spells types as source of one package, and collects the packages that this source has to import.
type speller struct {
	pkg     *types.Package
	imports map[string]string // import path: name of the package
	aliases typeutil.Map      // *types.Alias by what it stands for: what is in the types that tasks consist of
}

func newSpeller(pkg *types.Package) *speller { return &speller{pkg: pkg, imports: map[string]string{}} }

// note remembers an alias that the package can name: the first of those for one type.
func (s *speller) note(alias *types.Alias) {
	if plain := types.Unalias(alias); s.unnameable(alias.Obj()) == "" && s.aliases.At(plain) == nil {
		s.aliases.Set(plain, alias)
	}
}

// spell returns the source of a type: by the names that types are declared with, and where the package cannot use one of
// these, by an alias that its source has for the type. There is no source, and why says so, where that fails too.
func (s *speller) spell(t types.Type) (src model.Source, why string) { return s.write(t, false) }

// spellAsWritten is spell, but for the aliases in the type, which stay.
func (s *speller) spellAsWritten(t types.Type) (src model.Source, why string) {
	return s.write(t, true)
}

// spellMethod returns the source of a method's parameters and results, without their names.
func (s *speller) spellMethod(t *types.Signature) (src model.Source, why string) {
	return s.writeWith(true, func(w *typeWriter) string { return w.signature(t, false) })
}

func (s *speller) write(t types.Type, asWritten bool) (src model.Source, why string) {
	return s.writeWith(asWritten, func(w *typeWriter) string { return w.typ(t) })
}

func (s *speller) writeWith(asWritten bool, write func(*typeWriter) (why string)) (src model.Source, why string) {
	w := &typeWriter{speller: s, asWritten: asWritten, imports: map[string]string{}}
	if why := write(w); why != "" {
		return nil, why
	}
	maps.Copy(s.imports, w.imports)
	w.flush()
	return w.src, ""
}

// imported returns the packages that the source so far has to import, sorted by path. named is what the package's own source
// calls its imports, "" where it gives them no name.
func (s *speller) imported(named map[string]string) []model.Import {
	var list []model.Import
	for _, path := range slices.Sorted(maps.Keys(s.imports)) {
		imp := model.Import{Path: path, Name: s.imports[path]}
		if name, ok := named[path]; ok {
			imp.Source = cmp.Or(name, imp.Name)
		}
		list = append(list, imp)
	}
	return list
}

// unnameable says why the package cannot use the name of a type; "" when it can.
func (s *speller) unnameable(obj *types.TypeName) string {
	switch p := obj.Pkg(); {
	case p == nil:
		return ""
	case obj.Parent() != nil && obj.Parent() != p.Scope():
		return obj.Name() + " is declared inside of a function"
	case p == s.pkg:
		return ""
	case !obj.Exported():
		return obj.Name() + " is not exported by its package " + p.Path()
	case p.Name() == "main":
		return "package " + p.Path() + " is a program, which cannot be imported"
	case !source.MayImport(s.pkg.Path(), p.Path()):
		return "package " + p.Path() + " is internal to others"
	}
	return ""
}

// typeLabel returns the name of a declared type with that of its package, such as shop.Box[int]; "" for other types.
func typeLabel(t types.Type) string {
	if _, ok := t.(*types.Named); !ok {
		return ""
	}
	w := &typeWriter{}
	w.typ(t)
	return w.text.String()
}

// A typeWriter writes one type: as a label, or for a speller.
type typeWriter struct {
	*speller  // nil: packages stand for themselves by their names
	asWritten bool
	src       model.Source
	text      strings.Builder // what comes after src
	imports   map[string]string
}

// flush moves what was written as text to the source.
func (w *typeWriter) flush() {
	if w.text.Len() > 0 {
		w.src = append(w.src, model.Piece{Text: w.text.String()})
		w.text.Reset()
	}
}

// typ writes a type, or says why it cannot. What it has written by then is of no use.
func (w *typeWriter) typ(t types.Type) (why string) {
	alias, isAlias := t.(*types.Alias)
	if isAlias && !(w.asWritten && w.unnameable(alias.Obj()) == "") {
		return w.typ(alias.Rhs())
	}
	before, text := len(w.src), w.text.String()
	if isAlias {
		why = w.named(alias.Obj(), alias.TypeArgs())
	} else {
		why = w.plain(t)
	}
	if why == "" || w.speller == nil {
		return why
	}
	alias, isAlias = w.aliases.At(t).(*types.Alias)
	if !isAlias {
		return why
	}
	w.src = w.src[:before]
	w.text.Reset()
	w.text.WriteString(text)
	return w.named(alias.Obj(), alias.TypeArgs())
}

// plain writes a type that is no alias.
func (w *typeWriter) plain(t types.Type) (why string) {
	switch t := t.(type) {
	case *types.Basic:
		if t.Kind() == types.Invalid || t.Kind() == types.UnsafePointer {
			return "it is " + t.String()
		}
		w.text.WriteString(t.Name())
	case *types.Named:
		return w.named(t.Obj(), t.TypeArgs())
	case *types.Pointer:
		w.text.WriteString("*")
		return w.typ(t.Elem())
	case *types.Slice:
		w.text.WriteString("[]")
		return w.typ(t.Elem())
	case *types.Array:
		fmt.Fprintf(&w.text, "[%d]", t.Len())
		return w.typ(t.Elem())
	case *types.Map:
		w.text.WriteString("map[")
		if why := w.typ(t.Key()); why != "" {
			return why
		}
		w.text.WriteString("]")
		return w.typ(t.Elem())
	case *types.Chan:
		w.text.WriteString(map[types.ChanDir]string{types.SendRecv: "chan ", types.SendOnly: "chan<- ", types.RecvOnly: "<-chan "}[t.Dir()])
		if elem, ok := t.Elem().(*types.Chan); !ok || elem.Dir() != types.RecvOnly {
			return w.typ(t.Elem())
		}
		w.text.WriteString("(") // or the arrow would be taken for that of the first
		why = w.typ(t.Elem())
		w.text.WriteString(")")
		return why
	case *types.Struct:
		return w.structure(t)
	case *types.Interface:
		return w.iface(t)
	case *types.Signature:
		w.text.WriteString("func")
		return w.signature(t, true)
	default:
		return "it has type parameters"
	}
	return ""
}

// stdNames are types of the standard library that are declared elsewhere, as aliases, in toolchains with GOEXPERIMENT=jsonv2. They
// have one name under all of them.
var stdNames = map[string]qualified{
	"encoding/json/jsontext.Value": {"encoding/json", "json", "RawMessage"},
	"encoding/json/v2.Marshaler":   {"encoding/json", "json", "Marshaler"},
	"encoding/json/v2.Unmarshaler": {"encoding/json", "json", "Unmarshaler"},
}

// A qualified name is that of a declared type with its package's import path, "" for none, and name.
type qualified struct{ path, pkg, name string }

func qualify(obj *types.TypeName) qualified {
	q := qualified{name: obj.Name()}
	if p := obj.Pkg(); p != nil {
		q.path, q.pkg = p.Path(), p.Name()
	}
	if std, ok := stdNames[q.path+"."+q.name]; ok {
		return std
	}
	return q
}

// named writes the name of a declared type or an alias, with its type arguments.
func (w *typeWriter) named(obj *types.TypeName, args *types.TypeList) (why string) {
	q := qualify(obj)
	switch {
	case q.path == "":
		w.text.WriteString(q.name)
	case w.speller == nil:
		w.text.WriteString(q.pkg + "." + q.name)
	default:
		if why := w.unnameable(obj); why != "" {
			return why
		}
		w.flush()
		w.src = append(w.src, model.Piece{PkgPath: q.path, Name: q.name})
		if q.path != w.pkg.Path() {
			w.imports[q.path] = q.pkg
		}
	}
	for i := range args.Len() {
		w.text.WriteString(map[bool]string{true: "[", false: ", "}[i == 0])
		if why := w.typ(args.At(i)); why != "" {
			return why
		}
	}
	if args.Len() > 0 {
		w.text.WriteString("]")
	}
	return ""
}

func (w *typeWriter) structure(t *types.Struct) (why string) {
	switch {
	case w.speller == nil:
		w.text.WriteString("struct")
		return ""
	case t.NumFields() == 0:
		w.text.WriteString("struct{}")
		return ""
	}
	w.text.WriteString("struct {\n")
	for i := range t.NumFields() {
		f := t.Field(i)
		if why := w.member(f); why != "" {
			return "its field " + why
		}
		if !f.Embedded() {
			w.text.WriteString(f.Name() + " ")
		}
		if why := w.typ(f.Type()); why != "" {
			return why
		}
		if tag := t.Tag(i); tag != "" {
			w.text.WriteString(" " + quoteTag(tag))
		}
		w.text.WriteString("\n")
	}
	w.text.WriteString("}")
	return ""
}

// quoteTag returns a tag as it is usual in source.
func quoteTag(tag string) string {
	if strconv.CanBackquote(tag) {
		return "`" + tag + "`"
	}
	return strconv.Quote(tag)
}

// member says why a field or method that is not exported would be another one in the source of the package.
func (w *typeWriter) member(obj types.Object) (why string) {
	if w.speller != nil && !obj.Exported() && obj.Pkg() != w.pkg {
		return obj.Name() + " is not exported by its package"
	}
	return ""
}

func (w *typeWriter) iface(t *types.Interface) (why string) {
	if t.Empty() {
		w.text.WriteString("any")
		return ""
	}
	w.text.WriteString("interface{ ")
	separator := ""
	for m := range t.ExplicitMethods() {
		if why := w.member(m); why != "" {
			return "its method " + why
		}
		w.text.WriteString(separator + m.Name())
		if why := w.signature(m.Signature(), true); why != "" {
			return why
		}
		separator = "; "
	}
	for e := range t.EmbeddedTypes() {
		w.text.WriteString(separator)
		if why := w.typ(e); why != "" {
			return why
		}
		separator = "; "
	}
	w.text.WriteString(" }")
	return ""
}

// signature writes parameters and results.
func (w *typeWriter) signature(t *types.Signature, names bool) (why string) {
	if why := w.tuple(t.Params(), t.Variadic(), names); why != "" || t.Results().Len() == 0 {
		return why
	}
	w.text.WriteString(" ")
	if r := t.Results().At(0); t.Results().Len() == 1 && (!names || r.Name() == "") {
		return w.typ(r.Type())
	}
	return w.tuple(t.Results(), false, names)
}

func (w *typeWriter) tuple(t *types.Tuple, variadic, names bool) (why string) {
	w.text.WriteString("(")
	for i := range t.Len() {
		if i > 0 {
			w.text.WriteString(", ")
		}
		v := t.At(i)
		typ := v.Type()
		if names && v.Name() != "" {
			w.text.WriteString(v.Name() + " ")
		}
		if variadic && i == t.Len()-1 {
			w.text.WriteString("...")
			typ = typ.(*types.Slice).Elem()
		}
		if why := w.typ(typ); why != "" {
			return why
		}
	}
	w.text.WriteString(")")
	return ""
}

// byName qualifies names in messages as source of a package does that gives no import a name of its own.
func byName(pkg *types.Package) types.Qualifier {
	return func(p *types.Package) string {
		if p == pkg {
			return ""
		}
		return p.Name()
	}
}
