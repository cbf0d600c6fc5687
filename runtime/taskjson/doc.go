// Package taskjson is what generated payload codecs are made of: an [Encoder] that appends JSON to a byte slice and a
// [Decoder] that reads it, without reflection. It has no other job; programs call the generated AppendX and DecodeX.
//
// What it writes is, byte for byte, what encoding/json writes with HTML escaping off. What it reads into a value is
// what encoding/json reads into a zero value, with four differences that keep mistakes from passing in silence: names
// match exactly (encoding/json ignores their case), a field of a struct given twice is an error, required fields must
// be there, and nothing may follow the payload.
//
// Both keep the first error and turn everything after it into nothing, so that generated code reads as a list of
// fields. The error names the value by its path, such as payload.items[3].quantity. The path is worked out from the
// JSON only once there is an error, so that it costs nothing otherwise.
package taskjson

// MaxDepth is how deeply arrays and objects may be nested, the same as in encoding/json.
const MaxDepth = 10_000
