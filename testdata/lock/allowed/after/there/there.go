package there

// Moves has moved to another package: its URL is the same. So has its type, which has JSON of its own.
//
//cloudtask:task
type Moves struct {
	Kind Kind `json:"kind"`
}

type Kind string

func (k Kind) MarshalText() ([]byte, error) { return []byte(k), nil }

func (k *Kind) UnmarshalText(text []byte) error {
	*k = Kind(text)
	return nil
}
