package kernel

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"tcpdrill/engine"
	"tcpdrill/engine/causes"
)

// A reasoner keeps the book of why the stack sent its packets. On the timeline it
// only notes things; what costs some tens of microseconds, reading the counters, is done
// before a wait. The zero one does nothing.
type reasoner struct {
	book     *causes.Book
	counters int  // descriptor of the namespace's netstat
	stale    bool // something has happened since they were read
	buf      []byte

	within *causes.Event // is being done to the stack, or has just been
	until  time.Duration // what is sent later isn't of it; 0: not known yet

	flows map[int]*flow // what was written to, by descriptor
}

// A flow is a connection that was written to.
type flow struct {
	local, remote netip.AddrPort
	unsent        bool
	more          bool // MSG_MORE with the last that was written
}

// newReasoner reads the counters for the first time. Where there are none nothing is
// known.
func newReasoner() reasoner {
	fd, err := unix.Open("/proc/thread-self/net/netstat", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return reasoner{}
	}
	r := reasoner{book: causes.New(), counters: fd, stale: true, buf: make([]byte, 16<<10), flows: map[int]*flow{}}
	r.look()
	return r
}

// look reads the counters, if anything has happened.
func (r *reasoner) look() {
	if r.book == nil || !r.stale {
		return
	}
	n, _, errno := unix.RawSyscall6(unix.SYS_PREAD64, uintptr(r.counters),
		uintptr(unsafe.Pointer(&r.buf[0])), uintptr(len(r.buf)), 0, 0, 0)
	if errno != 0 {
		return
	}
	r.book.Read(slices.Clone(r.buf[:n]))
	r.stale = false
}

// spare is how much time must be left until something is due, for the counters to be
// read before. It takes a twentieth of that.
const spare = time.Millisecond

// readBefore reads the counters if there is time for it until t.
func (l *link) readBefore(t time.Duration) {
	if l.stale && (l.virtual || t-l.Now() > spare) {
		l.look()
	}
}

// reasonBefore makes sense of what has been noted, if there is plenty of time for it
// until t: a line that asks for a cause then has little to wait for.
func (l *link) reasonBefore(t time.Duration) {
	if l.book != nil && !l.virtual && t-l.Now() > 10*spare {
		l.book.Settle()
	}
}

// do begins something that is done to the stack. What was sent before isn't of it.
func (l *link) do(e *causes.Event) {
	if l.book == nil {
		return
	}
	l.collect(false)
	l.book.Do(e)
	l.within, l.until, l.stale = e, 0, true
}

// did ends it, at a time of the target's.
func (l *link) did(end time.Duration) {
	if l.book == nil {
		return
	}
	if l.within.Waits() {
		l.within = nil // what it sent is a timer's
	} else if !l.virtual {
		l.until = end
	}
	l.collect(false)
	l.within = nil
	for fd, f := range l.flows {
		if f.unsent {
			l.measure(fd, f)
		}
	}
	if l.virtual {
		l.look() // for nothing
	}
}

// noteSent notes a packet that the stack sent.
func (l *link) noteSent(c *engine.Captured) {
	if l.book == nil {
		return
	}
	e := l.within
	if e != nil && l.until > 0 && c.Time > l.until {
		e = nil
	}
	l.book.Sent(c, e)
	l.stale = true
}

// Reason implements engine.Reasoner.
func (t *Target) Reason() {
	if t.book != nil {
		t.look()
		t.book.Settle()
	}
}

// called notes what a call has changed beside what it sent.
func (l *link) called(call *engine.Call, ret int64) {
	if l.book == nil || ret < 0 {
		return
	}
	switch fd := writesTo(call); {
	case fd >= 0:
		f := l.flows[fd]
		if f == nil {
			if f = newFlow(fd); f == nil {
				return
			}
			l.flows[fd] = f
		}
		if ret > 0 { // else it pushed nothing
			f.more = sendFlags(call)&unix.MSG_MORE != 0
		}
		l.measure(fd, f)
	case call.Name == "close":
		delete(l.flows, int(call.Args[0].Int))
	case call.Name == "setsockopt":
		level, option := number(call, 1), number(call, 2)
		if level == unix.SOL_SOCKET && option == unix.SO_MAX_PACING_RATE ||
			level == unix.IPPROTO_TCP && option == unix.TCP_CONGESTION && !unpaced(string(call.Args[3].Buf)) {
			l.book.Pace()
		}
		if level == unix.IPPROTO_TCP && option == unix.TCP_LINGER2 {
			l.book.Linger()
		}
	}
}

// unpaced reports whether a congestion control sends as fast as its window allows.
func unpaced(name string) bool {
	name = strings.TrimRight(name, "\x00")
	return name == "cubic" || name == "reno"
}

// eventOf is what the book knows of a call.
func eventOf(call *engine.Call) *causes.Event {
	return &causes.Event{Call: call.Name, Flags: sendFlags(call)}
}

// number returns a call's argument.
func number(call *engine.Call, i int) int64 {
	if i < len(call.Args) {
		return call.Args[i].Int
	}
	return 0
}

// writesTo returns the descriptor that a call writes to, -1 if it is none that does.
func writesTo(call *engine.Call) int {
	switch call.Name {
	case "write", "writev", "send", "sendto", "sendmsg", "sendmmsg", "sendfile":
		return int(number(call, 0))
	case "splice":
		return int(number(call, 2))
	}
	return -1
}

