package model

import (
	"strconv"
	"unicode"
	"unicode/utf8"
)

// Locals are the names of the parameters and variables of generated functions that programs call. Nothing else in a generated
// file has such a name.
var Locals = []string{"c", "cfg", "ctx", "data", "dst", "err", "eta", "latest", "opts", "q", "runner", "task", "taskID", "tasks", "zero"}

// Unique returns the first of want, want2, want3 and so on that is free.
func Unique(want string, free func(name string) bool) string {
	name := want
	for i := 2; !free(name); i++ {
		name = want + strconv.Itoa(i)
	}
	return name
}

// UpperFirst returns name with its first letter in upper case.
func UpperFirst(name string) string {
	r, size := utf8.DecodeRuneInString(name)
	return string(unicode.ToUpper(r)) + name[size:]
}
