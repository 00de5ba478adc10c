package engine

import (
	"tcpdrill/script"
)

// Calls about files and pipes.

// buildOpen: open("/tmp/testfile", O_RDONLY) = 5, with a mode for O_CREAT.
func (b *callBuilder) buildOpen() {
	name, ok := b.c.Args[0].(script.String)
	if !ok {
		b.badType(b.c.Args[0], "a file name", "string")
		return
	}
	b.pass(Arg{Buf: append(b.str(name), 0)})
	for i := 1; i < len(b.c.Args); i++ {
		b.passInt(i)
	}
	b.returnsNewFD()
	b.after = func(res Result, _ bool) []Mismatch {
		if res.Ret >= 0 {
			b.newFD(fdFile, res)
		}
		return nil
	}
}

// buildPipe: pipe([5, 6]) = 0, and pipe2 with flags.
func (b *callBuilder) buildPipe() {
	e := b.c.Args[0]
	elems, ok := elements(e)
	switch {
	case !ok:
		b.badType(e, "a list of two descriptors", "list")
		return
	case len(elems) != 2:
		b.fail(e, "got %d pipe file descriptors, want 2", len(elems))
		return
	}
	var numbers [2]int
	for i, elem := range elems {
		numbers[i] = int(b.int32(elem))
		b.freeFD(elem, numbers[i])
	}
	if numbers[0] == numbers[1] {
		b.fail(e, "both ends have the descriptor %d", numbers[0])
	}
	ends := make([]byte, 8) // int[2]
	b.pass(Arg{Buf: ends})
	if len(b.c.Args) > 1 {
		b.passInt(1)
	}
	b.after = func(res Result, _ bool) []Mismatch {
		if res.Ret < 0 {
			return nil
		}
		for i, n := range numbers {
			live := int(int32(le.Uint32(ends[4*i:])))
			b.s.fds = append(b.s.fds, &fd{kind: fdPipe, script: n, live: live})
		}
		return nil
	}
}

// passOffset passes a pointer to a file offset: NULL, or [n].
func (b *callBuilder) passOffset(i int) {
	if b.passNull(i) {
		return
	}
	if elem, ok := b.single(b.c.Args[i]); ok {
		offset := b.int64(elem)
		b.pass(Arg{Offset: &offset})
	}
}

// buildSplice: splice(4, NULL, 6, NULL, 99, 0) = 99.
func (b *callBuilder) buildSplice() {
	b.passFD(0)
	b.passOffset(1)
	b.passFD(2)
	b.passOffset(3)
	b.passInt(4)
	b.passInt(5)
}

// buildSendfile: sendfile(4, 5, [0], 5) = 5. Where the offset ends up isn't
// compared.
func (b *callBuilder) buildSendfile() {
	b.passFD(0)
	b.passFD(1)
	b.passOffset(2)
	b.passInt(3)
}
