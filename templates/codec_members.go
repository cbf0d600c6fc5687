package templates

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
)

const (
	wordBits   = 64
	fewMembers = 8   // as many as are found without an index by name
	maxParts   = 128 // of what stands in one generated function
)

// decodeStruct returns the body of a struct's decoder.
func (f *File) decodeStruct(t *model.Type, d, v string) []jen.Code {
	fields := t.Struct.Fields
	if len(fields) == 0 {
		return []jen.Code{jen.Id(d).Dot("EmptyStruct").Call()}
	}
	m := &memberDecoder{
		File: f, t: t, fields: fields, divisible: isDivisible(t, howDecoded),
		d: d, v: v, i: f.local("i"), seen: f.local("seen"), valued: f.local("valued"),
	}
	members := m.declareMembers()
	var body []jen.Code
	if slices.ContainsFunc(fields, hasDefault) {
		body = append(body, jen.If(jen.Id(d).Dot("NullStruct").Call()).Block(jen.Return()))
	}
	words := (len(fields) + wordBits - 1) / wordBits
	body = append(body, jen.Var().Id(m.seen).Index(jen.Lit(words)).Uint64())
	if m.hasValued() {
		body = append(body, jen.Var().Id(m.valued).Index(jen.Lit(words)).Uint64())
	}
	body = append(body, jen.For(
		jen.Id(m.i).Op(":=").Id(d).Dot("Struct").Call(jen.Op("&").Id(members), all(m.seen)),
		jen.Id(m.i).Op(">=").Lit(0),
		jen.Id(m.i).Op("=").Id(d).Dot("Next").Call(jen.Op("&").Id(members), all(m.seen), jen.Id(m.i)),
	).Block(m.switched(m.parts(0, len(fields), 0), t.Source)...))
	return append(body, m.setDefaults()...)
}

// all prints a slice of all of an array or slice.
func all(name string) *jen.Statement { return jen.Id(name).Index(jen.Op(":")) }

// A memberDecoder prints what decodes the members of a struct's object. Generated functions are bounded in length, so that the
// time that the compiler takes is in proportion to the number of fields: many fields, and those that are reached through
// an embedded pointer, have functions of their own.
type memberDecoder struct {
	*File
	t         *model.Type
	fields    []*model.Field
	divisible bool
	functions int // how many there are already

	d, v, i, seen, valued string // parameters and variables
}

// declareMembers prints the variable that describes the members, and returns its name.
func (m *memberDecoder) declareMembers() string {
	required, notNull := make(bitSet, len(m.fields)), make(bitSet, len(m.fields))
	var names, order []jen.Code
	byName := make([]int, len(m.fields))
	for i, field := range m.fields {
		names = append(names, jen.Id("`"+quotedName(field)+"`"))
		required[i] = field.Required
		notNull[i] = field.Required && !field.NullOK
		byName[i] = i
	}
	slices.SortFunc(byName, func(a, b int) int { return strings.Compare(m.fields[a].Name, m.fields[b].Name) })
	for _, i := range byName {
		order = append(order, jen.Lit(i))
	}
	values := []jen.Code{jen.Id("Names").Op(":").Index().String().Values(names...)}
	if slices.Contains(required, true) {
		values = append(values, jen.Id("Required").Op(":").Add(required.words()))
	}
	if slices.Contains(notNull, true) {
		values = append(values, jen.Id("NotNull").Op(":").Add(notNull.words()))
	}
	if len(m.fields) > fewMembers {
		values = append(values, jen.Id("ByName").Op(":").Index().Int32().Values(order...))
	}
	variable := m.allocate("membersOf" + model.UpperFirst(strings.TrimPrefix(m.t.DecodeFunc, "decode")))
	m.Line()
	m.Var().Id(variable).Op("=").Qual(pathTaskJSON, "Members").Add(block(values))
	return variable
}

// A bitSet is a set of fields, by their numbers.
type bitSet []bool

// words prints the set as the runtime has it.
func (s bitSet) words() jen.Code {
	words := make([]uint64, (len(s)+wordBits-1)/wordBits)
	for i, in := range s {
		if in {
			words[i/wordBits] |= 1 << (i % wordBits)
		}
	}
	return jen.Index().Uint64().ValuesFunc(func(g *jen.Group) {
		for _, word := range words {
			g.Id(fmt.Sprintf("%#x", word))
		}
	})
}

