package lock

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// A Rule is one kind of break.
type Rule struct {
	ID       string
	InFlight bool // this version may not run tasks in flight as they were meant
	Rolling  bool // the version before may not run tasks of this one, while both are there or after a roll-back
	Purpose  string
}

// The rules, by which breaks are named and accepted.
const (
	taskRemoved       = "task-removed"
	taskRenamed       = "task-renamed"
	aliasRemoved      = "alias-removed"
	fieldRemoved      = "field-removed"
	fieldRenamed      = "field-renamed"
	fieldRetyped      = "field-retyped"
	fieldRequired     = "field-required"
	fieldOptional     = "field-optional"
	defaultChanged    = "default-changed"
	uniqueChanged     = "unique-changed"
	encodingChanged   = "encoding-changed"
	payloadUnreadable = "payload-unreadable"
)

// Rules returns the rules in the order in which help lists them.
func Rules() []Rule {
	return []Rule{
		{taskRemoved, true, false, "a task type is gone, and no other one has its name"},
		{aliasRemoved, true, false, "an alias is gone, and no task type has it as its name"},
		{taskRenamed, false, true, "the previous version does not know a task type's new name"},
		{fieldRemoved, false, true, "the previous version requires a field that is gone"},
		{fieldRenamed, true, true, "a field has another name in JSON"},
		{fieldRetyped, true, true, "a field's new type does not decode every value of the old one, or the other way round"},
		{fieldRequired, true, false, "a required field is missing from some payloads of the previous version"},
		{fieldOptional, false, true, "a field that the previous version requires may be left out"},
		{defaultChanged, true, true, "a field that may be left out has another default"},
		{uniqueChanged, true, true, "tasks that were duplicates are not, while both versions run"},
		{encodingChanged, false, true, "a type with its own JSON encoding encodes the same value differently"},
		{payloadUnreadable, true, false, "today's code does not decode a payload of an earlier version"},
	}
}

// breaks says what a rule's breaks are about.
func (r Rule) breaks() string {
	switch {
	case r.InFlight && r.Rolling:
		return "both"
	case r.InFlight:
		return "tasks in flight"
	}
	return "a rolling deploy"
}

// WriteRules writes the rules for people.
func WriteRules(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range Rules() {
		fmt.Fprintf(tw, "  %s\t%s\t%s\n", r.ID, r.breaks(), r.Purpose)
	}
	return tw.Flush()
}

func ruleIDs() []string {
	var ids []string
	for _, r := range Rules() {
		ids = append(ids, r.ID)
	}
	return ids
}
