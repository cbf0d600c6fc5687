package compare

import (
	"fmt"
	"runtime/debug"
)

// panicked is the error of a call that panicked, as methods of public types do.
type panicked struct {
	value any
	stack []byte
}

func (p panicked) Error() string { return fmt.Sprintf("panic: %v", p.value) }

// safely calls f, and returns its error or its panic.
func safely(f func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = panicked{value: value, stack: debug.Stack()}
		}
	}()
	return f()
}
