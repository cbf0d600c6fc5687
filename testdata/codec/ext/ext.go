// Package ext holds types of another package for the golden payloads.
package ext

import (
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
