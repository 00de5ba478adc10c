package fromcapture

import (
	"fmt"
	"io"

	"tcpdrill/engine/wire"
	"tcpdrill/script"
)

// A Result is a script and what people should know of it.
type Result struct {
	Script []byte
	Notes  []string // they are in the script as comments, too
}

// Import writes a script from a capture, pcapng or classic pcap, of one TCP
// connection.
func Import(r io.Reader, opt Options) (*Result, error) {
	all, others, err := read(r)
	if err != nil {
		return nil, err
	}
	c, number, err := choose(all, opt)
	if err != nil {
		return nil, err
	}
	local, why, err := localEnd(c, opt)
	if err != nil {
		return nil, err
	}
	b := newBuilder(c, local)
	b.note("Imported from %s: connection %d of %d, %s > %s, %s.", opt.Name, number, len(all), c.a, c.b, count(len(c.segments), "packet"))
	b.note("The stack under test is %s: %s.", local, why)
	if others > 0 {
		b.note("Left out: %s of no TCP connection, or fragments of some.", count(others, "packet"))
	}
	b.build()
	text := b.text()
	// Whatever the capture had, what comes out is a script.
	out, err := script.Format(opt.Name, []byte(text))
	if err == nil {
		if _, errs := script.Vet(opt.Name, out, nil, script.Setting{}); len(errs) > 0 {
			err = errs
		}
	}
	if err != nil {
		return nil, fmt.Errorf("the connection can't be written as a script: %w", err)
	}
	return &Result{Script: out, Notes: b.notes}, nil
}

// prepare finds out what holds for the whole connection: who began it, where
// sequence numbers begin, what was negotiated.
func (b *builder) prepare() {
	var syn, synack *segment
	for _, s := range b.segments {
		switch {
		case s.tcp() == nil || s.badSum:
		case isSYN(s) && syn == nil && synack == nil:
			syn = s
		case s.has(wire.SYN|wire.ACK) && synack == nil:
			synack = s
		}
	}
	if syn == nil {
		b.makeHandshake()
		return
	}
	b.active = !syn.inbound
	isn := func(s *segment, seq uint32) {
		if s.inbound {
			b.remoteISN = seq
		} else {
			b.localISN = seq
		}
	}
	isn(syn, syn.tcp().Seq)
	if synack != nil && synack.inbound != syn.inbound {
		isn(synack, synack.tcp().Seq)
		b.negotiated(syn, synack)
	} else {
		b.guessOther(syn)
	}
	for _, s := range b.segments {
		if s.tcp() != nil && !s.badSum {
			b.learn(s)
		}
	}
}

// guessOther finds where the sequence numbers of an end begin that sent no SYN: a
// RST has 0, or what it acknowledges.
func (b *builder) guessOther(syn *segment) {
	for _, s := range b.segments {
		if s.tcp() == nil || s.inbound == syn.inbound {
			continue
		}
		if s.inbound {
			b.remoteISN = s.tcp().Seq
		} else {
			b.localISN = s.tcp().Seq
		}
		return
	}
}

// negotiated notes what both ends agreed on.
func (b *builder) negotiated(syn, synack *segment) {
	own, peer := syn, synack
	if syn.inbound {
		own, peer = synack, syn
	}
	b.ownSYN, b.peerSYN = own.tcp(), peer.tcp()
	m := min(mssOf(own.tcp()), mssOf(peer.tcp()))
	_, _, ts := own.tcp().Timestamp()
	if _, _, both := peer.tcp().Timestamp(); ts && both {
		m -= min(m, 12)
	}
	b.mss = m
	b.tlp = own.tcp().Option(wire.OptSACKOK) != nil && peer.tcp().Option(wire.OptSACKOK) != nil
	b.rtt = synack.at - syn.at
	if syn.inbound {
		for _, s := range b.segments {
			if s.inbound && s.has(wire.ACK) {
				b.rtt = s.at - synack.at
				break
			}
		}
	}
	b.fastOpen = syn.inbound && b.early(synack.tcp().Ack != syn.tcp().Seq+1)
	ace := synack.tcp().Flags.ACE()
	b.accECN = syn.tcp().Flags.ACE() == 7 && (ace == 2 || ace == 3 || ace == 4 || ace == 6)
}

// early reports whether a server took or sent data before it was sure of its client:
// on the SYN, or before an ACK came.
func (b *builder) early(took bool) bool {
	for _, s := range b.segments {
		if took || s.tcp() == nil || s.inbound && s.has(wire.ACK) {
			break
		}
		took = !s.inbound && s.payload() > 0
	}
	return took
}

// mssOf returns the maximum segment size that a SYN announces.
func mssOf(t *wire.TCP) uint32 {
	if o := t.Option(wire.OptMSS); o != nil && len(o.Data) == 2 {
		return uint32(o.Data[0])<<8 | uint32(o.Data[1])
	}
	return 536 // RFC 9293 section 3.7.1
}

// isSYN reports whether it is a SYN without ACK.
func isSYN(s *segment) bool { return s.tcp() != nil && s.tcp().Flags&(wire.SYN|wire.ACK) == wire.SYN }

// makeHandshake makes up a handshake for a capture that began after it: the other
// end connected. Sequence numbers begin with the lowest that is seen.
func (b *builder) makeHandshake() {
	b.partial, b.dropTS = true, true
	b.mss = 1460
	if b.v6 {
		b.mss = 1440
	}
	var ends [2]struct {
		seen bool
		low  uint32
	}
	below := func(i int, seq uint32) {
		if e := &ends[i]; !e.seen || int32(seq-e.low) < 0 {
			e.seen, e.low = true, seq
		}
	}
	var kept []*segment
	for _, s := range b.segments {
		if s.tcp() != nil {
			from, to := 0, 1
			if s.inbound {
				from, to = 1, 0
			}
			first := s.tcp().Seq
			if s.has(wire.SYN) {
				first++
			}
			below(from, first)
			if s.has(wire.ACK) {
				below(to, s.tcp().Ack)
			}
			b.sack = b.sack || s.tcp().Option(wire.OptSACK) != nil
			if s.has(wire.SYN) {
				continue
			}
		}
		kept = append(kept, s)
	}
	b.segments = kept
	b.localISN, b.remoteISN = ends[0].low-1, ends[1].low-1
}
