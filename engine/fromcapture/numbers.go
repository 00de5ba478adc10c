package fromcapture

import (
	"encoding/binary"

	"tcpdrill/engine/wire"
)

// Where the timestamps of both ends begin in the script.
const (
	firstLocalTS  = 100
	firstRemoteTS = 1000
)

// numbers turn a capture's numbers into a script's, which count from the SYNs.
type numbers struct {
	localISN, remoteISN uint32
	// The first timestamps, and whether there were any.
	localTS, remoteTS     uint32
	hasLocalTS, hasRemote bool
	dropTS                bool // the script has none
}

// learn notes the first timestamp of each end.
func (n *numbers) learn(s *segment) {
	val, _, ok := s.tcp().Timestamp()
	switch {
	case !ok:
	case s.inbound && !n.hasRemote:
		n.remoteTS, n.hasRemote = val, true
	case !s.inbound && !n.hasLocalTS:
		n.localTS, n.hasLocalTS = val, true
	}
}

// seq returns a segment's sequence number in the script.
func (n *numbers) seq(s *segment) uint32 {
	if s.inbound {
		return s.tcp().Seq - n.remoteISN
	}
	return s.tcp().Seq - n.localISN
}

// ack returns a segment's acknowledgement number in the script, 0 if it has none.
func (n *numbers) ack(s *segment) uint32 {
	switch {
	case !s.has(wire.ACK):
		return 0
	case s.inbound:
		return s.tcp().Ack - n.localISN
	}
	return s.tcp().Ack - n.remoteISN
}

// script returns a segment in the script's numbers. What it says of options that
// the language has no words for is in unknown.
func (n *numbers) script(s *segment) (p *wire.Packet, unknown bool) {
	p = &wire.Packet{Payload: s.packet.Payload, Layers: []wire.Layer{s.packet.Layers[0], nil}}
	t := *s.tcp()
	p.Layers[1] = &t
	t.Seq, t.Ack, t.Reserved = n.seq(s), n.ack(s), 0
	if t.Flags&wire.URG == 0 {
		t.Urgent = 0
	}
	t.Options = nil
	for _, o := range s.tcp().Options {
		words, ok := n.option(s, o)
		unknown = unknown || !ok
		t.Options = append(t.Options, words...)
	}
	if n.dropTS && onlyNOPs(t.Options) {
		t.Options = nil
	}
	return p, unknown
}

func onlyNOPs(options []wire.TCPOption) bool {
	for _, o := range options {
		if o.Kind != wire.OptNOP {
			return false
		}
	}
	return true
}

// option returns an option in the script's numbers. What the language has no words
// for, and what isn't to be there, becomes as many NOPs.
func (n *numbers) option(s *segment, o wire.TCPOption) (words []wire.TCPOption, known bool) {
	d := append([]byte(nil), o.Data...)
	size := len(d) + 2
	switch o.Kind {
	case wire.OptNOP:
		return []wire.TCPOption{o}, true
	case wire.OptEOL: // and what may follow that isn't an option
		for range len(d) + 1 {
			words = append(words, wire.TCPOption{Kind: wire.OptEOL})
		}
		return words, len(d) == 0
	case wire.OptMSS:
		known = len(d) == 2
	case wire.OptWScale:
		known = len(d) == 1
	case wire.OptSACKOK:
		known = len(d) == 0
	case wire.OptMD5:
		known = len(d) == 16
	case wire.OptFastOpen:
		known = true
	case wire.OptExp:
		known = len(d) >= 2 && binary.BigEndian.Uint16(d) == wire.FastOpenMagic
	case wire.OptAccECN0, wire.OptAccECN1:
		known = len(d) > 0 && len(d) <= 9 && len(d)%3 == 0
	case wire.OptSACK:
		known = len(d) > 0 && len(d)%8 == 0
		isn := n.remoteISN
		if s.inbound {
			isn = n.localISN
		}
		for i := 0; known && i < len(d); i += 4 {
			binary.BigEndian.PutUint32(d[i:], binary.BigEndian.Uint32(d[i:])-isn)
		}
	case wire.OptTimestamp:
		if len(d) == 8 && !n.dropTS {
			n.timestamp(s, d)
			known = true
		}
	}
	if known {
		return []wire.TCPOption{{Kind: o.Kind, Data: d}}, true
	}
	for range size {
		words = append(words, wire.TCPOption{Kind: wire.OptNOP})
	}
	return words, n.dropTS && o.Kind == wire.OptTimestamp
}

// timestamp turns an option's two values into the script's. A zero echo stands for
// none.
func (n *numbers) timestamp(s *segment, d []byte) {
	own, other := firstLocalTS-n.localTS, firstRemoteTS-n.remoteTS
	if s.inbound {
		own, other = other, own
	}
	binary.BigEndian.PutUint32(d, binary.BigEndian.Uint32(d)+own)
	if ecr := binary.BigEndian.Uint32(d[4:]); ecr != 0 {
		binary.BigEndian.PutUint32(d[4:], ecr+other)
	}
}
