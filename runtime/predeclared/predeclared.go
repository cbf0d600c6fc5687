// Package predeclared gives Go's predeclared identifiers other names.
//
// A package that declares error, string or len itself can no longer name Go's. Generated code in such a package uses this one.
//
// Only generated code calls this package. It may change in any version, together with the generator, and is not covered by the
// promise of compatibility.
package predeclared

import "reflect"

// The predeclared types. An alias is the type itself, so signatures do not change.
type (
	Any        = any
	Bool       = bool
	Byte       = byte
	Complex128 = complex128
	Complex64  = complex64
	Error      = error
	Float32    = float32
	Float64    = float64
	Int        = int
	Int16      = int16
	Int32      = int32
	Int64      = int64
	Int8       = int8
	Rune       = rune
	String     = string
	Uint       = uint
	Uint16     = uint16
	Uint32     = uint32
	Uint64     = uint64
	Uint8      = uint8
	Uintptr    = uintptr
)

// The predeclared constants, but for iota.
const (
	True  = true
	False = false
)

// Len is len. It takes whatever len does, at the cost of reflection.
func Len[T any](v T) int { return reflect.ValueOf(v).Len() }

// IsNil is v == nil, for whatever may be compared with nil.
func IsNil[T any](v T) bool { return reflect.ValueOf(&v).Elem().IsNil() }

// New is new(T) of a type.
func New[T any]() *T { return new(T) }

// PointerTo is new(v) of a value.
func PointerTo[T any](v T) *T { return new(v) }
