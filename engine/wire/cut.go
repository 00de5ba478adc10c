package wire

// Cut returns the wire segments of a super-segment, as a network card or the
// kernel (tcp_gso_segment, __udp_gso_segment) cuts it: size bytes of payload
// each, the last one what is left. Sequence numbers advance; PSH and FIN stay
// on the last segment only, and CWR on the first only, unless accECN says that
// it is part of AccECN's counter and belongs on all (SKB_GSO_TCP_ACCECN). IPv4
// IDs count up, in outer headers too. UDP payloads become a datagram each.
//
// A packet of at most size bytes of payload, any packet if size isn't
// positive, and one that is neither TCP nor UDP, is its own only segment.
//
// Lengths and checksums are those of the segments, GRE's included; only if p
// has headers that Marshal can't write are they left as they are. The
// segments share p's payload, and nothing else.
func Cut(p *Packet, size int, accECN bool) []*Packet {
	if size <= 0 || size > len(p.Payload) || p.TCP() == nil && p.UDP() == nil {
		size = max(1, len(p.Payload))
	}
	var segments []*Packet
	for at := 0; at == 0 || at < len(p.Payload); at += size {
		end := min(at+size, len(p.Payload))
		s := p.cloneHeaders()
		s.Payload = p.Payload[at:end:end]
		for _, l := range s.Layers {
			switch l := l.(type) {
			case *IPv4:
				l.ID += uint16(len(segments))
			case *IPv6:
				if size < len(p.Payload) {
					l.dropJumbo()
				}
			case *TCP:
				l.Seq += uint32(at)
				if end < len(p.Payload) {
					l.Flags &^= FIN | PSH
				}
				if at > 0 && !accECN {
					l.Flags &^= CWR
				}
			}
		}
		// For what it fills in; the bytes aren't needed.
		_, _ = s.Marshal(MarshalOptions{GREChecksum: true})
		segments = append(segments, s)
	}
	return segments
}

// dropJumbo takes away the hop-by-hop header that says the length of a packet
// too big for PayloadLen (RFC 2675), if it says nothing else.
func (ip *IPv6) dropJumbo() {
	e := ip.Extensions
	if ip.NextHeader == protoHopByHop && len(e) >= 8 && e[1] == 0 && e[2] == 0xc2 && e[3] == 4 {
		ip.NextHeader, ip.Extensions = e[0], append([]byte(nil), e[8:]...)
	}
}
