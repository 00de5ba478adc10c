package fromcapture

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"tcpdrill/engine/pcapng"
	"tcpdrill/engine/wire"
)

// A segment is a captured packet of a connection: TCP, or ICMP about it.
type segment struct {
	at       time.Duration // since the first packet of the capture
	packet   *wire.Packet
	src, dst netip.AddrPort
	way      pcapng.Direction
	inbound  bool // to the end that is the stack's, once that is known
	badSum   bool // its checksum is wrong
}

// tcp returns the segment's TCP header; nil if it is ICMP.
func (s *segment) tcp() *wire.TCP { return s.packet.TCP() }

// payload returns how many bytes of data the segment has.
func (s *segment) payload() int { return len(s.packet.Payload) }

// has reports whether the segment has all of these flags.
func (s *segment) has(f wire.TCPFlags) bool { return s.tcp() != nil && s.tcp().Flags&f == f }

// A connection is what was captured of a TCP connection.
type connection struct {
	a, b     netip.AddrPort // a sent the first packet
	segments []*segment
}

// begunBy reports whether a SYN is of this connection, as its first or once more.
// Another one begins a new connection between the same ends.
func (c *connection) begunBy(syn *segment) bool {
	for _, s := range c.segments {
		if s.src != syn.src || s.tcp() == nil {
			continue
		}
		if s.has(wire.SYN) {
			return s.tcp().Seq == syn.tcp().Seq
		}
		return false // it is in the middle of one
	}
	return true // the other side's, in a simultaneous open or before our capture
}

// read reads a capture's connections, in the order of their first packets, and
// counts what is of none.
func read(r io.Reader) (all []*connection, others int, err error) {
	in, err := pcapng.NewReader(r)
	if err != nil {
		return nil, 0, err
	}
	last := map[[2]netip.AddrPort]*connection{}
	var first, now time.Duration
	for n := 0; ; n++ {
		p, err := in.Next()
		if errors.Is(err, io.EOF) {
			return all, others, nil
		}
		if err != nil {
			return nil, 0, err
		}
		if n == 0 {
			first = p.Time
		}
		now = max(now, p.Time-first) // the order is the file's
		b, way, err := ipOf(&p)
		if err != nil {
			return nil, 0, err
		}
		s := segmentOf(b)
		if s == nil {
			others++
			continue
		}
		s.at, s.way = now, way
		s.badSum = len(p.Data) >= p.Len && badChecksum(b)
		key := [2]netip.AddrPort{s.src, s.dst}
		c := last[key]
		if s.tcp() == nil && c == nil {
			others++
			continue
		}
		if c == nil || s.has(wire.SYN) && !s.has(wire.ACK) && !c.begunBy(s) {
			c = &connection{a: s.src, b: s.dst}
			all = append(all, c)
			last[key], last[[2]netip.AddrPort{s.dst, s.src}] = c, c
		}
		c.segments = append(c.segments, s)
	}
}

// zeros are all payloads.
var zeros [maxPacket]byte

// segmentOf returns a packet as a segment; nil if it isn't TCP over IP, nor an ICMP
// error about that, or only a fragment of it.
func segmentOf(b []byte) *segment {
	if len(b) == 0 {
		return nil
	}
	p, err := wire.Parse(b)
	if err != nil || len(p.Layers) != 2 || p.Fragment() != nil {
		return nil
	}
	src, dst := p.IP()
	if t := p.TCP(); t != nil {
		// Headers alone are kept: scripts have no data but zeros.
		n := min(len(p.Payload), len(zeros))
		p.Payload = nil
		p = p.Clone()
		p.Payload = zeros[:n]
		t = p.TCP()
		return &segment{packet: p, src: netip.AddrPortFrom(src, t.SrcPort), dst: netip.AddrPortFrom(dst, t.DstPort)}
	}
	if q := p.Quoted(); q != nil && q.Protocol == 6 {
		// It went the other way than what it quotes.
		return &segment{packet: p, src: netip.AddrPortFrom(q.Dst, q.DstPort), dst: netip.AddrPortFrom(q.Src, q.SrcPort)}
	}
	return nil
}

// An End is an address and a port, or an address whatever the port.
type End struct {
	Addr netip.Addr
	Port uint16 // 0: any
}

// ParseEnd reads ADDR, ADDR:PORT or [ADDR]:PORT.
func ParseEnd(s string) (End, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return End{Addr: a}, nil
	}
	ap, err := netip.ParseAddrPort(s)
	if err != nil || ap.Port() == 0 {
		return End{}, fmt.Errorf("%s: want an address, with or without a port", s)
	}
	return End{ap.Addr(), ap.Port()}, nil
}

// isGiven reports whether there is an end at all.
func (e End) isGiven() bool { return e.Addr.IsValid() }

// is reports whether an address is this end's.
func (e End) is(a netip.AddrPort) bool {
	return e.Addr.Unmap() == a.Addr().Unmap() && (e.Port == 0 || e.Port == a.Port())
}
