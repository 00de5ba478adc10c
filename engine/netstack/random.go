package netstack

import (
	"io"
	insecure "math/rand"
	"math/rand/v2"
	"sync"
)

// A seededReader is what the stack takes for its secure random numbers: always the same.
type seededReader struct {
	mu  sync.Mutex
	rng *rand.ChaCha8
}

func newSeededReader() io.Reader { return &seededReader{rng: rand.NewChaCha8([32]byte{})} }

// Read implements io.Reader.
func (r *seededReader) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rng.Read(p)
}

// A seededSource is what the stack takes its other random numbers from.
type seededSource struct {
	mu  sync.Mutex
	src insecure.Source
}

func newSeededSource() insecure.Source { return &seededSource{src: insecure.NewSource(1)} }

// Int63 implements rand.Source.
func (s *seededSource) Int63() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.src.Int63()
}

// Seed implements rand.Source.
func (s *seededSource) Seed(seed int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.src.Seed(seed)
}
