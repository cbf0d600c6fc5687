package main

import (
	"testing"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtasktest"
)

func TestGreet(t *testing.T) {
	q := cloudtasktest.New(t, Routes()...)
	if _, err := EnqueueGreetAsap(t.Context(), q.Client, Greet{Name: "World"}); err != nil {
		t.Fatal(err)
	}
	q.RunAll()
	cloudtasktest.Only(t, EnqueuedGreet(q), Greet{Name: "World"}).Want(t, cloudtasktest.Executed)
}