// wordOf prints the word of a set that has the bit of field i.
func wordOf(set string, i int) *jen.Statement { return jen.Id(set).Index(jen.Lit(i / wordBits)) }

// bitOf prints the bit of field i in its word.
func bitOf(i int) *jen.Statement { return jen.Lit(1).Op("<<").Lit(i % wordBits) }

// A part is code for consecutive fields.
type part struct {
	to   int  // one more than the number of the last field
	one  bool // the code is for one field and does not ask which it is
	code []jen.Code
}

// parts returns the code for fields from up to to. depth is the number of steps that lead to where they are selected from.
func (m *memberDecoder) parts(from, to, depth int) []part {
	var parts []part
	for from < to {
		n := embedding(m.fields[from], depth)
		if n == 0 || !m.divisible || m.fields[from].Path[n-1].Elem == nil {
			parts = append(parts, part{to: from + 1, one: true, code: m.decodeField(from, depth)})
			from++
			continue
		}
		end := from + sharing(m.fields[from:to], depth, n)
		parts = append(parts, part{to: end, code: m.decodeEmbedded(from, end, depth, n)})
		from = end
	}
	return parts
}

// embedding returns how many steps lead to the first embedded pointer on the way to a field that is deeper than depth; 0: there is
// none.
func embedding(field *model.Field, depth int) int {
	at := slices.IndexFunc(field.Path[depth:], func(s model.Step) bool { return s.Pointer })
	if at < 0 {
		return 0
	}
	return depth + at + 1
}

// sharing returns how many of the fields, one at least, are reached by the steps from depth to n of the first one.
func sharing(fields []*model.Field, depth, n int) int {
	first := fields[0].Path[depth:n]
	for i, field := range fields {
		if len(field.Path) <= n || !slices.EqualFunc(field.Path[depth:n], first, sameStep) {
			return i
		}
	}
	return len(fields)
}

func sameStep(a, b model.Step) bool { return a.Name == b.Name }

// decodeEmbedded returns the statements that decode the member i, one of the fields from up to to, which are reached through the
// embedded pointer at the end of n steps.
func (m *memberDecoder) decodeEmbedded(from, to, depth, n int) []jen.Code {
	elem := m.fields[from].Path[n-1].Elem
	ptr := jen.Id(m.v)
	for _, step := range m.fields[from].Path[depth:n] {
		ptr.Dot(step.Name)
	}
	decode := m.function(elem, m.switched(m.parts(from, to, n), elem))
	return []jen.Code{
		jen.If(ptr.Clone().Op("==").Nil()).Block(ptr.Clone().Op("=").New(m.source(elem))),
		m.call(decode, ptr),
	}
}

// switched returns the statements that do the one of the parts that member i belongs to. typ is the type that v points to.
func (m *memberDecoder) switched(parts []part, typ model.Source) []jen.Code {
	if m.divisible && len(parts) > maxParts {
		var chunks []part
		for chunk := range slices.Chunk(parts, maxParts) {
			decode := m.function(typ, m.switched(chunk, typ))
			chunks = append(chunks, part{to: chunk[len(chunk)-1].to, code: []jen.Code{m.call(decode, jen.Id(m.v))}})
		}
		return m.switched(chunks, typ)
	}
	var ranges []part
	for len(parts) > 0 {
		n := max(1, slices.IndexFunc(parts, func(p part) bool { return !p.one }))
		if !slices.ContainsFunc(parts, func(p part) bool { return !p.one }) {
			n = len(parts)
		}
		code := parts[0].code
		if parts[0].one {
			cases := make([]jen.Code, n)
			for i, p := range parts[:n] {
				cases[i] = jen.Case(jen.Lit(p.to - 1)).Block(p.code...)
			}
			code = []jen.Code{jen.Switch(jen.Id(m.i)).Block(cases...)}
		}
		ranges = append(ranges, part{to: parts[n-1].to, code: code})
		parts = parts[n:]
	}
	if len(ranges) == 1 {
		return ranges[0].code
	}
	cases := make([]jen.Code, len(ranges))
	for i, r := range ranges[:len(ranges)-1] {
		cases[i] = jen.Case(jen.Id(m.i).Op("<").Lit(r.to)).Block(r.code...)
	}
	cases[len(ranges)-1] = jen.Default().Block(ranges[len(ranges)-1].code...)
	return []jen.Code{jen.Switch().Block(cases...)}
}

