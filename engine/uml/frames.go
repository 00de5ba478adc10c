package uml

import (
	"fmt"
	"path/filepath"

	"tcpdrill/engine/frame"
	"tcpdrill/engine/kernel"
)

// Kinds of frames from a guest.
const (
	frameHello   frame.Kind = 'h' // a hello
	frameMessage frame.Kind = 'm' // what the worker emitted
	frameDone    frame.Kind = 'd' // the job is done; its error's text
)

// A task is what a guest is to do next, as JSON in a file of its folder.
type task struct {
	// Env and Dir are what workers inherit.
	Env []string
	Dir string
	Job kernel.Job
}

// taskName is the file of a guest's nth task, from 1. Each has a file of its
// own, since hostfs remembers what it has read.
func taskName(folder string, n int) string {
	return filepath.Join(folder, fmt.Sprintf("task-%d", n))
}

// A hello says that a guest waits for jobs, or why it can't have any, as JSON.
type hello struct {
	Release string // "6.12.9"
	Virtual bool   // its time is
	Err     string `json:",omitempty"`
}

// What a guest has for its serial lines.
const (
	framesLine   = "/dev/ttyS0"
	gateLine     = "/dev/ttyS1"
	progressLine = "/dev/ttyS2"
)

// gateSize is what a guest writes to pass the gate: the smallest pipe's size.
const gateSize = 4096

// guestEnv marks a guest's init, and is the guest's folder. It is set on the
// kernel's command line.
const guestEnv = "TCPDRILL_GUEST"
