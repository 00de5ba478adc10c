package engine

import (
	"bytes"
	"fmt"
	"strconv"

	"tcpdrill/script"
)

// Calls that move bytes. What a script writes is zeros, as many as it says,
// and what it reads is only counted; a string in place of `...` says which
// bytes they are.

// buildRead: read(4, ..., 1000) = 1000; recv with flags; recvfrom with flags
// and an address.
func (b *callBuilder) buildRead() {
	b.passFD(0)
	b.passReadBuffer(1, b.c.Args[2])
	b.passInt(2)
	if len(b.c.Args) > 3 {
		b.passInt(3)
	}
	if len(b.c.Args) > 4 {
		b.passReturnedAddr(4)
	}
}

// passReadBuffer passes memory for the call to write to, as much as the
// argument count says.
func (b *callBuilder) passReadBuffer(i int, count script.Expr) {
	if b.passNull(i) {
		return
	}
	buf := newMemory(b.count(count))
	b.pass(Arg{Buf: buf})
	e := b.c.Args[i]
	s, isString := e.(script.String)
	if !isString {
		if !isEllipsis(e) {
			b.badBuffer(e)
		}
		return
	}
	want := b.str(s)
	b.check(func(res Result) []Mismatch {
		if res.Ret < 0 {
			return nil
		}
		got := buf[:min(int(res.Ret), len(buf))]
		if bytes.Equal(got, want) || s.Ellipsis && bytes.HasPrefix(got, want) {
			return nil
		}
		return []Mismatch{{
			What: "data", Want: bytesText(want, s.Ellipsis), Got: bytesText(got, false), Node: e,
			Classic: fmt.Sprintf("Expected data %s but got %s", bytesText(want, s.Ellipsis), bytesText(got, false)),
		}}
	})
}

// badBuffer notes an argument that can't be a buffer.
func (b *callBuilder) badBuffer(e script.Expr) {
	ours, _ := typeNames(e)
	b.failClassic(e, "Expected ... or NULL for buffer", "got %s, want ..., NULL or a string", ours)
}

// count evaluates a number of bytes for which memory is needed.
func (b *callBuilder) count(e script.Expr) int {
	n := b.int32(e)
	if n < 0 {
		b.fail(e, "got %d bytes, want no negative number", n)
		return 0
	}
	return int(n)
}

// bytesText writes bytes as a string of the language, cut where it gets long.
func bytesText(p []byte, ellipsis bool) string {
	const most = 64
	if len(p) > most {
		return fmt.Sprintf("%s... (%d bytes)", strconv.QuoteToASCII(string(p[:most])), len(p))
	}
	text := make([]byte, 0, len(p)+2)
	text = append(text, '"')
	for _, c := range p {
		switch {
		case c == '"' || c == '\\':
			text = append(text, '\\', c)
		case c == '\n':
			text = append(text, `\n`...)
		case c < ' ' || c > '~':
			text = fmt.Appendf(text, `\x%02x`, c)
		default:
			text = append(text, c)
		}
	}
	text = append(text, '"')
	if ellipsis {
		text = append(text, "..."...)
	}
	return string(text)
}

// buildWrite: write(4, ..., 1000) = 1000; send with flags.
func (b *callBuilder) buildWrite() {
	b.passFD(0)
	b.passWriteBuffer(1, b.c.Args[2])
	b.passInt(2)
	if len(b.c.Args) > 3 {
		b.passInt(3)
	}
}

// passWriteBuffer passes bytes to send.
func (b *callBuilder) passWriteBuffer(i int, count script.Expr) {
	if !b.passNull(i) {
		b.pass(Arg{Buf: b.writeBuffer(b.c.Args[i], b.count(count))})
	}
}

// writeBuffer returns n bytes to send: zeros, or those of a string first.
func (b *callBuilder) writeBuffer(e script.Expr, n int) []byte {
	switch e := e.(type) {
	case script.Ellipsis:
		return b.s.zeroBytes(n)
	case script.String:
		text := b.str(e)
		buf := newMemory(max(n, len(text)))
		copy(buf, text)
		return buf
	}
	b.badBuffer(e)
	return nil
}

