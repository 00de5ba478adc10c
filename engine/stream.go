package engine

import (
	"tcpdrill/engine/wire"
	"tcpdrill/script"
)

// Lines of a script that are about the stream, not about segments: the same bytes in any
// cut, acknowledged up to there by however many ACKs. How a stack cuts may depend on when
// two threads or processes come to run, which is nothing that a script can say.

// inStream reports whether a line is about the stream.
func inStream(p *script.Packet) bool { return p.TCP != nil && p.TCP.Stream }

// onTheWay reports whether a segment is a pure ACK that comes before what a line about the
// stream is waiting for, after so many of its bytes: one that acknowledges less or, where
// data is to come, no more.
func onTheWay(want *wire.Packet, g *segment, total int) bool {
	w, t := want.TCP(), g.packet.TCP()
	if t == nil || g.payload() > 0 || t.Flags&(wire.SYN|wire.FIN|wire.RST|wire.ACK) != wire.ACK ||
		t.Seq != w.Seq+uint32(total) {
		return false
	}
	ahead := int32(w.Ack - t.Ack)
	return ahead > 0 || ahead == 0 && len(want.Payload) > 0
}

// asAsked returns a header to compare with a line: without PSH if that is about the stream
// and doesn't ask for it, since where it is hangs on how the stream is cut.
func asAsked(p *script.Packet, want, got *wire.TCP) *wire.TCP {
	if !inStream(p) || want.Flags&wire.PSH != 0 {
		return got
	}
	t := *got
	t.Flags &^= wire.PSH
	return &t
}

// streamDiffs says why a segment doesn't continue the stream.
func streamDiffs(prev, g *segment) []fieldDiff {
	var d diffList
	a, b := prev.packet.TCP(), g.packet.TCP()
	if a == nil || b == nil {
		return []fieldDiff{{field: "protocol", classic: "live packet header layer mismatch between segments"}}
	}
	for _, f := range []struct {
		name string
		bit  wire.TCPFlags
	}{{"syn", wire.SYN}, {"rst", wire.RST}, {"ack", wire.ACK}} {
		d.flag(f.name, "flags", a.Flags, b.Flags, f.bit)
	}
	d.number("tcp_seq", "seq", a.Seq+uint32(prev.payload()), b.Seq)
	return d
}
