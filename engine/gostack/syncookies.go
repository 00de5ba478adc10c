package gostack

import (
	"time"

	"tcpdrill/engine/wire"
)

// SYN cookies (RFC 4987 section 3.6): when too many handshakes are under way, what
// is needed of one is put into the initial sequence number, and into the time stamp
// where there is one, rather than kept.

// cookieMSS are the values that a cookie can say; for IPv6 they are others.
var (
	cookieMSS4 = []uint16{536, 1300, 1440, 1460}
	cookieMSS6 = []uint16{1240, 1480 - 60, 1460, 9000 - 60}
)

func cookieMSSTable(v6 bool) []uint16 {
	if v6 {
		return cookieMSS6
	}
	return cookieMSS4
}

// cookieHash mixes a connection's addresses with a counter of minutes.
func (s *Stack) cookieHash(g *segment, count uint32, which uint64) uint32 {
	data := append(g.remote.Addr().AsSlice(), g.local.Addr().AsSlice()...)
	data = append(data, byte(g.remote.Port()>>8), byte(g.remote.Port()), byte(g.local.Port()>>8), byte(g.local.Port()))
	data = append(data, le32(count)...)
	return uint32(siphash(0x7463706472696c6c, which, data))
}

const cookieBits = 24

func (s *Stack) cookieTime() uint32 { return uint32(s.now.Minutes()) }

// cookieValid is how long after the last cookie was sent one may come back
// (TCP_SYNCOOKIE_VALID).
const cookieValid = 2 * time.Minute

// What the low bits of the time stamp of a SYN-ACK with a cookie say: the scale of
// the window in four, and two for options. The echo brings them back.
const (
	cookieTSWscale = 0xf // no window scaling
	cookieTSSack   = 1 << 4
	cookieTSECN    = 1 << 5
	cookieTSMask   = 0x3f
)

// cookieTimestamp puts r's options into the time stamp now; the result is never later
// than it (cookie_init_timestamp).
func cookieTimestamp(r *request, now uint32) uint32 {
	bits := uint32(cookieTSWscale)
	if r.wscaleOK {
		bits = uint32(r.sndWscale)
	}
	if r.sackOK {
		bits |= cookieTSSack
	}
	if r.ecnOK {
		bits |= cookieTSECN
	}
	ts := now&^cookieTSMask | bits
	if ts > now {
		ts -= cookieTSMask + 1
	}
	return ts
}

// cookieISN makes a cookie.
func (s *Stack) cookieISN(g *segment, mss uint16) uint32 {
	table := cookieMSSTable(g.v6)
	i := len(table) - 1
	for i > 0 && mss < table[i] {
		i--
	}
	count := s.cookieTime()
	return s.cookieHash(g, 0, 0) + g.seq + count<<cookieBits +
		(s.cookieHash(g, count, 1)+uint32(i))&(1<<cookieBits-1)
}

// cookieMSS checks a cookie and returns the MSS that it says, 0 if it is none.
func (s *Stack) cookieMSS(g *segment) uint16 {
	cookie := g.ack - 1
	c := cookie - s.cookieHash(g, 0, 0) - (g.seq - 1)
	count := s.cookieTime()
	diff := (count - c>>cookieBits) & (1<<(32-cookieBits) - 1)
	if diff >= 2 {
		return 0
	}
	i := (c - s.cookieHash(g, count-diff, 1)) & (1<<cookieBits - 1)
	table := cookieMSSTable(g.v6)
	if int(i) >= len(table) {
		return 0
	}
	return table[i]
}

// cookieCheck is a segment without SYN for a listener (cookie_v4_check). ok says that
// it is dealt with.
func (l *tcpSock) cookieCheck(g *segment) (child *tcpSock, ok bool) {
	s := l.s
	if s.sysctl.tcpSyncookies == 0 || g.flags&wire.ACK == 0 || g.flags&wire.RST != 0 {
		return nil, false
	}
	if !l.cookieSent || s.now > l.lastCookie+cookieValid {
		return nil, false
	}
	mss := s.cookieMSS(g)
	if mss == 0 {
		s.count(mibSyncookiesFailed)
		return nil, false
	}
	s.count(mibSyncookiesRecv)
	r := &request{s: s, listener: l, key: tuple{g.local, g.remote}, v6: g.v6,
		rcvISN: g.seq - 1, rcvNxt: g.seq, sndISN: g.ack - 1, mss: mss, tos: l.tos,
		fromCookie: true}
	if g.opt.ts && !s.cookieOptions(r, g) {
		return nil, false
	}
	if len(l.acceptQueue) > l.backlog {
		return nil, true
	}
	l.requestWindow(r)
	child = l.newChild(r, g)
	l.acceptQueue = append(l.acceptQueue, child)
	return child, true
}

// cookieOptions takes r's options from the echo of the time stamp. It is false if the
// SYN-ACK cannot have said them (cookie_timestamp_decode).
func (s *Stack) cookieOptions(r *request, g *segment) bool {
	if s.sysctl.tcpTimestamps == 0 {
		return false
	}
	r.tstampOK, r.tsRecent = true, g.opt.tsval
	bits := g.opt.tsecr & cookieTSMask
	r.sackOK = bits&cookieTSSack != 0
	r.ecnOK = bits&cookieTSECN != 0 && (s.sysctl.tcpEcn != 0 || s.routeWantsECN(g.remote.Addr()))
	if r.sackOK && s.sysctl.tcpSack == 0 {
		return false
	}
	if w := bits & cookieTSWscale; w != cookieTSWscale {
		r.wscaleOK, r.sndWscale = true, uint8(w)
		return s.sysctl.tcpWindowScaling != 0
	}
	return true
}
