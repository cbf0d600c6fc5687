package payloadunreadable

import "errors"

//cloudtask:task
type Archive struct {
	Path  string `json:"path"`
	Depth *int64 `json:"depth"`
	Kind  Kind   `json:"kind"`
}

type Kind string

func (k Kind) MarshalText() ([]byte, error) { return []byte("kind:" + string(k)), nil }

func (k *Kind) UnmarshalText(text []byte) error {
	if len(text) < 5 {
		return errors.New("no kind")
	}
	*k = Kind(text[5:])
	return nil
}
