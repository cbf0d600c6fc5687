package lock

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// retention is how long Cloud Tasks keeps a task.
const retention = 31 * 24 * time.Hour

// prune returns the day before which everything is forgotten.
func (c *checker) prune() (string, error) {
	if c.opts.Prune == "" {
		return "", nil
	}
	day, err := time.Parse(time.DateOnly, c.opts.Prune)
	if err != nil {
		return "", fmt.Errorf("-prune %s: want a day, such as 2006-01-02", c.opts.Prune)
	}
	if c.opts.Now.Sub(day) < retention {
		return "", fmt.Errorf("-prune %s: tasks can be in flight for 31 days, so only older payloads can be forgotten", c.opts.Prune)
	}
	return c.opts.Prune, nil
}

// accept sorts the breaks that have not been accepted into the result, and returns what the lock records. With Against, what
// the lock has accepted since then counts, too: what had been before is about other changes.
func (c *checker) accept(breaks []Break, accepts []Acceptance) ([]Acceptance, error) {
	since := slices.Clone(c.working.Accepted)
	for _, a := range c.base.Accepted {
		if i := slices.Index(since, a); i >= 0 {
			since = slices.Delete(since, i, i+1)
		}
	}
	covers := func(b Break) func(Acceptance) bool {
		return func(a Acceptance) bool { return a.Rule == b.Rule && a.Subject == b.Subject }
	}
	var used []Acceptance // of those since then
	unused := slices.Clone(accepts)
	for _, b := range breaks {
		switch i := slices.IndexFunc(since, covers(b)); {
		case i >= 0:
			if !slices.Contains(used, since[i]) {
				used = append(used, since[i])
			}
		case !slices.ContainsFunc(accepts, covers(b)):
			c.res.Breaks = append(c.res.Breaks, b)
		}
		unused = slices.DeleteFunc(unused, covers(b))
	}
	slices.SortStableFunc(c.res.Breaks, func(a, b Break) int {
		return cmp.Or(
			cmp.Compare(a.Pos.File, b.Pos.File), cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Column, b.Pos.Column),
			cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Subject, b.Subject))
	})
	if len(unused) > 0 {
		return nil, fmt.Errorf("-accept %s:%s: no such break%s", unused[0].Rule, unused[0].Subject, listed(breaks))
	}
	recorded := c.working.Accepted
	if c.opts.Write && c.base != c.working {
		recorded = slices.Concat(c.base.Accepted, used)
	}
	return slices.Concat(recorded, accepts), nil
}

func listed(breaks []Break) string {
	if len(breaks) == 0 {
		return ", nor any other"
	}
	var names []string
	for _, b := range breaks {
		names = append(names, b.Rule+":"+b.Subject)
	}
	return "; there is " + strings.Join(names, ", ")
}

// parseAccept reads RULE:SUBJECT.
func parseAccept(text string) (rule, subject string, err error) {
	rule, subject, ok := strings.Cut(text, ":")
	switch {
	case !ok || subject == "":
		return "", "", fmt.Errorf("-accept %s: want RULE:SUBJECT, such as %s:SendWelcomeEmail.user_id", text, fieldRemoved)
	case !slices.Contains(ruleIDs(), rule):
		return "", "", fmt.Errorf("-accept %s: there is no rule %s; the rules are %s", text, rule, strings.Join(ruleIDs(), ", "))
	}
	return rule, subject, nil
}
