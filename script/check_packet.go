package script

import (
	"net/netip"
	"strings"
)

// What packetdrill has room for.
const (
	maxHeaders     = 6     // of a packet, the inner ones included
	maxMPLSLabels  = 6     // of one stack
	maxDatagram    = 65536 // bytes, IP header included
	maxTCPOptions  = 40    // bytes (RFC 9293, section 3.1)
	maxMD5Digest   = 16    // bytes (RFC 2385)
	icmpHeaderSize = 8
)

func (c *checker) packet(p *Packet) {
	headers := len(p.Encap) + 2
	for i := range p.Encap {
		c.encap(&p.Encap[i])
	}
	if p.TCP != nil && p.TCP.PSP != nil {
		headers += 2 // UDP and PSP
	}
	if headers > maxHeaders {
		c.fail(&p.Encap[0], "too many headers: got %d in all, want at most %d", headers, maxHeaders)
	}
	c.ipInfo(p.IP)
	if p.IP != nil && p.IP.ECN == ECT01 && p.Direction == Inbound && p.UDP == nil {
		c.fail(p.IP, "only an outbound packet can have ect01")
	}
	if p.BadSum != nil && p.Direction == Outbound {
		c.fail(p.BadSum, "only an injected packet can have badsum")
	}
	switch {
	case p.TCP != nil:
		c.tcp(p.TCP, p.Direction)
	case p.UDP != nil:
		c.udp(p)
	case p.ICMP != nil:
		c.icmp(p.ICMP)
	case p.Fragment != nil:
		c.fragment(p.Fragment, p.Direction)
	}
}

// fragment checks a piece of a packet. Where it begins counts in units of eight bytes (RFC
// 791, section 3.2).
func (c *checker) fragment(f *Fragment, direction Direction) {
	first := &f.Bytes.First
	switch {
	case direction == Inbound:
		c.fail(f, "only an outbound packet can be a fragment")
	case !c.within(first, "fragment offset", 0, maxU16) || !c.seqRange(&f.Bytes):
	case first.Value%8 != 0:
		c.fail(first, "fragment offset %s, want a multiple of 8", first.Text)
	case first.Value == 0 && !f.More:
		c.fail(f, "a fragment that is all of a packet, want mf or where else it begins")
	}
}

// ipHeader is the size of the script's IP header, the smaller one if its version isn't known.
func (c *checker) ipHeader() int64 {
	if c.version == "ipv6" {
		return 40
	}
	return 20
}

func (c *checker) ipInfo(info *IPInfo) {
	if info == nil {
		return
	}
	if info.ECN == ECNAsTOS {
		c.within(&info.TOS, "tos", 0, maxU8)
	}
	c.within(info.FlowLabel, "flowlabel", 0, maxU20)
	c.within(info.TTL, "ttl", 0, maxU8)
}

func (c *checker) encap(e *Encap) {
	switch {
	case e.IP != nil:
		c.ipInfo(e.IP.Info)
		for _, text := range []string{e.IP.Src, e.IP.Dst} {
			if _, err := netip.ParseAddr(text); err != nil {
				c.fail(e.IP, "bad address: got %s, want an IPv%d address", text, e.IP.Version)
			}
		}
	case e.GRE != nil:
		// packetdrill knows version 0 without routing only.
		if flags := e.GRE.Flags; flags.Value&0x4007 != 0 {
			c.fail(&flags, "bad GRE flags: got %s, want version 0 and no routing (0x4000)", flags.Text)
		}
	case e.MPLS != nil:
		c.mpls(e.MPLS)
	}
}

func (c *checker) mpls(m *MPLS) {
	if len(m.Labels) > maxMPLSLabels {
		c.fail(m, "too many MPLS labels: got %d, want at most %d", len(m.Labels), maxMPLSLabels)
	}
	for i := range m.Labels {
		l := &m.Labels[i]
		c.within(&l.Label, "MPLS label", 0, maxU20)
		c.within(&l.TC, "MPLS traffic class", 0, 7)
		c.within(&l.TTL, "MPLS ttl", 0, maxU8)
	}
}

