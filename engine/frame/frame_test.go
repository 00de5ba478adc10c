package frame

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

func TestFrames(t *testing.T) {
	b := Append(nil, 'a', []byte("one"))
	b = Append(b, 'b', nil)
	r := bytes.NewReader(b)
	for _, want := range []struct {
		kind    Kind
		payload string
	}{{'a', "one"}, {'b', ""}} {
		kind, payload, err := Read(r)
		if kind != want.kind || string(payload) != want.payload || err != nil {
			t.Errorf("got %c %q, %v, want %c %q", kind, payload, err, want.kind, want.payload)
		}
	}
	if _, _, err := Read(r); err != io.EOF {
		t.Errorf("at the end: %v, want EOF", err)
	}
}

// A stream that ends inside a frame, and one that isn't of frames.
func TestBroken(t *testing.T) {
	b := Append(nil, 'a', []byte("one"))
	for n := 1; n < len(b); n++ {
		if _, _, err := Read(bytes.NewReader(b[:n])); err == nil {
			t.Errorf("the first %d bytes of a frame are one", n)
		}
	}
	_, _, err := Read(strings.NewReader("a\xff\xff\xff\xffone"))
	if err == nil || !strings.Contains(err.Error(), "frame of 4294967295 bytes") {
		t.Errorf("a frame without bound: %v", err)
	}
}
