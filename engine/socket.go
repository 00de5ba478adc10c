package engine

import (
	"net/netip"

	"tcpdrill/engine/wire"
)

// socketState is how far a tracked socket has come, as the script tells it.
type socketState int

const (
	socketInit                  socketState = iota
	socketNew                               // after socket()
	socketPassiveListening                  // after listen()
	socketPassivePacketReceived             // after the first packet to a listener
	socketPassiveSYNACKSent                 // after its SYN-ACK was expected and came
	socketPassiveSYNACKAcked                // after that was acknowledged
	socketActiveConnecting                  // after connect() or sendto()
	socketActiveSYNSent                     // after its SYN was expected
	socketActiveSYNAcked                    // after that was acknowledged
)

// An fdKind says what a descriptor of the script is.
type fdKind int

const (
	fdSocket fdKind = iota
	fdFile
	fdPipe
	fdEpoll
)

// An fd is a descriptor that the script knows: its number there, and the
// target's. A socket made by an injected SYN has none (-1) until accept().
type fd struct {
	kind         fdKind
	script, live int
	closed       bool
	socket       *socket // of an fdSocket
}

// An end is one side's address and, for TCP, its initial sequence number.
type end struct {
	addr netip.AddrPort
	isn  uint32
}

// A socket is a connection the harness follows, once in the script's numbers
// and once in the live ones.
type socket struct {
	fd       *fd
	state    socketState
	family   int // AF_INET, AF_INET6
	typ      int // SOCK_STREAM, …
	protocol int // IPPROTO_TCP, …

	scriptLocal, scriptRemote end
	liveLocal, liveRemote     end

	// Timestamps: which live value each value of the script stood for, and
	// the first of each.
	tsVal                      map[uint32]uint32
	tsKnown                    bool
	tsFirstScript, tsFirstLive uint32
	// The first live value of all, in case the script names none.
	tsSeen bool
	tsBase uint32

	flowLabelScript, flowLabelLive uint32

	// AccECN is offered by all three of AE, CWR and ECE on a SYN, and accepted
	// by one of four of their values on the SYN-ACK (draft-ietf-tcpm-accurate-ecn,
	// section 3.1.1).
	accECNOffered, accECN bool

	// The last headers each way (live numbers), from which the final RST is made.
	lastOut, lastIn  *wire.TCP
	sndMax           uint32 // after the highest sequence number sent, live
	lastInPayloadLen int
}

// localOffset is what turns a live sequence number of the stack's side into the
// script's: on segments with SYN the script's numbers are absolute, on others
// relative to the first SYN.
func (s *socket) localOffset(syn bool) uint32 {
	if syn {
		return s.scriptLocal.isn - s.liveLocal.isn
	}
	return -s.liveLocal.isn
}

// remoteOffset is localOffset for the harness's side, whose initial sequence
// number is the script's own.
func (s *socket) remoteOffset(syn bool) uint32 {
	if syn {
		return 0
	}
	return -s.liveRemote.isn
}

// scriptTS turns a live timestamp of the stack's side into the script's. Before
// the script has named one they count from 0.
func (s *socket) scriptTS(live uint32) uint32 {
	if s.tsKnown {
		return live - s.tsFirstLive + s.tsFirstScript
	}
	if !s.tsSeen {
		s.tsSeen, s.tsBase = true, live
	}
	return live - s.tsBase
}

// negotiate notes what a segment of the handshake, in either direction, says of
// AccECN.
func (s *socket) negotiate(t *wire.TCP) {
	switch ace := t.Flags.ACE(); t.Flags & (wire.SYN | wire.ACK) {
	case wire.SYN:
		s.accECNOffered = ace == 7
	case wire.SYN | wire.ACK:
		s.accECN = s.accECNOffered && (ace == 2 || ace == 3 || ace == 4 || ace == 6)
	}
}
