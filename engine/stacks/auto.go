package stacks

import (
	"context"
	"fmt"

	"tcpdrill/engine/kernel/kernelstack"
)

// An Auto is the kernel's stack, or the built-in one where the kernel can't be
// drilled. It is decided once, when it is first to be ready.
type Auto struct {
	Stack
	decided bool
	why     error // it isn't the kernel's
}

func openAuto() *Auto {
	k, _ := kernelstack.Open() // Ready tells the error again
	return &Auto{Stack: k}
}

// Ready decides which stack it is.
func (a *Auto) Ready(ctx context.Context) error {
	err := a.Stack.Ready(ctx)
	if err == nil || a.decided || ctx.Err() != nil {
		a.decided = a.decided || err == nil
		return err
	}
	a.Stack.Close()
	a.Stack, a.why, a.decided = &GoStack{}, err, true
	return nil
}

// Note says why it isn't the kernel's.
func (a *Auto) Note() string {
	if a.why == nil {
		return a.Stack.Note()
	}
	return fmt.Sprintf("the built-in stack, which is like Linux, since the kernel can't be drilled here: %v", a.why)
}

// another returns one more of the stack that was decided on.
func (a *Auto) another() (Stack, error) {
	if a.why == nil {
		return &Auto{Stack: &kernelstack.Stack{}, decided: true}, nil
	}
	return &Auto{Stack: &GoStack{}, decided: true, why: a.why}, nil
}
