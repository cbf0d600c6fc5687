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
		{taskRemoved, true, false, "no task answers to a task's name any more"},
		{aliasRemoved, true, false, "no task answers to a former name any more"},
		{taskRenamed, false, true, "the version before does not know a task's new name"},
		{fieldRemoved, false, true, "the version before requires a field that is gone"},
		{fieldRenamed, true, true, "a field has another name in JSON"},
		{fieldRetyped, true, true, "a field's new type does not read every value of the old one, or the other way round"},
		{fieldRequired, true, false, "a required field is not in every payload of the version before"},
		{fieldOptional, false, true, "a field that the version before requires may be left out"},
		{defaultChanged, true, true, "a field that can be left out gets another default"},
		{uniqueChanged, true, true, "tasks that were one are two for as long as both versions run"},
		{encodingChanged, false, true, "a type that writes its own JSON writes another for the same value"},
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
