// Package taskurl encodes the URLs of tasks, which Cloud Tasks stores as they are given and makes fit for HTTP when it sends
// a task.
package taskurl

import "strings"

// EncodedLength returns the length of [Encode]'s result.
func EncodedLength(url string) int {
	n := len(url)
	for i := range len(url) {
		if encoded(url[i]) {
			n += 2
		}
	}
	return n
}

// Encode percent-encodes every byte that may not stand in a URL: spaces, control characters, what is not ASCII, and
// "<>\^`{|}. Escapes that are there already stay, as do malformed ones.
func Encode(url string) string {
	n := EncodedLength(url)
	if n == len(url) {
		return url
	}
	const hex = "0123456789ABCDEF"
	b := make([]byte, 0, n)
	for i := range len(url) {
		if c := url[i]; encoded(c) {
			b = append(b, '%', hex[c>>4], hex[c&15])
		} else {
			b = append(b, c)
		}
	}
	return string(b)
}

func encoded(c byte) bool {
	return c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>\\^`{|}", c) >= 0
}
