package gen

import (
	"fmt"
	"go/types"
	"slices"
	"strconv"
	"strings"

	"github.com/cloudtaskgen/cloudtaskgen/gen/diag"
	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
)

// checkField reports what is wrong with a field as it is declared, once. Structs that others wrote are left alone.
func (b *typeBuilder) checkField(v *types.Var, tag string) {
	if !b.own(v.Pkg()) || b.checked[v] {
		return
	}
	b.checked[v] = true
	b.checkEmbedded(v, tag)
	if tag != "" {
		b.checkTag(v, tag)
	}
}

// checkTag reports what is wrong with a tag, which encoding/json passes over in silence: a payload would then have another
// name, or be without the option.
func (b *typeBuilder) checkTag(v *types.Var, tag string) {
	fail := func(format string, args ...any) {
		b.report(v.Pos(), "field %s: %s", v.Name(), fmt.Sprintf(format, args...))
	}
	pairs, err := tagPairs(tag)
	if err != nil {
		quoted := strconv.Quote(diag.Clip(tag))
		if strconv.CanBackquote(tag) {
			quoted = "`" + diag.Clip(tag) + "`"
		}
		fail("malformed tag %s: %v", quoted, err)
		return
	}
	for _, p := range pairs {
		switch {
		case p.key != "json" && strings.EqualFold(p.key, "json"), p.key != "default" && strings.EqualFold(p.key, "default"):
			fail("tag key %q: did you mean %q?", p.key, strings.ToLower(p.key))
		case p.key != lenientKey && strings.EqualFold(p.key, lenientKey):
			fail("tag key %q: did you mean %q?", p.key, lenientKey)
		case p.key == lenientKey:
			b.checkLenient(v, tag, p.value, fail)
		case p.key != "default" && p.key != "defaults" && diag.EditDistance(p.key, "default") <= 2:
			fail("tag key %q: did you mean %q?", p.key, "default")
		case p.key == "json" && !v.Exported() && !v.Embedded() && p.value != "-":
			fail("it has a json tag but is not exported, so JSON leaves it out: rename it to %s, or remove the tag", model.UpperFirst(v.Name()))
		case p.key == "json":
			b.checkJSONTag(v, p.value, fail)
		}
	}
}

// checkJSONTag reports a name and options that encoding/json would not use.
func (b *typeBuilder) checkJSONTag(v *types.Var, value string, fail func(format string, args ...any)) {
	name, options, _ := strings.Cut(value, ",")
	switch {
	case name != "" && !isValidName(name):
		fail("the JSON name %q has characters that encoding/json does not accept in a tag; it would use %s", name, v.Name())
	case name == "-" && options != "":
		fail("json:%q gives it the JSON name \"-\": write json:\"-\" to leave it out", value)
	}
	if options == "" {
		return
	}
	known := []string{"omitempty", "omitzero", "string"}
	given := strings.Split(options, ",")
	for i, option := range given {
		switch {
		case option == "": // a comma at the end is usual in json:"-,"
		case slices.Contains(given[:i], option):
			fail("json option %q is given twice", option)
		case option == "inline" && v.Embedded() && name == "": // what encoding/json does anyway; written for other packages
		case !slices.Contains(known, option):
			hint := ""
			if s := diag.Suggest(strings.TrimSpace(option), known); s != "" {
				hint = fmt.Sprintf("; did you mean %s?", s)
			}
			fail("encoding/json has no option %q%s (it has %s)", option, hint, strings.Join(known, ", "))
		case option == "string" && !mayBeQuoted(v.Type()):
			fail("json option \"string\" has no meaning for %s: it is for strings, numbers and booleans", b.text(v.Type()))
		}
	}
}

// mayBeQuoted reports whether encoding/json looks at the option "string" of a field.
func mayBeQuoted(t types.Type) bool {
	basic, ok := followPointer(t).Underlying().(*types.Basic)
	return ok && basic.Info()&(types.IsBoolean|types.IsInteger|types.IsFloat|types.IsString) != 0
}

// A tagPair is one key:"value" of a tag.
type tagPair struct{ key, value string }

// tagPairs reads a whole tag by the rules of reflect.StructTag, which itself stops at what it does not understand.
func tagPairs(tag string) ([]tagPair, error) {
	var pairs []tagPair
	for rest := strings.TrimLeft(tag, " "); rest != ""; {
		end := strings.IndexFunc(rest, func(r rune) bool { return r <= ' ' || r == ':' || r == '"' || r == 0x7f })
		if end <= 0 || rest[end] != ':' || end+1 == len(rest) || rest[end+1] != '"' {
			return nil, fmt.Errorf("want key:%q, separated by spaces", "value")
		}
		key := rest[:end]
		quoted, err := strconv.QuotedPrefix(rest[end+1:])
		if err != nil {
			return nil, fmt.Errorf("the value of %s has no end, or an escape that Go does not have", key)
		}
		value, _ := strconv.Unquote(quoted)
		rest = rest[end+1+len(quoted):]
		if rest != "" && rest[0] != ' ' {
			return nil, fmt.Errorf("want a space after the value of %s", key)
		}
		rest = strings.TrimLeft(rest, " ")
		if (key == "json" || key == "default" || key == lenientKey) && slices.ContainsFunc(pairs, func(p tagPair) bool { return p.key == key }) {
			return nil, fmt.Errorf("%s is given twice", key)
		}
		pairs = append(pairs, tagPair{key, value})
	}
	return pairs, nil
}
