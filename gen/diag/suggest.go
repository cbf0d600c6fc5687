package diag

import (
	"math"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clip shortens text that a message quotes.
func Clip(text string) string {
	const most = 120
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "..."
	}
	return text
}

// Suggest returns the candidate that word most likely stands for; "" when none is near.
func Suggest(word string, candidates []string) string {
	fold := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r == '_' || r == '-' {
				return -1
			}
			return unicode.ToLower(r)
		}, s)
	}
	// Longer words are not typing mistakes, and distance costs the product of the lengths.
	if word == "" || utf8.RuneCountInString(word) > 64 {
		return ""
	}
	type near struct {
		name     string
		distance int
	}
	best := near{distance: math.MaxInt}
	for _, c := range candidates {
		limit := max(1, len(c)/3)
		// What shares no letter is not near.
		if d := EditDistance(fold(word), fold(c)); d <= limit && d < best.distance && d < utf8.RuneCountInString(c) {
			best = near{c, d}
		}
	}
	return best.name
}

// EditDistance is the number of runes to insert, delete, replace or swap with their neighbour to get from a to b.
func EditDistance(a, b string) int {
	s, t := []rune(a), []rune(b)
	before, prev := make([]int, len(t)+1), make([]int, len(t)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(s); i++ {
		row := make([]int, len(t)+1)
		row[0] = i
		for j := 1; j <= len(t); j++ {
			cost := 1
			if s[i-1] == t[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, prev = prev, row
	}
	return prev[len(t)]
}
