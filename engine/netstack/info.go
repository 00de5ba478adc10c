package netstack

import (
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"

	"tcpdrill/engine"
)

// linuxStates are Linux's numbers of netstack's states (net/tcp_states.h).
var linuxStates = map[tcp.EndpointState]byte{
	tcp.StateEstablished: 1,
	tcp.StateConnecting:  2,
	tcp.StateSynSent:     2,
	tcp.StateSynRecv:     3,
	tcp.StateFinWait1:    4,
	tcp.StateFinWait2:    5,
	tcp.StateTimeWait:    6,
	tcp.StateClose:       7,
	tcp.StateError:       7,
	tcp.StateInitial:     7,
	tcp.StateBound:       7,
	tcp.StateCloseWait:   8,
	tcp.StateLastAck:     9,
	tcp.StateListen:      10,
	tcp.StateClosing:     11,
}

// linuxCAStates are Linux's numbers of netstack's states of congestion control (enum
// tcp_ca_state).
var linuxCAStates = map[tcpip.CongestionControlState]byte{
	tcpip.Open:         0,
	tcpip.Disorder:     1,
	tcpip.FastRecovery: 3,
	tcpip.SACKRecovery: 3,
	tcpip.RTORecovery:  4,
}

// knownInfo are the members of struct tcp_info that netstack knows.
var knownInfo = map[string]bool{
	"tcpi_state": true, "tcpi_ca_state": true, "tcpi_rto": true, "tcpi_rtt": true, "tcpi_rttvar": true,
	"tcpi_snd_ssthresh": true, "tcpi_snd_cwnd": true,
}

var _ engine.PartialInfo = (*Stack)(nil)

// KnowsInfo implements engine.PartialInfo.
func (s *Stack) KnowsInfo(name string) bool { return knownInfo[name] }

// infoLen is how much of struct tcp_info there is: to tcpi_reordering.
const infoLen = 92

// info lays out struct tcp_info as far as netstack knows it (knownInfo). The others are 0.
func (so *socket) info() []byte {
	b := make([]byte, infoLen)
	b[0] = linuxStates[so.state()]
	var i tcpip.TCPInfoOption
	if so.ep.GetSockOpt(&i) != nil {
		return b
	}
	us := func(at int, d time.Duration) { le.PutUint32(b[at:], uint32(d/time.Microsecond)) }
	b[1] = linuxCAStates[i.CcState]
	us(8, i.RTO)
	us(68, i.RTT)
	us(72, i.RTTVar)
	le.PutUint32(b[76:], i.SndSsthresh)
	le.PutUint32(b[80:], i.SndCwnd)
	return b
}
