package encodingchanged

import "strconv"

//cloudtask:task
type Move struct {
	To Level `json:"to"`
}

type Level int

func (l Level) MarshalText() ([]byte, error) { return []byte(strconv.Itoa(int(l))), nil }

func (l *Level) UnmarshalText(text []byte) (err error) {
	*(*int)(l), err = strconv.Atoi(string(text))
	return err
}
