package payloadunreadable

import "errors"

// Archive has a field again that it had two versions ago, of another type, and a type that does not read any more what it
// wrote.
//
//cloudtask:task
type Archive struct {
	Path  string `json:"path"`
	Depth string `json:"depth,omitempty"`
	Kind  Kind   `json:"kind"`
}

type Kind string

func (k Kind) MarshalText() ([]byte, error) { return []byte("kind:" + string(k)), nil }

func (k *Kind) UnmarshalText(text []byte) error {
	if len(text) < 5 || string(text[5:]) == "a text" {
		return errors.New("no kind")
	}
	*k = Kind(text[5:])
	return nil
}
