//go:build !linux

package main

import "time"

var began = time.Now()

// cpuTime returns the time since the program began: the processor time is not to be had here.
func cpuTime() time.Duration { return time.Since(began) }
