package rules

import "strings"

// MaxURLLength is the length of the longest URL of a task, in bytes once it is encoded.
const MaxURLLength = 2083

// EncodedURLLength returns the length of [EncodeURL]'s result.
func EncodedURLLength(url string) int {
	n := len(url)
	for i := range len(url) {
		if encoded(url[i]) {
			n += 2
		}
	}
	return n
}

// EncodeURL percent-encodes every byte that a URL cannot have: spaces, control characters, what is not ASCII, and "<>\^`{|}. Escapes
// that are there already stay, as do malformed ones. Cloud Tasks stores a task's URL as it is given, and encodes it to send the task.
func EncodeURL(url string) string {
	n := EncodedURLLength(url)
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
