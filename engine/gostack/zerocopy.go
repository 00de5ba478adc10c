package gostack

// Zero-copy sends (MSG_ZEROCOPY): the buffers refer to the application's memory, and
// it is told on the error queue when they don't any more. The tun device copies what
// it is handed, so that each of them says that it was copied after all.

// A zerocopyRef is a range of sends that is told of at once.
type zerocopyRef struct {
	lo, hi uint32
	refs   int
	bytes  int
}

// zerocopyLimit is how many bytes of sends may be told of at once.
const zerocopyLimit = 1 << 19

// hold is one more buffer that refers to it.
func (z *zerocopyRef) hold() *zerocopyRef {
	if z != nil {
		z.refs++
	}
	return z
}

// newZerocopy begins a send: a range of its own, or one with the send before, if
// that is still in the write queue (msg_zerocopy_realloc).
func (tp *tcpSock) newZerocopy(n int) (*zerocopyRef, errno) {
	if b := tp.writeQueue.last; b != nil && b.zerocopy != nil {
		z := b.zerocopy
		if z.hi+1 == tp.zckey && z.bytes+n <= zerocopyLimit {
			z.hi++
			z.bytes += n
			tp.zckey++
			return z.hold(), 0
		}
	}
	z := &zerocopyRef{lo: tp.zckey, hi: tp.zckey, refs: 1, bytes: n}
	tp.zckey++
	return z, 0
}

// zerocopyFits reports whether a send may go on in a buffer.
func (tp *tcpSock) zerocopyFits(b *skb, t *task) bool {
	if kept(t).zerocopy == nil || b.zerocopy == nil {
		return true
	}
	return b.zerocopy == kept(t).zerocopy
}

func (tp *tcpSock) attachZerocopy(b *skb, t *task) {
	if b.zerocopy == nil {
		b.zerocopy = kept(t).zerocopy.hold()
	}
}

// endZerocopy is the end of a send.
func (tp *tcpSock) endZerocopy(t *task) {
	if kept(t).zerocopy != nil {
		tp.dropZerocopy(kept(t).zerocopy)
		kept(t).zerocopy = nil
	}
}

// abortZerocopy is the end of a send that took nothing: as if it had not been.
func (tp *tcpSock) abortZerocopy(t *task) {
	z := kept(t).zerocopy
	if z == nil {
		return
	}
	kept(t).zerocopy = nil
	tp.zckey--
	if z.lo == z.hi && z.refs == 1 {
		return
	}
	z.hi--
	tp.dropZerocopy(z)
}

func (tp *tcpSock) dropZerocopy(z *zerocopyRef) {
	if z.refs--; z.refs == 0 {
		tp.zerocopyDone(z.lo, z.hi, true)
	}
}

// releaseZerocopy lets go of what a buffer refers to.
func (s *Stack) releaseZerocopy(tp *tcpSock, b *skb) {
	if b.zerocopy != nil {
		z := b.zerocopy
		b.zerocopy = nil
		tp.dropZerocopy(z)
	}
}
