package encodingchanged

import "strconv"

//cloudtask:task
type Move struct {
	To Level `json:"to"`
}

type Level int

// MarshalText writes another text than before.
func (l Level) MarshalText() ([]byte, error) { return []byte("L" + strconv.Itoa(int(l))), nil }

// UnmarshalText reads both.
func (l *Level) UnmarshalText(text []byte) (err error) {
	if len(text) > 0 && text[0] == 'L' {
		text = text[1:]
	}
	*(*int)(l), err = strconv.Atoi(string(text))
	return err
}
