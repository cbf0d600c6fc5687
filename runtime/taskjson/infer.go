package taskjson

// These functions let generated code use types that it cannot name: the compiler infers them from the arguments.

// NewPointee returns a new value of the type that p points to.
func NewPointee[T any](p *T) *T { return new(T) }

// NewElem returns a new value of the type of a slice's elements.
func NewElem[S ~[]E, E any](S) *E { return new(E) }

// NewValue returns a new value of the type of a map's values.
func NewValue[M ~map[K]V, K comparable, V any](M) *V { return new(V) }

// ZeroValue returns the zero value of the type of a map's values.
func ZeroValue[M ~map[K]V, K comparable, V any](M) (v V) { return v }

// ZeroKey returns the zero value of the type of a map's keys.
func ZeroKey[M ~map[K]V, K comparable, V any](M) (k K) { return k }

// NoValues returns an empty slice of the type of a map's values.
func NoValues[M ~map[K]V, K comparable, V any](M) []V { return nil }
