package gen

import (
	"reflect"
	"strings"
	"testing"
)

// FuzzTag reads hostile tags. What is accepted means to reflect what it means to the generator, and a tag that reflect
// finds a key in is not passed over.
func FuzzTag(f *testing.F) {
	for _, tag := range []string{
		"", " ", `json:"a"`, `json:"a" default:"b"`, `json:"a`, `json: "a"`, `json:a`, `json:"a"default:"b"`, "json:\"\\x00\"", `json:"a" json:"b"`,
		"json:`a`", "\x7fjson:\"a\"", `:"a"`, `json:""`, "json:\"a\"\t", "ж:\"1\" json:\"\xff\"",
	} {
		f.Add(tag)
	}
	f.Fuzz(func(t *testing.T, tag string) {
		pairs, err := tagPairs(tag)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\r") {
				t.Errorf("%q: message is not one line: %v", tag, err)
			}
			return
		}
		seen := map[string]bool{}
		for _, p := range pairs {
			if value, ok := reflect.StructTag(tag).Lookup(p.key); !seen[p.key] && (!ok || value != p.value) {
				t.Errorf("%q: %s is %q, and %q to reflect", tag, p.key, p.value, value)
			}
			seen[p.key] = true
		}
		for _, key := range []string{"json", "default"} {
			if _, ok := reflect.StructTag(tag).Lookup(key); ok && !seen[key] {
				t.Errorf("%q: %s was passed over", tag, key)
			}
		}
	})
}
