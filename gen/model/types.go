package model

// Kind is what a type is to its codec: the structure that encoding/json sees under its name.
type Kind int

// The kinds. Which method of the codec runtime a scalar uses follows from Type.Basic.
const (
	Opaque     Kind = iota // has methods for its JSON, so that nothing need be known about it
	Bool                   // Basic
	Int                    // Basic
	Uint                   // Basic
	Float                  // Basic
	String                 // Basic
	Bytes                  // a slice of bytes, Elem: base64
	Slice                  // Elem
	Array                  // Elem, Len
	Map                    // Key, Elem
	Pointer                // Elem
	StructKind             // Struct
	Any                    // interface types; Basic is "any" when it has no methods
	RawMessage             // json.RawMessage
	Number                 // json.Number
	Time                   // time.Time
)

// Via is how a value gets to JSON or back.
type Via int

// The ways.
const (
	Structure  Via = iota // by its Kind
	JSONMethod            // MarshalJSON, UnmarshalJSON
	TextMethod            // MarshalText, UnmarshalText
)

// Type is a Go type as its codec needs it. Types are shared and may be cyclic.
type Type struct {
	Kind   Kind
	Name   string // of a declared type, with that of its package and its type arguments, such as shop.Box[int]; "" for others
	Source Source // its spelling in the package; nil: see Inferred
	Basic  string // scalars: the predeclared type under its name, such as "int64"
	Key    *Type
	Elem   *Type
	Len    int64

	Struct *Struct // of a StructKind: what is encoded

	Inferred *Inferred // of a type that the package cannot spell; nil: it can

	Append, Decode         Via
	AppendFunc, DecodeFunc string // the functions that do it by structure; "": written in place
	Base64                 bool   // of a Slice: a string is taken for bytes in base64

	// Constant is a constant of a declared type that is not its zero value, as a Go literal; "" where there is none.
	Constant string

	// AppendResult is the name of the function that appends a Run result of this type; "" where there is none.
	AppendResult string
}

// Inferred says what lets Go infer a type. The functions of its codec stand inside of those that need them, and find their value
// in a variable, because there is no way to write the type of a parameter.
type Inferred struct {
	Var   string // the package-level variable that points to a value of the type
	Of    *Type  // a type that has such values in it
	Field *Field // the field that is one; nil: what a pointer, slice, array or map has in it
}

// Codec says which functions to print for a type: AppendFunc and DecodeFunc, on their own unless the type is inferred.
type Codec struct {
	Type           *Type
	Append, Decode bool
	Task           bool // print the exported AppendX and DecodeX, too
}

// Struct is what is encoded of a struct type.
type Struct struct {
	Type   *Type
	Fields []*Field // as encoding/json selects and orders them

	Complete bool // Fields are all there: only while the model is built are they not
}

// Field returns the field that is reached as goName from outside the struct, or nil when there is none that is encoded.
func (s *Struct) Field(goName string) *Field {
	for _, f := range s.Fields {
		if f.GoName == goName {
			return f
		}
	}
	return nil
}

// Field is a field of a struct as encoding/json sees it after its dominance rules.
type Field struct {
	Name   string // JSON name
	GoName string // Go name
	Path   []Step // how to reach it: embedded fields first, the field itself last
	Type   *Type

	Omit     []Omit   // left out of the JSON when any of these holds
	Quoted   bool     // the ",string" option
	Required bool     // a payload without it is refused
	NullOK   bool     // null is a value of it, so that it counts as present
	Default  *Default // what a missing field gets; nil: its zero value
	Pos      Position
}

// Step is one selector on the way to a field.
type Step struct {
	Name    string // Go name
	Pointer bool   // an embedded pointer: nil leaves the field out, decoding allocates it
	Elem    Source // of an embedded pointer: the struct's type; nil: the package cannot spell it
	Implied bool   // the selector of what comes next means the same without this one, once the pointer is known not to be nil
}

// Omit is a condition under which a field is left out.
type Omit int

// The conditions, as encoding/json's omitempty and omitzero have them.
const (
	OmitLen     Omit = iota // its length is 0
	OmitFalse               // it is false
	OmitNumber              // it is 0
	OmitNil                 // it is nil
	OmitMethod              // its IsZero method says so
	OmitNilOr               // it is nil, or its IsZero method says so
	OmitCompare             // it equals its type's zero value
	OmitReflect             // reflection says that it is its type's zero value
	OmitAlways              // it is an array of length 0
)

// Default is what a default tag says.
type Default struct {
	Text string // the tag's text
	JSON string // the JSON that stands for it
}
