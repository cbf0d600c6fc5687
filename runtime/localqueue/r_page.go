package localqueue

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

const (
	maxTaskPage  = 1000
	maxQueuePage = 9800
	tokenLife    = 2 * time.Hour
)

// Page selects a part of a list.
type Page struct {
	Size  int    // 0 or more than the maximum: the maximum, 1000 tasks or 9800 queues
	Token string // of the page before; "" is the first page. Good for two hours and for the same list only
}

// size returns how many items the page may have.
func (p Page) size(max int) (int, error) {
	switch {
	case p.Size < 0:
		return 0, invalid("The page size must not be negative: it is %d.", p.Size)
	case p.Size == 0 || p.Size > max:
		return max, nil
	}
	return p.Size, nil
}

// pageToken returns the token of the page after position in the list of parent.
func pageToken(parent, position string, now time.Time) string {
	text := parent + "\n" + strconv.FormatInt(now.Add(tokenLife).Unix(), 10) + "\n" + position
	return base64.RawURLEncoding.EncodeToString([]byte(text))
}

// position returns the position that the page begins after, "" for the first page.
func (p Page) position(parent string, now time.Time) (string, error) {
	if p.Token == "" {
		return "", nil
	}
	text, err := base64.RawURLEncoding.DecodeString(p.Token)
	if err != nil {
		return "", badPageToken()
	}
	of, rest, ok1 := strings.Cut(string(text), "\n")
	expires, position, ok2 := strings.Cut(rest, "\n")
	end, err := strconv.ParseInt(expires, 10, 64)
	if !ok1 || !ok2 || err != nil || of != parent || position == "" {
		return "", badPageToken()
	}
	if now.Unix() >= end {
		return "", invalid("The page token has expired: it is good for two hours.")
	}
	return position, nil
}

func badPageToken() error {
	return invalid("The page token is invalid: it must be the next page token of an answer for the same list.")
}