// sendFlags returns the MSG_ flags of a call that sends.
func sendFlags(call *engine.Call) int64 {
	switch call.Name {
	case "send", "sendto", "sendmmsg":
		return number(call, 3)
	case "sendmsg":
		return number(call, 2)
	case "splice":
		const spliceMore = 4 // SPLICE_F_MORE
		if number(call, 5)&spliceMore != 0 {
			return unix.MSG_MORE
		}
	}
	return 0
}

// newFlow returns the connection of a descriptor, nil if it is none.
func newFlow(fd int) *flow {
	local, ok1 := socketName(unix.SYS_GETSOCKNAME, fd)
	remote, ok2 := socketName(unix.SYS_GETPEERNAME, fd)
	if !ok1 || !ok2 {
		return nil
	}
	return &flow{local: local, remote: remote}
}

// socketName is getsockname or getpeername, raw.
func socketName(call uintptr, fd int) (netip.AddrPort, bool) {
	var b [128]byte
	size := uint32(len(b))
	_, _, errno := unix.RawSyscall(call, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(unsafe.Pointer(&size)))
	if errno != 0 {
		return netip.AddrPort{}, false
	}
	port := binary.BigEndian.Uint16(b[2:])
	switch binary.NativeEndian.Uint16(b[:]) {
	case unix.AF_INET:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[4:8])), port), true
	case unix.AF_INET6:
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[8:24])).Unmap(), port), true
	}
	return netip.AddrPort{}, false
}

// measure notes what waits to be sent. TCP_INFO takes about a microsecond.
func (l *link) measure(fd int, f *flow) {
	var info unix.TCPInfo
	n, ok := option(fd, unix.TCP_INFO, unsafe.Pointer(&info), uint32(unsafe.Sizeof(info)))
	if !ok {
		delete(l.flows, fd)
		return
	}
	f.unsent = info.Notsent_bytes > 0
	u := &causes.Unsent{Local: f.local, Remote: f.remote, Bytes: info.Notsent_bytes}
	if f.unsent {
		var nodelay, cork int32
		_, ok1 := option(fd, unix.TCP_NODELAY, unsafe.Pointer(&nodelay), 4)
		_, ok2 := option(fd, unix.TCP_CORK, unsafe.Pointer(&cork), 4)
		u.MSS, u.Cwnd = info.Snd_mss, info.Snd_cwnd
		u.InFlight = info.Unacked - info.Sacked - info.Lost + info.Retrans
		u.Window = info.Snd_wnd
		u.WindowKnown = ok1 && ok2 && n >= uint32(unsafe.Offsetof(info.Snd_wnd))+4 // Linux 6.2
		u.Corked, u.More, u.NoDelay = cork != 0, f.more, nodelay != 0
	}
	l.book.Unsent(u)
}

// option is getsockopt of TCP, raw.
func option(fd int, name uintptr, value unsafe.Pointer, size uint32) (uint32, bool) {
	_, _, errno := unix.RawSyscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.IPPROTO_TCP, name,
		uintptr(value), uintptr(unsafe.Pointer(&size)), 0)
	return size, errno == 0
}

// Start implements engine.Clock.
func (t *Target) Start(quiet bool) time.Duration {
	if t.book != nil {
		for _, name := range []string{congestionControl, "net.ipv4.tcp_mtu_probing", "net.ipv4.tcp_fin_timeout"} {
			value, _ := t.Sysctl(name)
			t.noteSysctl(name, value)
		}
		t.noteQdiscs()
		t.stale = true // commands have run
		t.look()
	}
	return t.link.Start(quiet)
}

// SetSysctl implements engine.Host.
func (t *Target) SetSysctl(name, value string) error {
	if t.book != nil {
		t.noteSysctl(name, value)
	}
	return t.host.SetSysctl(name, value)
}

// noteSysctl notes what a setting means for causes.
func (t *Target) noteSysctl(name, value string) {
	value = strings.TrimSpace(value)
	switch name {
	case congestionControl:
		if !unpaced(value) {
			t.book.Pace()
		}
	case "net.ipv4.tcp_mtu_probing":
		if value != "0" {
			t.book.ProbeMTU()
		}
	case "net.ipv4.tcp_fin_timeout":
		if n, err := strconv.Atoi(value); err != nil || n > 60 { // TCP_TIMEWAIT_LEN
			t.book.Linger()
		}
	}
}

// Stall implements engine.StallingLink. What the device drops nobody sees, so that what is
// sent again looks new.
func (t *Target) Stall() error {
	if t.book != nil {
		t.book.Defer()
	}
	return t.link.Stall()
}

// ChangeQdisc implements engine.Host. With a limit a queueing discipline is there to drop.
func (t *Target) ChangeQdisc(c engine.QdiscChange) error {
	err := t.host.ChangeQdisc(c)
	if t.book != nil {
		if len(c.Options) > 0 {
			t.book.Defer()
		}
		t.noteQdiscs()
	}
	return err
}

// prompt are the queueing disciplines that give a device which takes all at once each
// packet as it comes. fq isn't one: it paces what its sockets send.
var prompt = []string{"noqueue", "pfifo", "bfifo", "pfifo_fast", "codel", "fq_codel", "mq", "ingress", "clsact"}

// noteQdiscs notes whether those of the devices keep packets: the machine chooses what
// devices have at first (net.core.default_qdisc).
func (t *Target) noteQdiscs() {
	list, err := netlink.QdiscList(nil)
	if err != nil || slices.ContainsFunc(list, func(q netlink.Qdisc) bool { return !slices.Contains(prompt, q.Type()) }) {
		t.book.Defer()
	}
}
