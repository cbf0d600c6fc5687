package resource

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// The most items of a page.
const (
	MaxTaskPage  = 1000
	MaxQueuePage = 9800
	tokenLife    = 2 * time.Hour
)

// Page selects a part of a list.
type Page struct {
	Size  int    // 0 or more than the maximum: the maximum, 1000 tasks or 9800 queues
	Token string // of the page before; "" is the first page. Good for two hours and for the same list only
}

// Limit returns the number of items that the page may have, at most most.
func (p Page) Limit(most int) (int, error) {
	switch {
	case p.Size < 0:
		return 0, Invalid("The page size must not be negative: it is %d.", p.Size)
	case p.Size == 0 || p.Size > most:
		return most, nil
	}
	return p.Size, nil
}

// NextPageToken returns the token of the page after position in the list of parent.
func NextPageToken(parent, position string, now time.Time) string {
	text := parent + "\n" + strconv.FormatInt(now.Add(tokenLife).Unix(), 10) + "\n" + position
	return base64.RawURLEncoding.EncodeToString([]byte(text))
}

// After returns the position that the page begins after; "" for the first page.
func (p Page) After(parent string, now time.Time) (string, error) {
	if p.Token == "" {
		return "", nil
	}
	text, err := base64.RawURLEncoding.DecodeString(p.Token)
	if err != nil {
		return "", BadPageToken()
	}
	of, rest, ok1 := strings.Cut(string(text), "\n")
	expires, position, ok2 := strings.Cut(rest, "\n")
	end, err := strconv.ParseInt(expires, 10, 64)
	if !ok1 || !ok2 || err != nil || of != parent || position == "" {
		return "", BadPageToken()
	}
	if now.Unix() >= end {
		return "", Invalid("The page token has expired: it is good for two hours.")
	}
	return position, nil
}

// BadPageToken is the error of a call with a page token that no list gave.
func BadPageToken() error {
	return Invalid("The page token is invalid: it must be the next page token of an answer for the same list.")
}
