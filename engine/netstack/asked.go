package netstack

import (
	"fmt"

	"gvisor.dev/gvisor/pkg/tcpip/header"
)

// asked are sysctls with values that netstack can't have and that don't matter to a
// connection unless it negotiates an option. A script may set them; when netstack says
// in a SYN or SYN-ACK that it will use the option, the script is told.
var asked = map[string]struct {
	values []string
	uses   func(o *header.TCPSynOptions) bool
	but    string // what netstack does
}{
	// Loss probes are a part of RACK, which netstack has with SACK only.
	"net.ipv4.tcp_early_retrans": {[]string{"0"}, func(o *header.TCPSynOptions) bool { return o.SACKPermitted }, "sends loss probes"},
}

// negotiated looks at a packet that was sent, and returns an error if a connection uses
// what was to be off.
func (s *Stack) negotiated(p []byte) error {
	if len(s.asked) == 0 {
		return nil
	}
	tcp := transport(p)
	if len(tcp) < header.TCPMinimumSize || tcp.Flags()&header.TCPFlagSyn == 0 {
		return nil
	}
	o := header.ParseSynOptions(tcp.Options(), tcp.Flags()&header.TCPFlagAck != 0)
	for name, value := range s.asked {
		if a := asked[name]; a.uses(&o) {
			return unsupported(fmt.Sprintf("the sysctl %s=%s, where netstack %s all the same,", name, value, a.but))
		}
	}
	return nil
}

// transport is the TCP segment of an IP packet; nil if there is none.
func transport(p []byte) header.TCP {
	switch {
	case header.IPVersion(p) == header.IPv4Version && len(p) >= header.IPv4MinimumSize:
		ip := header.IPv4(p)
		if ip.TransportProtocol() == header.TCPProtocolNumber {
			return header.TCP(p[ip.HeaderLength():])
		}
	case header.IPVersion(p) == header.IPv6Version && len(p) >= header.IPv6MinimumSize:
		ip := header.IPv6(p)
		if ip.NextHeader() == uint8(header.TCPProtocolNumber) {
			return header.TCP(p[header.IPv6MinimumSize:])
		}
	}
	return nil
}
