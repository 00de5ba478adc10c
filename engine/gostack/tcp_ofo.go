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
	if !tp.rmemSchedule(g.seq, g.memory.truesize()) {
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
		q.add(b, nil, nil, false)
		tp.afterOfo(g)
		tp.chargeReceived(b.truesize)
		return
	}
	// Directly behind the last one.
	if tp.coalesce(q.last, b) {
		tp.coalescedOfo(g, seq, end)
		return
	}
	var up *skb // in the tree
	left := false
	if !before(seq, q.last.endSeq) {
		up = q.last
	} else {
		for n := q.root; n != nil; {
			up, left = n, before(seq, n.seq)
			if left {
				n = n.rb.left
				continue
			}
			switch {
			case !before(seq, n.endSeq):
				if tp.coalesce(n, b) {
					// What it covers behind it stays until the hole is filled.
					tp.coalescedOfo(g, seq, end)
					return
				}
			case !after(end, n.endSeq):
				// All of it is there.
				s.count(mibTCPOFOMerge)
				tp.dsackSet(seq, end)
				if tp.sackOK {
					tp.sackNewOfo(seq, end)
				}
				return
			case after(seq, n.seq):
				tp.dsackSet(seq, n.endSeq) // a part of it is
			default:
				// It begins where another does, and is longer.
				q.swap(n, b)
				tp.dsackExtend(n.seq, n.endSeq)
				s.count(mibTCPOFOMerge)
				tp.chargeReceived(-n.truesize)
				tp.insertedOfo(g, b)
				return
			}
			n = n.rb.right
		}
	}
	at := up
	if left {
		at = up.prev
	}
	q.add(b, at, up, left)
	tp.insertedOfo(g, b)
}

// insertedOfo drops what a buffer covers that has been put into the queue.
func (tp *tcpSock) insertedOfo(g *segment, b *skb) {
	tp.dropCovered(b, b.endSeq)
	if tp.sackOK {
		tp.sackNewOfo(b.seq, b.endSeq)
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

// coalescedOfo is for data that another's buffer has taken. A bare FIN takes no memory
// then, so that the window grows.
func (tp *tcpSock) coalescedOfo(g *segment, seq, end uint32) {
	if !tp.sackOK {
		return
	}
	tp.growWindow(len(g.data), g.dataTruesize())
	tp.sackNewOfo(seq, end)
}

// afterOfo lets the window grow by what came, even out of order, before its memory
// counts.
func (tp *tcpSock) afterOfo(g *segment) {
	if tp.sackOK {
		tp.growWindow(len(g.data), g.memory.truesize())
	}
}

func (tp *tcpSock) purgeOfo() {
	for b := tp.ofoQueue.first; b != nil; b = tp.ofoQueue.first {
		tp.ofoQueue.remove(b)
		tp.chargeReceived(-b.truesize)
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
		if !after(b.endSeq, tp.rcvNxt) {
			tp.chargeReceived(-b.truesize)
			continue
		}
		fin := b.flags&wire.FIN != 0
		if tp.addReceived(b) {
			tp.chargeReceived(-b.truesize)
		}
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

// sackBlocksExpected is how many blocks an ACK is trusted to bring to the peer
// (TCP_SACK_BLOCKS_EXPECTED): what was held back goes before another gets ahead.
const sackBlocksExpected = 2

// sackNewOfo puts the block of what came last first (tcp_sack_new_ofo_skb).
func (tp *tcpSock) sackNewOfo(seq, end uint32) {
	for i := range tp.selectiveAcks {
		if !sackExtend(&tp.selectiveAcks[i], seq, end) {
			continue
		}
		if i >= sackBlocksExpected {
			tp.sackCompressSendAck()
		}
		b := tp.selectiveAcks[i]
		copy(tp.selectiveAcks[1:i+1], tp.selectiveAcks[:i])
		tp.selectiveAcks[0] = b
		tp.sackMaybeCoalesce()
		return
	}
	if len(tp.selectiveAcks) >= sackBlocksExpected {
		tp.sackCompressSendAck()
	}
	if len(tp.selectiveAcks) >= 4 {
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
