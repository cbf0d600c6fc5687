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
	// maxPageBytes ends a page of tasks in the full view early: a page is one message to a client, and gRPC's default limit
	// for one is 4 MiB. The rest is for names and times.
	maxPageBytes = 3 << 20

	tokenLife = 2 * time.Hour
)

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
		return "", errPageToken()
	}
	of, rest, ok1 := strings.Cut(string(text), "\n")
	expires, position, ok2 := strings.Cut(rest, "\n")
	end, err := strconv.ParseInt(expires, 10, 64)
	if !ok1 || !ok2 || err != nil || of != parent || position == "" {
		return "", errPageToken()
	}
	if now.Unix() >= end {
		return "", invalid("The page token has expired: it is good for two hours.")
	}
	return position, nil
}

func errPageToken() error {
	return invalid("The page token is invalid: it must be the next page token of an answer for the same list.")
}
