package gostack

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"

	"tcpdrill/engine"
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
	uid              int
	timeout          int // probes of a zero window without an answer
	inode            int
	refs             int
	// Not shown of sockets in TIME-WAIT and of half-open ones.
	rto, ato int // hundredths of a second
	ackMode  int // quick ACKs left, doubled, and 1 in interactive mode
	cwnd     int
	ssthresh int // -1: no loss so far
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
	for _, p := range s.procSockets() {
		if p.v6 != v6 {
			continue
		}
		text := fmt.Sprintf("%4d: %s %s %02X %08X:%08X %02X:%08X %08X %5d %8d %d %d %016x",
			n, procAddr(p.local, v6), procAddr(p.remote, v6), p.state, uint32(p.txQueue), uint32(p.rxQueue),
			p.timer, p.timerLeft, p.retransmits, p.uid, p.timeout, p.inode, p.refs, 0)
		if p.state != tcpTimeWait && p.state != tcpSynRecv && p.state != tcpNewSynRecv {
			text += fmt.Sprintf(" %d %d %d %d %d", p.rto, p.ato, p.ackMode, p.cwnd, p.ssthresh)
		}
		line(text)
		n++
	}
	return []byte(b.String())
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
