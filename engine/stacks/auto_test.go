package stacks

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// A noKernel is a stack that can't be drilled.
type noKernel struct {
	Stack
	closed bool
}

func (*noKernel) Ready(context.Context) error { return errors.New("/dev/net/tun does not exist") }
func (*noKernel) Name() string                { return "kernel" }
func (n *noKernel) Close() error              { n.closed = true; return nil }

// Where the kernel can't be drilled, auto is the built-in stack, and says so.
func TestAuto(t *testing.T) {
	k := &noKernel{}
	a := &Auto{Stack: k}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := a.Ready(ctx); err == nil || a.Name() != "kernel" {
		t.Fatalf("^C decided: %v, %s", err, a.Name())
	}
	if err := a.Ready(context.Background()); err != nil {
		t.Fatal(err)
	}
	other, err := a.another()
	if err != nil {
		t.Fatal(err)
	}
	for _, st := range []Stack{a, other} {
		if st.Name() != "gostack" || !st.Virtual() || !strings.HasSuffix(st.Note(), ": /dev/net/tun does not exist") {
			t.Errorf("%s, virtual %v: %s", st.Name(), st.Virtual(), st.Note())
		}
	}
	if !k.closed {
		t.Error("the kernel's stack wasn't closed")
	}
}

// A kernel that could be drilled stays the stack, whatever happens later.
func TestAutoStays(t *testing.T) {
	a := &Auto{Stack: &noKernel{}, decided: true}
	if err := a.Ready(context.Background()); err == nil || a.Name() != "kernel" || a.why != nil {
		t.Errorf("%v, %s", err, a.Name())
	}
}
