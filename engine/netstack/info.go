package netstack

import (
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
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

// infoLen is how much of struct tcp_info there is: to tcpi_reordering.
const infoLen = 92

// info lays out struct tcp_info as far as netstack knows it: tcpi_state, tcpi_ca_state,
// tcpi_rto, tcpi_rtt, tcpi_rttvar, tcpi_snd_ssthresh and tcpi_snd_cwnd. The others are 0,
// and it ends before those that Linux has behind tcpi_reordering.
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
