package fromcapture

import (
	"encoding/binary"
	"fmt"

	"tcpdrill/engine/pcapng"
)

// Ethernet types.
const (
	etherIPv4   = 0x0800
	etherIPv6   = 0x86dd
	etherVLAN   = 0x8100
	etherQinQ   = 0x88a8
	sllOutgoing = 4 // PACKET_OUTGOING
)

// ipOf returns a captured packet from its IP header on, as long as it was, and which
// way it went; nil if it isn't IP. What the capture cut off is zeros.
func ipOf(p *pcapng.Packet) ([]byte, pcapng.Direction, error) {
	b, way := p.Data, p.Direction
	skip, etherType := 0, 0 // a type of 0: IP, or nothing that we know
	switch p.Link {
	case pcapng.Raw, pcapng.RawBSD, pcapng.RawOther, pcapng.IPv4, pcapng.IPv6:
	case pcapng.Null, pcapng.Loop:
		skip = 4
	case pcapng.Ethernet:
		skip = 14
	case pcapng.LinuxSLL:
		skip = 16
		if len(b) >= skip && way == pcapng.Unknown {
			way = sllDirection(int(binary.BigEndian.Uint16(b)))
		}
	case pcapng.LinuxSLL2:
		skip = 20
		if len(b) >= skip {
			etherType = int(binary.BigEndian.Uint16(b))
			if way == pcapng.Unknown {
				way = sllDirection(int(b[10]))
			}
		}
	default:
		return nil, way, fmt.Errorf("packets of link type %d: want Ethernet, raw IP, Linux cooked or null", p.Link)
	}
	if len(b) < skip {
		return nil, way, nil
	}
	if p.Link == pcapng.Ethernet || p.Link == pcapng.LinuxSLL {
		etherType = int(binary.BigEndian.Uint16(b[skip-2:]))
	}
	for etherType == etherVLAN || etherType == etherQinQ {
		if len(b) < skip+4 {
			return nil, way, nil
		}
		etherType = int(binary.BigEndian.Uint16(b[skip+2:]))
		skip += 4
	}
	if etherType != 0 && etherType != etherIPv4 && etherType != etherIPv6 {
		return nil, way, nil
	}
	ip := b[skip:]
	if cut := p.Len - len(b); cut > 0 && len(ip)+cut <= maxPacket {
		ip = append(ip[:len(ip):len(ip)], make([]byte, cut)...)
	}
	if len(ip) == 0 || ip[0]>>4 != 4 && ip[0]>>4 != 6 {
		return nil, way, nil
	}
	return ip, way, nil
}

// maxPacket is as much as a packet has that was cut off: more is only in packets
// bigger than their length's field.
const maxPacket = 1 << 16

// sllDirection is the direction that a cooked header's packet type says.
func sllDirection(packetType int) pcapng.Direction {
	if packetType == sllOutgoing {
		return pcapng.Outbound
	}
	return pcapng.Inbound
}