func (c *checker) ports(p *Ports) {
	if p != nil {
		c.within(&p.Src, "source port", 0, maxU16)
		c.within(&p.Dst, "destination port", 0, maxU16)
	}
}

func (c *checker) tcp(t *TCP, direction Direction) {
	if t.PSP != nil && !c.hasOption("psp_udp_port") {
		c.fail(t.PSP, "encap psp without the option --psp_udp_port")
	}
	c.ports(t.Ports)
	c.flags(t)
	seqOK := c.seqRange(&t.Seq)
	c.within(t.Ack, "ack", 0, maxU32)
	c.within(t.Window, "win", 0, maxU16)
	c.within(t.Urgent, "urg", 0, maxU16)
	if t.Window == nil && direction == Inbound {
		c.fail(t, "inbound packet without a window, want win and a number")
	}
	if t.AnyOptions && direction == Inbound {
		c.fail(t, "only an outbound packet can have <...> for options")
	}
	switch {
	case !t.Stream:
	case direction == Inbound:
		c.fail(&t.StreamAt, "only an outbound packet can be a part of the stream, however it is cut")
	case t.GSO != nil:
		c.fail(&t.StreamAt, "gso is about one packet, stream about any cut: want one of them")
	case t.HasFlag('S') || t.HasFlag('R') || !t.HasFlag('.'):
		c.fail(&t.StreamAt, "got stream with flags %s, want data or an ACK", t.FlagsText())
	}
	if t.Cause != nil && direction == Inbound {
		c.fail(t.Cause, "only an outbound packet can have a cause")
	}
	c.gso(t.GSO, t.Seq.Length, direction)
	size := c.tcpOptions(t)
	if whole := c.ipHeader() + 20 + int64(size) + t.Seq.Length.Value; seqOK && whole > maxDatagram {
		c.fail(&t.Seq, "segment too large: got %d bytes with its headers, want at most %d", whole, maxDatagram)
	}
}

// gso checks what is said of a packet that stands for several: it is longer than one
// of them.
func (c *checker) gso(size *Int, length Int, direction Direction) {
	switch {
	case size == nil || !c.within(size, "gso", 1, maxU16):
	case length.Value <= size.Value:
		e := c.fail(size, "gso %s on %s bytes of data, want more", size.Text, length.Text)
		e.Detail = "A packet that stands for several segments is longer than one of them."
	case direction == Outbound && c.hasOption("wire_segments"):
		e := c.fail(size, "gso in a script about wire segments")
		e.Detail = "With wire_segments each line is about one segment, as it is after the cut."
	}
}

const tcpFlags = ".FSRPEWAU"

// flags checks the flags as written. A digit is the ACE field, which lies where
// E, W and A do.
func (c *checker) flags(t *TCP) {
	f := &t.written
	if f.Text == "-" {
		return
	}
	ecn, ace := false, false
	for i := range len(f.Text) {
		flag := f.Text[i]
		isACE := '0' <= flag && flag <= '7'
		isECN := strings.IndexByte("EWA", flag) >= 0
		switch {
		case !isACE && strings.IndexByte(tcpFlags, flag) < 0:
			c.fail(f, "bad TCP flag %c, want %s, or a digit 0 to 7 for ACE", flag, orList(strings.Split(tcpFlags, "")))
			return
		case isACE && ace:
			c.fail(f, "got a second ACE digit %c, want one", flag)
			return
		case isACE && ecn || isECN && ace:
			c.fail(f, "got both E, W or A and an ACE digit in %s, want one or the other", f.Text)
			return
		}
		ace = ace || isACE
		ecn = ecn || isECN
	}
}

// seqRange reports whether the range is as it should be.
func (c *checker) seqRange(s *SeqRange) bool {
	ok := c.within(&s.First, "sequence number", 0, maxU32)
	ok = c.within(&s.Last, "sequence number", 0, maxU32) && ok
	ok = c.within(&s.Length, "length", 0, maxU16) && ok
	if ok && s.Last.Value != s.First.Value+s.Length.Value {
		c.fail(s, "sequence range and length differ: %s to %s is %d, not %s",
			s.First.Text, s.Last.Text, s.Last.Value-s.First.Value, s.Length.Text)
		return false
	}
	return ok
}

