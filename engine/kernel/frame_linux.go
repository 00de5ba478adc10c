package kernel

import (
	"encoding/binary"
	"fmt"
	"io"
)

// A frameKind says what a frame between parent and worker is.
type frameKind byte

const (
	framePaths   frameKind = 'p' // to the worker: Job.Paths, each ended by 0
	frameJob     frameKind = 'j' // to the worker: Job.Payload
	frameReady   frameKind = 'r' // from the worker: it waits for its job
	frameMessage frameKind = 'm' // from the worker: emitted
	frameDone    frameKind = 'd' // from the worker: the runner returned; its error's text
	frameFailed  frameKind = 'f' // from the worker: it could not be set up; why
)

const (
	frameHeader = 5 // kind and length, 32 bits little-endian
	maxFrame    = 1 << 30
)

func appendFrame(b []byte, kind frameKind, payload []byte) []byte {
	b = append(b, byte(kind))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(payload)))
	return append(b, payload...)
}

func readFrame(r io.Reader) (frameKind, []byte, error) {
	var h [frameHeader]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return 0, nil, err
	}
	n := binary.LittleEndian.Uint32(h[1:])
	if n > maxFrame {
		return 0, nil, fmt.Errorf("frame of %d bytes", n)
	}
	payload := make([]byte, n)
	_, err := io.ReadFull(r, payload)
	return frameKind(h[0]), payload, err
}
