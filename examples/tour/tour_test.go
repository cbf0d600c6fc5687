package main

import (
	"bytes"
	"testing"
)

// TestTour plays the tour like go run ./examples/tour. The tour checks itself.
func TestTour(t *testing.T) {
	var out bytes.Buffer
	if err := tour(t.Context(), &out, ""); err != nil {
		t.Fatalf("%v\n%s", err, out.Bytes())
	}
}
