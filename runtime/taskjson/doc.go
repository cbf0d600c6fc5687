// Package taskjson is the runtime of generated payload codecs: an [Encoder] that appends JSON to a byte slice and a
// [Decoder] that reads it, both without reflection.
//
// Only generated code calls this package. It may change in any version, together with the generator, and is not covered by the
// promise of compatibility. Programs call the generated AppendX and DecodeX.
//
// The encoder writes the same bytes as encoding/json with HTML escaping off. The decoder reads what encoding/json reads into a
// zero value, with four differences that catch mistakes: names match exactly (encoding/json ignores case), a struct's field
// must not be given twice, required fields must be present, and nothing may follow the payload.
//
// Both keep the first error and ignore every call after it, so generated code reads as a list of fields. The error names the
// value by its path, such as payload.items[3].quantity. The path is worked out from the JSON only after an error: it costs
// nothing otherwise.
package taskjson

// MaxDepth is how deeply arrays and objects may be nested, the same as in encoding/json.
const MaxDepth = 10_000