// function prints a function that decodes member i of the struct of type typ that v points to, and returns its name.
func (m *memberDecoder) function(typ model.Source, body []jen.Code) string {
	params := []jen.Code{jen.Id(m.d).Op("*").Qual(pathTaskJSON, "Decoder"), jen.Id(m.v).Op("*").Add(m.source(typ)), jen.Id(m.i).Int()}
	if m.hasValued() {
		params = append(params, jen.Id(m.valued).Index().Uint64())
	}
	return m.partFunc(m.t.DecodeFunc, &m.functions, params, body)
}

// call prints the call of what function has printed.
func (m *memberDecoder) call(decode string, v jen.Code) jen.Code {
	args := []jen.Code{jen.Id(m.d), v, jen.Id(m.i)}
	if m.hasValued() {
		args = append(args, all(m.valued))
	}
	return jen.Id(decode).Call(args...)
}

// partFunc prints a function that does a part of what another does, the first of which has number 1, and returns its name.
func (f *File) partFunc(of string, count *int, params, body []jen.Code) string {
	*count++
	name := f.allocate(fmt.Sprintf("%sPart%d", of, *count))
	f.Line()
	f.Func().Id(name).Params(params...).Block(body...)
	return name
}

// decodeField returns the statements that decode the member that belongs to a field.
func (m *memberDecoder) decodeField(i, depth int) []jen.Code {
	field, d := m.fields[i], jen.Id(m.d)
	if hasValueBit(field) {
		method := "Value"
		if field.Quoted {
			method = "QuotedValue"
		}
		d.Dot(method).Call(jen.Op("&").Add(wordOf(m.valued, i)), bitOf(i))
	}
	return m.decodeValue(field.Type, d, m.fieldPlace(field.Path[depth:], jen.Id(m.v)), field.Quoted)
}

// hasDefault reports whether the field has a default other than the zero value that it has anyway.
func hasDefault(field *model.Field) bool {
	switch field.Type.Kind {
	case model.Bool, model.Int, model.Uint, model.Float, model.String:
		return field.Default != nil && field.Default.JSON != `""` && field.Default.JSON != "0" && field.Default.JSON != "false"
	}
	return field.Default != nil
}

// hasValueBit reports whether a null is told from a value: only then does null leave room for a default.
func hasValueBit(field *model.Field) bool { return hasDefault(field) && !field.NullOK }

func (m *memberDecoder) hasValued() bool { return slices.ContainsFunc(m.fields, hasValueBit) }

// setDefaults returns the statements that give fields their defaults when the payload has no value for them.
func (m *memberDecoder) setDefaults() []jen.Code {
	var body []jen.Code
	for i, field := range m.fields {
		if hasDefault(field) {
			body = append(body, m.setDefault(i))
		}
	}
	if !m.divisible || len(body) <= maxParts {
		return body
	}
	params := []jen.Code{
		jen.Id(m.d).Op("*").Qual(pathTaskJSON, "Decoder"), jen.Id(m.v).Op("*").Add(m.typeExpr(m.t)),
		jen.List(jen.Id(m.seen), jen.Id(m.valued)).Index().Uint64(),
	}
	valued := jen.Nil()
	if m.hasValued() {
		valued = all(m.valued)
	}
	var calls []jen.Code
	for chunk := range slices.Chunk(body, maxParts) {
		set := m.partFunc(m.t.DecodeFunc, &m.functions, params, chunk)
		calls = append(calls, jen.Id(set).Call(jen.Id(m.d), jen.Id(m.v), all(m.seen), valued.Clone()))
	}
	return calls
}

func (m *memberDecoder) setDefault(i int) jen.Code {
	field, given := m.fields[i], m.seen
	if hasValueBit(field) {
		given = m.valued
	}
	p := m.fieldPlace(field.Path, jen.Id(m.v))
	var set jen.Code
	if literal := m.defaultLiteral(field.Type, field.Default.Text); literal != nil {
		set = p.val.Clone().Op("=").Add(literal)
	} else {
		decode := jen.Func().Params(jen.Id(m.d).Op("*").Qual(pathTaskJSON, "Decoder")).
			Block(m.decodeValue(field.Type, jen.Id(m.d), p, false)...)
		set = jen.Id(m.d).Dot("Default").Call(rawLit(field.Default.JSON), decode)
	}
	return jen.If(wordOf(given, i).Op("&").Parens(bitOf(i)).Op("==").Lit(0)).Block(set)
}
