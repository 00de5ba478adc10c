package gostack

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"tcpdrill/engine"
	"tcpdrill/engine/abi"
)

// A procSock is what /proc/net/tcp shows of a socket.
type procSock struct {
	v6               bool // an IPv6 socket
	local, remote    netip.AddrPort
	state            int
	txQueue, rxQueue int
	timer            int // 1: retransmission, 2: keepalive, 3: TIME-WAIT, 4: zero window
	timerLeft        int // hundredths of a second
	retransmits      int
	timeout          int // probes of a zero window without an answer
	// Not shown of sockets in TIME-WAIT and of half-open ones.
	rto, ato int // hundredths of a second
	ackMode  int // quick ACKs left, doubled, and 1 in interactive mode
	cwnd     int
	ssthresh int // -1: no loss so far; a listener's: places for Fast Open
}

// procWidth is how wide a line of /proc/net/tcp is; tcp6 has no padding.
const procWidth = 149

// ReadFile implements engine.Host.
func (s *Stack) ReadFile(name string) ([]byte, error) {
	switch name {
	case "/proc/net/tcp":
		return s.procTCP(false), nil
	case "/proc/net/tcp6":
		return s.procTCP(true), nil
	}
	return nil, &engine.UnsupportedError{What: "the file " + name}
}

// procTCP makes the file of the sockets of one family.
func (s *Stack) procTCP(v6 bool) []byte {
	var b strings.Builder
	line := func(text string) {
		if v6 {
			b.WriteString(text + "\n")
		} else {
			fmt.Fprintf(&b, "%-*s\n", procWidth, text)
		}
	}
	const columns = " st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
	if v6 {
		line("  sl  local_address                         remote_address                       " + columns)
	} else {
		line("  sl  local_address rem_address  " + columns)
	}
	n := 0
	// Users, inodes and references are nobody's here: the columns say 0, 0 and 1.
	for _, p := range s.procSockets() {
		if p.v6 != v6 {
			continue
		}
		text := fmt.Sprintf("%4d: %s %s %02X %08X:%08X %02X:%08X %08X %5d %8d %d %d %016x",
			n, procAddr(p.local, v6), procAddr(p.remote, v6), p.state, uint32(p.txQueue), uint32(p.rxQueue),
			p.timer, p.timerLeft, p.retransmits, 0, p.timeout, 0, 1, 0)
		if p.state != tcpTimeWait && p.state != tcpSynRecv && p.state != tcpNewSynRecv {
			text += fmt.Sprintf(" %d %d %d %d %d", p.rto, p.ato, p.ackMode, p.cwnd, p.ssthresh)
		}
		line(text)
		n++
	}
	return []byte(b.String())
}

// procSockets lists what there is: sockets in the order in which they were made, each
// listener's half-open connections behind it, then what is in TIME-WAIT.
func (s *Stack) procSockets() []procSock {
	var list []procSock
	for _, tp := range s.tcp.all {
		if tp.state == tcpClose {
			continue
		}
		list = append(list, tp.proc())
		for _, r := range tp.requests {
			list = append(list, procSock{
				v6: tp.family == abi.AfInet6, local: r.key.local, remote: r.key.remote, state: tcpSynRecv,
				timer: 1, timerLeft: s.procTime(int64(r.timer.expires - s.jiffies())), retransmits: r.numTimeout,
			})
		}
	}
	waits := slices.Collect(maps.Values(s.tcp.timewaits))
	slices.SortFunc(waits, func(a, b *timewait) int {
		return cmp.Or(a.key.local.Compare(b.key.local), a.key.remote.Compare(b.key.remote))
	})
	for _, tw := range waits {
		list = append(list, procSock{
			v6: tw.v6, local: tw.key.local, remote: tw.key.remote, state: tw.state,
			timer: 3, timerLeft: s.procTime(int64(tw.timer.expires - s.jiffies())),
		})
	}
	return list
}

// procTime turns jiffies into hundredths of a second, none if they are past.
func (s *Stack) procTime(jiffies int64) int { return int(s.jiffiesToUsecs(max(jiffies, 0)) / 10_000) }

// proc is a socket's line (get_tcp4_sock).
func (tp *tcpSock) proc() procSock {
	s := tp.s
	p := procSock{
		v6: tp.family == abi.AfInet6, local: tp.local, remote: tp.remote, state: tp.state,
		retransmits: tp.retransmits, timeout: tp.probesOut, rto: s.procTime(tp.rto), ato: s.procTime(tp.ato),
		ackMode: tp.quick<<1 | b2i(tp.pingpongMode()), cwnd: int(tp.sndCwnd), ssthresh: int(tp.sndSsthresh),
	}
	if tp.inSlowStartInitial() {
		p.ssthresh = -1
	}
	if tp.state == tcpListen {
		p.rxQueue, p.ssthresh = len(tp.acceptQueue), 0
		if tp.fastopenQ != nil {
			p.ssthresh = tp.fastopenQ.max
		}
	} else {
		p.txQueue = int(tp.writeSeq - tp.sndUna)
		p.rxQueue = max(int(int32(tp.rcvNxt-tp.copiedSeq)), 0)
	}
	var expires uint64
	switch {
	case tp.pendingTimer == timeProbe0:
		p.timer, expires = 4, tp.timeout
	case tp.pendingTimer != 0:
		p.timer, expires = 1, tp.timeout
	case tp.keepTimer.pending():
		p.timer, expires = 2, tp.keepTimer.expires
	default:
		return p
	}
	p.timerLeft = s.procTime(int64(expires - s.jiffies()))
	return p
}

// procAddr shows an address as 32-bit words in the machine's byte order, which is
// the little-endian one.
func procAddr(a netip.AddrPort, v6 bool) string {
	addr := a.Addr()
	switch {
	case !addr.IsValid() && v6:
		addr = netip.IPv6Unspecified()
	case !addr.IsValid():
		addr = netip.IPv4Unspecified()
	}
	raw := addr.AsSlice()
	if v6 {
		a16 := addr.As16() // IPv4-mapped if it is an IPv4 address
		raw = a16[:]
	}
	var b strings.Builder
	for ; len(raw) >= 4; raw = raw[4:] {
		fmt.Fprintf(&b, "%08X", binary.LittleEndian.Uint32(raw))
	}
	fmt.Fprintf(&b, ":%04X", a.Port())
	return b.String()
}
