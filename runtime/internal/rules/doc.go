// Package rules is what Cloud Tasks allows: names and ids, limits and defaults, headers, sizes, URLs, status codes, and the address
// of an emulator. Each rule is here once, and every other package of the runtime goes by it. It imports the standard library only.
package rules
