// Package frame puts messages on a stream of bytes between processes.
package frame

import (
	"encoding/binary"
	"fmt"
	"io"
)

// A Kind says what a frame is. Each stream has its own.
type Kind byte

const (
	header = 5 // kind and length, 32 bits little-endian
	most   = 1 << 30
)

// Append appends a frame to b.
func Append(b []byte, kind Kind, payload []byte) []byte {
	b = append(b, byte(kind))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(payload)))
	return append(b, payload...)
}

// Read reads a frame. The error is io.EOF if the stream ends before one.
func Read(r io.Reader) (Kind, []byte, error) {
	var h [header]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return 0, nil, err
	}
	n := binary.LittleEndian.Uint32(h[1:])
	if n > most {
		return 0, nil, fmt.Errorf("frame of %d bytes", n)
	}
	payload := make([]byte, n)
	_, err := io.ReadFull(r, payload)
	return Kind(h[0]), payload, err
}