// tcpOptions checks the options and returns their size in bytes.
func (c *checker) tcpOptions(t *TCP) int {
	if len(t.Options) == 0 {
		return 0
	}
	size, before := 0, len(c.errors)
	for _, o := range t.Options {
		c.tcpOption(o)
		size += o.Size()
	}
	all := around(t.Options[0], t.Options[len(t.Options)-1])
	switch {
	case len(c.errors) > before:
	case size > maxTCPOptions:
		c.fail(all, "TCP options too long: got %d bytes, want at most %d", size, maxTCPOptions)
	case size%4 != 0:
		e := c.fail(all, "TCP options aren't padded: got %d bytes, want a multiple of 4", size)
		e.Detail = "A nop is one byte."
	}
	return size
}

// Size returns the bytes that the option takes in a segment.
func (o *TCPOption) Size() int {
	switch o.Kind {
	case OptEOL, OptNOP:
		return 1
	case OptMSS:
		return 4
	case OptWScale:
		return 3
	case OptSACKOK:
		return 2
	case OptSACK:
		return 2 + 8*len(o.Blocks)
	case OptTimestamp:
		return 10
	case OptFastOpen, OptMD5:
		return 2 + len(o.Blob.Text)/2
	case OptFastOpenExp:
		return 4 + len(o.Blob.Text)/2
	case OptAccECN:
		return 2 + 3*len(o.Counters)
	}
	return 0
}

func (c *checker) tcpOption(o *TCPOption) {
	switch o.Kind {
	case OptMSS:
		c.within(&o.Value, "mss", 0, maxU16)
	case OptWScale:
		c.within(&o.Value, "wscale", 0, maxU8)
	case OptTimestamp:
		c.within(&o.Value, "TS val", 0, maxU32)
		c.within(&o.Echo, "TS ecr", 0, maxU32)
	case OptSACK:
		for i := range o.Blocks {
			c.within(&o.Blocks[i].Left, "left edge", 0, maxU32)
			c.within(&o.Blocks[i].Right, "right edge", 0, maxU32)
		}
	case OptFastOpen:
		c.hex(o, "Fast Open cookie", maxTCPOptions-2)
	case OptFastOpenExp:
		c.hex(o, "Fast Open cookie", maxTCPOptions-4)
	case OptMD5:
		c.hex(o, "MD5 digest", maxMD5Digest)
	case OptAccECN:
		for i := range o.Counters {
			c.within(&o.Counters[i].Value, o.Counters[i].Name, 0, maxU24)
		}
	}
}

// hex checks an option's bytes.
func (c *checker) hex(o *TCPOption, what string, limit int) {
	b := &o.Blob
	switch {
	case b.Text == "": // an empty cookie asks for one
	case !isHex(b.Text):
		e := c.fail(b, "bad %s: got %s, want hexadecimal digits", what, b.Text)
		if b.Symbol == "" {
			e.Detail = "If it is to be a symbol, define it with -D " + b.Text + "=VALUE."
		}
	case len(b.Text)%2 != 0:
		c.fail(b, "bad %s: got %d digits, want an even number", what, len(b.Text))
	case len(b.Text)/2 > limit:
		c.fail(b, "%s too long: got %d bytes, want at most %d", what, len(b.Text)/2, limit)
	}
}

func (c *checker) udp(p *Packet) {
	if p.IP != nil {
		switch p.IP.ECN {
		case NoECN, ECT0, ECT1, CE:
			c.fail(p.IP, "only TCP and ICMP packets can have an ECN field")
		}
	}
	c.ports(p.UDP.Ports)
	c.gso(p.UDP.GSO, p.UDP.Length, p.Direction)
	if p.UDP.GSO != nil && p.BadSum != nil {
		c.fail(p.BadSum, "badsum on joined datagrams, of which the checksum is that of none")
	}
	n := &p.UDP.Length
	if c.within(n, "length", 0, maxU16) && c.ipHeader()+8+n.Value > maxDatagram {
		c.fail(n, "datagram too large: got %d bytes with its headers, want at most %d",
			c.ipHeader()+8+n.Value, maxDatagram)
	}
}
