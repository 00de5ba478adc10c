package gostack

import (
	"tcpdrill/engine/wire"
)

// What comes out of order: the queue, and the SACK and DSACK blocks that tell of it
// (RFC 2018, RFC 2883). Linux has it in tcp_input.c.

// queueOfo takes what comes behind a gap (tcp_data_queue_ofo).
func (tp *tcpSock) queueOfo(g *segment) {
	s := tp.s
	tp.ecnCheckCE(g.tos & 3)
	if !tp.rmemSchedule(g.seq, rxTruesize(g.size)) {
		s.count(mibTCPOFODrop)
		return
	}
	tp.measureRcvMSS(g)
	b := tp.newRcvSkb(g)
	tp.predOn = false
	tp.ackPending |= ackSched
	tp.rcvOOOPack++
	s.count(mibTCPOFOQueue)
	seq, end := b.seq, b.endSeq
	q := &tp.ofoQueue
	if q.empty() {
		if tp.sackOK {
			tp.selectiveAcks = []sackBlock{{seq, end}}
		}
		q.pushBack(b)
		tp.afterOfo(g)
		tp.chargeReceived(b.truesize)
		return
	}
	// Directly behind the last one.
	if tp.coalesce(q.last, b) {
		if tp.sackOK {
			tp.sackNewOfo(seq, end)
		}
		tp.afterOfo(g)
		return
	}
	var at *skb // behind which it goes
	for at = q.last; at != nil && before(seq, at.seq); at = at.prev {
	}
	if at != nil {
		switch {
		case before(seq, at.endSeq):
			if !after(end, at.endSeq) {
				// All of it is there.
				s.count(mibTCPOFOMerge)
				tp.dsackSet(seq, end)
				if tp.sackOK {
					tp.sackNewOfo(seq, end)
				}
				return
			}
			if after(seq, at.seq) {
				tp.dsackSet(seq, at.endSeq) // a part of it is
			} else {
				// It begins where another does, and is longer.
				tp.dsackExtend(at.seq, at.endSeq)
				s.count(mibTCPOFOMerge)
				prev := at.prev
				q.remove(at)
				tp.chargeReceived(-at.truesize)
				at = prev
			}
		case tp.coalesce(at, b):
			tp.dropCovered(at, end)
			if tp.sackOK {
				tp.sackNewOfo(seq, end)
			}
			tp.afterOfo(g)
			return
		}
	}
	q.insertAfter(b, at)
	tp.dropCovered(b, end)
	if tp.sackOK {
		tp.sackNewOfo(seq, end)
	}
	tp.afterOfo(g)
	tp.chargeReceived(b.truesize)
}

// dropCovered drops what lies behind a buffer and is covered by it.
func (tp *tcpSock) dropCovered(b *skb, end uint32) {
	for n := b.next; n != nil && after(end, n.seq); n = b.next {
		if before(end, n.endSeq) {
			tp.dsackExtend(n.seq, end)
			return
		}
		tp.dsackExtend(n.seq, n.endSeq)
		tp.s.count(mibTCPOFOMerge)
		tp.ofoQueue.remove(n)
		tp.chargeReceived(-n.truesize)
	}
}

// afterOfo lets the window grow by what came, even out of order, before its memory
// counts.
func (tp *tcpSock) afterOfo(g *segment) {
	if tp.sackOK {
		tp.growWindow(len(g.data), rxTruesize(g.size))
	}
}

// ofoToReceive moves what follows now to the receive queue (tcp_ofo_queue).
func (tp *tcpSock) ofoToReceive() {
	high := tp.rcvNxt
	for b := tp.ofoQueue.first; b != nil; b = tp.ofoQueue.first {
		if after(b.seq, tp.rcvNxt) {
			return
		}
		if before(b.seq, high) {
			end := high
			if before(b.endSeq, high) {
				end = b.endSeq
			}
			tp.dsackExtend(b.seq, end)
		}
		tp.ofoQueue.remove(b)
		tp.chargeReceived(-b.truesize)
		if !after(b.endSeq, tp.rcvNxt) {
			continue
		}
		fin := b.flags&wire.FIN != 0
		tp.addReceived(b)
		if fin {
			tp.fin()
			return
		}
	}
}

// SACK blocks to send (RFC 2018 section 4).

// sackExtend makes a block cover what it touches.
func sackExtend(b *sackBlock, seq, end uint32) bool {
	if after(seq, b.end) || after(b.start, end) {
		return false
	}
	if before(seq, b.start) {
		b.start = seq
	}
	if after(end, b.end) {
		b.end = end
	}
	return true
}

// dsackSet notes a duplicate to report (RFC 2883).
func (tp *tcpSock) dsackSet(seq, end uint32) {
	if !tp.sackOK || tp.s.sysctl.tcpDsack == 0 || tp.s.faults.has(NoDSACK) {
		return
	}
	if before(seq, tp.rcvNxt) {
		tp.s.count(mibTCPDSACKOldSent)
	} else {
		tp.s.count(mibTCPDSACKOfoSent)
	}
	tp.duplicateSack = []sackBlock{{seq, end}}
}

func (tp *tcpSock) dsackExtend(seq, end uint32) {
	if len(tp.duplicateSack) == 0 {
		tp.dsackSet(seq, end)
		return
	}
	sackExtend(&tp.duplicateSack[0], seq, end)
}

// sackNewOfo puts the block of what came last first (tcp_sack_new_ofo_skb).
func (tp *tcpSock) sackNewOfo(seq, end uint32) {
	for i := range tp.selectiveAcks {
		if !sackExtend(&tp.selectiveAcks[i], seq, end) {
			continue
		}
		if i >= 4 { // no ACK has said it
			tp.sackCompressSendAck()
		}
		b := tp.selectiveAcks[i]
		copy(tp.selectiveAcks[1:i+1], tp.selectiveAcks[:i])
		tp.selectiveAcks[0] = b
		tp.sackMaybeCoalesce()
		return
	}
	if len(tp.selectiveAcks) >= 4 {
		tp.sackCompressSendAck()
		tp.selectiveAcks = tp.selectiveAcks[:3]
	}
	tp.selectiveAcks = append([]sackBlock{{seq, end}}, tp.selectiveAcks...)
}

// sackMaybeCoalesce merges blocks that the first one has come to touch.
func (tp *tcpSock) sackMaybeCoalesce() {
	first := &tp.selectiveAcks[0]
	for i := 1; i < len(tp.selectiveAcks); {
		b := tp.selectiveAcks[i]
		if sackExtend(first, b.start, b.end) {
			tp.selectiveAcks = append(tp.selectiveAcks[:i], tp.selectiveAcks[i+1:]...)
			continue
		}
		i++
	}
}

// sackRemove drops blocks that the acknowledgment number covers.
func (tp *tcpSock) sackRemove() {
	if tp.ofoQueue.empty() {
		tp.selectiveAcks = nil
		return
	}
	kept := tp.selectiveAcks[:0]
	for _, b := range tp.selectiveAcks {
		if before(tp.rcvNxt, b.start) {
			kept = append(kept, b)
		}
	}
	tp.selectiveAcks = kept
}
