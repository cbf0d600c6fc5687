//go:build !unix

package localqueue_test

import "testing"

func reportCPU(_ *testing.B, f func()) { f() }
