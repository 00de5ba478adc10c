package wire

import (
	"net/netip"
	"slices"
)

// lastLayer returns the packet's last layer, or nil.
func (p *Packet) lastLayer() Layer {
	if len(p.Layers) == 0 {
		return nil
	}
	return p.Layers[len(p.Layers)-1]
}

// TCP returns the packet's TCP header, or nil.
func (p *Packet) TCP() *TCP {
	t, _ := p.lastLayer().(*TCP)
	return t
}

// UDP returns the packet's UDP header, or nil.
func (p *Packet) UDP() *UDP {
	u, _ := p.lastLayer().(*UDP)
	return u
}

// ICMP returns the packet's ICMP or ICMPv6 header, or nil.
func (p *Packet) ICMP() *ICMP {
	m, _ := p.lastLayer().(*ICMP)
	return m
}

// innermostIP returns the index of the innermost IP header, or -1.
func (p *Packet) innermostIP() int {
	for i := len(p.Layers) - 1; i >= 0; i-- {
		switch p.Layers[i].(type) {
		case *IPv4, *IPv6:
			return i
		}
	}
	return -1
}

// V4 returns the innermost IP header if it is IPv4, or nil.
func (p *Packet) V4() *IPv4 {
	if i := p.innermostIP(); i >= 0 {
		ip, _ := p.Layers[i].(*IPv4)
		return ip
	}
	return nil
}

// V6 returns the innermost IP header if it is IPv6, or nil.
func (p *Packet) V6() *IPv6 {
	if i := p.innermostIP(); i >= 0 {
		ip, _ := p.Layers[i].(*IPv6)
		return ip
	}
	return nil
}

// IP returns the addresses in the innermost IP header.
func (p *Packet) IP() (src, dst netip.Addr) {
	if ip := p.V4(); ip != nil {
		return ip.Src, ip.Dst
	}
	if ip := p.V6(); ip != nil {
		return ip.Src, ip.Dst
	}
	return netip.Addr{}, netip.Addr{}
}

// SetIP sets the addresses in the innermost IP header. In IPv4, IPv4-mapped
// IPv6 addresses stand for those they map.
func (p *Packet) SetIP(src, dst netip.Addr) {
	if ip := p.V4(); ip != nil {
		ip.Src, ip.Dst = src.Unmap(), dst.Unmap()
	}
	if ip := p.V6(); ip != nil {
		ip.Src, ip.Dst = src, dst
	}
}

// Ports returns the ports of a TCP segment or UDP datagram, or zeros.
func (p *Packet) Ports() (src, dst uint16) {
	switch l := p.lastLayer().(type) {
	case *TCP:
		return l.SrcPort, l.DstPort
	case *UDP:
		return l.SrcPort, l.DstPort
	}
	return 0, 0
}

// SetPorts sets the ports of a TCP segment or UDP datagram.
func (p *Packet) SetPorts(src, dst uint16) {
	switch l := p.lastLayer().(type) {
	case *TCP:
		l.SrcPort, l.DstPort = src, dst
	case *UDP:
		l.SrcPort, l.DstPort = src, dst
	}
}

// TTL returns the TTL or hop limit in the innermost IP header.
func (p *Packet) TTL() uint8 {
	if ip := p.V4(); ip != nil {
		return ip.TTL
	}
	if ip := p.V6(); ip != nil {
		return ip.HopLimit
	}
	return 0
}

// TOS returns the TOS or traffic class in the innermost IP header. Its two low
// bits are ECN (RFC 3168).
func (p *Packet) TOS() uint8 {
	if ip := p.V4(); ip != nil {
		return ip.TOS
	}
	if ip := p.V6(); ip != nil {
		return ip.TrafficClass
	}
	return 0
}

// Clone returns a copy of p that shares nothing with it.
func (p *Packet) Clone() *Packet {
	c := p.cloneHeaders()
	c.Payload = slices.Clone(p.Payload)
	return c
}

// cloneHeaders is Clone without the payload.
func (p *Packet) cloneHeaders() *Packet {
	c := &Packet{Layers: make([]Layer, len(p.Layers))}
	for i, l := range p.Layers {
		switch l := l.(type) {
		case *IPv4:
			d := *l
			d.Options = slices.Clone(l.Options)
			c.Layers[i] = &d
		case *IPv6:
			d := *l
			d.Extensions = slices.Clone(l.Extensions)
			c.Layers[i] = &d
		case *GRE:
			d := *l
			c.Layers[i] = &d
		case *MPLS:
			c.Layers[i] = &MPLS{Labels: slices.Clone(l.Labels)}
		case *TCP:
			d := *l
			d.Options = slices.Clone(l.Options)
			for j := range d.Options {
				d.Options[j].Data = slices.Clone(d.Options[j].Data)
			}
			c.Layers[i] = &d
		case *UDP:
			d := *l
			c.Layers[i] = &d
		case *ICMP:
			d := *l
			c.Layers[i] = &d
		case *Unknown:
			d := *l
			c.Layers[i] = &d
		}
	}
	return c
}