// zeroBytes returns n zeros, always the same: zero-copy sends refer to them for
// as long as the stack likes, and nobody writes to them. Sends that begin at one
// address never continue each other's memory, so a stack can't merge them.
func (s *callState) zeroBytes(n int) []byte {
	if n >= len(s.zeros) {
		s.keep = append(s.keep, s.zeros)
		s.zeros = make([]byte, max(n+1, 2*len(s.zeros), 1<<12))
	}
	return s.zeros[: n : n+1]
}

// buildSendto: sendto(4, ..., 1000, MSG_FASTOPEN, ..., ...) = 1000.
func (b *callBuilder) buildSendto() {
	f := b.passFD(0)
	so := f.socket
	if so != nil && so.isPing() {
		b.passPing(1)
	} else {
		b.passWriteBuffer(1, b.c.Args[2])
	}
	b.passInt(2)
	b.passInt(3)
	// NULL alone is AF_UNSPEC, with 0 behind it a null pointer.
	if isNumber(b.c.Args[5]) && b.passNull(4) {
		b.passInt(5)
		return
	}
	d := b.destination(b.c.Args[4], b.s.connectAddr())
	b.pass(Arg{Buf: d.bytes})
	b.passLen(5, len(d.bytes))
	b.before = func() { b.s.connecting(so, d) }
}

// isPing tells an ICMP datagram socket.
func (so *socket) isPing() bool {
	return so.typ == sockDgram &&
		(so.family == afInet && so.protocol == ipprotoICMP ||
			so.family == afInet6 && so.protocol == ipprotoICMPv6)
}

// passPing passes an echo request, which is all that an ICMP datagram socket
// sends (Linux's ping_v4_sendmsg); id and checksum are the stack's.
func (b *callBuilder) passPing(i int) {
	const (
		header          = 8
		echoRequest     = 8   // RFC 792
		echoRequestIPv6 = 128 // RFC 4443
	)
	if b.passNull(i) {
		return
	}
	n := b.count(b.c.Args[2])
	if !isEllipsis(b.c.Args[i]) {
		b.pass(Arg{Buf: b.writeBuffer(b.c.Args[i], n)})
		return
	}
	buf := newMemory(n)
	if n >= header {
		buf[0] = echoRequest
		if b.s.cfg.IPVersion == IPv6 {
			buf[0] = echoRequestIPv6
		}
	}
	b.pass(Arg{Buf: buf})
}

// buildVector: readv(4, [{..., 100}, {..., 200}], 2) = 300, and writev.
func (b *callBuilder) buildVector() {
	b.passFD(0)
	iov := b.iovec(b.c.Args[1], b.c.Name == "readv")
	b.pass(Arg{Iov: iov})
	if n := b.passInt(2); int(n) != len(iov) {
		b.failClassic(b.c.Args[2],
			fmt.Sprintf("iov_count %d does not match %d-element iovec array", n, len(iov)),
			"got a count of %d, want the %d elements of the array", n, len(iov))
	}
}

// iovec evaluates [{..., 100}, ...]: memory to write to, or zeros to send.
func (b *callBuilder) iovec(e script.Expr, writable bool) [][]byte {
	elems, ok := elements(e)
	if !ok {
		b.badType(e, "a list of iovecs", "list")
		return nil
	}
	iov := make([][]byte, len(elems))
	for i, elem := range elems {
		v, ok := elem.(script.Iovec)
		if !ok {
			b.badType(elem, "an iovec, {..., length}", "iovec")
			return nil
		}
		n := b.count(v.Len)
		if writable {
			iov[i] = newMemory(n)
		} else {
			iov[i] = b.s.zeroBytes(n)
		}
	}
	return iov
}

// buildClose: close(4) = 0. The descriptor is gone whenever the script is right
// about the result: Linux closes it even where it returns an error.
func (b *callBuilder) buildClose() {
	f := b.passFD(0)
	b.after = func(res Result, matched bool) []Mismatch {
		if matched || res.Ret == 0 {
			f.closed = true
		}
		return nil
	}
}

// buildDup: dup(4) = 5, another descriptor of the same socket.
func (b *callBuilder) buildDup() {
	f := b.passFD(0)
	b.duplicates(f)
}

// duplicates says that the call returns another descriptor for what f is.
func (b *callBuilder) duplicates(f *fd) {
	b.returnsNewFD()
	b.after = func(res Result, _ bool) []Mismatch {
		if res.Ret >= 0 {
			b.newFD(f.kind, res).socket = f.socket
		}
		return nil
	}
}
