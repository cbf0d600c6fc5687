// Package ext holds types of another package for the golden payloads.
package ext

import (
	"bytes"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// Customer has an unexported field, and an exported one of a type that only this package can name.
type Customer struct {
	Name   string    `json:"name"`
	Since  time.Time `json:"since"`
	Rank   rank      `json:"rank,omitempty"`
	secret string
	hidden
}

type rank int

type hidden struct {
	Code string `json:"code,omitempty"`
}

// NewCustomer returns a customer with something in every field.
func NewCustomer(name string) Customer {
	return Customer{Name: name, Since: time.Unix(0, 0).UTC(), Rank: 3, secret: "s", hidden: hidden{Code: "c"}}
}

// Secret returns what no codec gets to see.
func (c Customer) Secret() string { return c.secret }

// Page is a generic struct.
type Page[T any] struct {
	Items []T `json:"items"`
	Next  *T  `json:"next,omitempty"`
}

// Level is an integer that is a word in JSON, through value receivers.
type Level int

// MarshalText returns the level's word.
func (l Level) MarshalText() ([]byte, error) {
	if l < 0 {
		return nil, errors.New("negative level")
	}
	return []byte("level-" + strconv.Itoa(int(l))), nil
}

// UnmarshalText sets the level from its word.
func (l *Level) UnmarshalText(text []byte) error {
	digits, ok := strings.CutPrefix(string(text), "level-")
	n, err := strconv.Atoi(digits)
	if !ok || err != nil {
		return errors.New("no level")
	}
	*l = Level(n)
	return nil
}

// Money has its JSON through pointer receivers only, so that it is a plain struct where its address cannot be taken.
type Money struct {
	Cents int64
}

// MarshalJSON returns the amount with white space that compacting takes away. The two lowest amounts fail.
func (m *Money) MarshalJSON() ([]byte, error) {
	switch m.Cents {
	case math.MinInt64:
		return nil, errors.New("no such amount")
	case math.MinInt64 + 1:
		return []byte(`{"cents":}`), nil
	}
	return []byte(" { \"cents\" : " + strconv.FormatInt(m.Cents, 10) + ", \"note\": \"a < b\" } "), nil
}

// UnmarshalJSON sets the amount.
func (m *Money) UnmarshalJSON(data []byte) error {
	text := string(data)
	if text == "null" {
		m.Cents = -1
		return nil
	}
	_, digits, ok := strings.Cut(text, ":")
	if !ok {
		return errors.New("no money in " + text)
	}
	digits = strings.TrimSpace(digits)
	if end := strings.IndexAny(digits, ",} "); end >= 0 {
		digits = digits[:end]
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	m.Cents = n
	return err
}

// Window has an IsZero method on its pointer.
type Window struct {
	From, To int
}

// IsZero reports whether the window is empty.
func (w *Window) IsZero() bool { return w.From == w.To }

// Plugin is a type like TYPE/1 whose methods believe whatever they are given.
type Plugin struct {
	Type, Version string
}

// MarshalJSON panics where there is no version.
func (p Plugin) MarshalJSON() ([]byte, error) {
	return []byte(`"` + string(p.Type) + "/" + p.Version[:1] + `"`), nil
}

// UnmarshalJSON panics where there is no slash.
func (p *Plugin) UnmarshalJSON(data []byte) error {
	parts := strings.Split(strings.Trim(string(data), `"`), "/")
	p.Type, p.Version = parts[0], parts[1]
	return nil
}

// Grade is a letter in JSON. Its methods panic at others.
type Grade int

// MarshalText panics beyond the last grade.
func (g Grade) MarshalText() ([]byte, error) { return []byte{"ABCDEF"[g]}, nil }

// UnmarshalText panics with an error where there is no grade.
func (g *Grade) UnmarshalText(text []byte) error {
	at := strings.Index("ABCDEF", string(text))
	if at < 0 || len(text) != 1 {
		panic(errors.New("no grade"))
	}
	*g = Grade(at)
	return nil
}

// Span panics when it is asked whether it is zero and is not in order.
type Span struct {
	From, To int
}

// IsZero reports whether the span is empty.
func (s *Span) IsZero() bool {
	if s.From > s.To {
		panic("span is not in order")
	}
	return s.From == s.To
}

// Label can be any key, and is one that cannot be in a map when it is "list".
type Label struct {
	Value any
}

// MarshalText returns the label's text.
func (l Label) MarshalText() ([]byte, error) {
	if text, ok := l.Value.(string); ok {
		return []byte(text), nil
	}
	return []byte("none"), nil
}

// UnmarshalText sets the label.
func (l *Label) UnmarshalText(text []byte) error {
	l.Value = string(text)
	if string(text) == "list" {
		l.Value = []string{}
	}
	return nil
}

// Tail is text to whose end its methods append, as if the rest of what they are given were theirs, too.
type Tail string

// UnmarshalJSON sets the text.
func (t *Tail) UnmarshalJSON(data []byte) error {
	*t = Tail(bytes.Trim(append(data, "#####"...), `"`))
	return nil
}

// MarshalJSON returns the text.
func (t Tail) MarshalJSON() ([]byte, error) {
	return []byte(`"` + strings.TrimRight(string(t), `"#`) + `"`), nil
}

// Tip is Tail with text methods.
type Tip string

// UnmarshalText sets the text.
func (t *Tip) UnmarshalText(text []byte) error {
	*t = Tip(append(text, "#####"...))
	return nil
}

// MarshalText returns the text.
func (t Tip) MarshalText() ([]byte, error) { return []byte(strings.TrimRight(string(t), "#")), nil }
