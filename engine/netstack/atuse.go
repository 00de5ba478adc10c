package netstack

import (
	"encoding/binary"
	"fmt"
	"slices"

	"tcpdrill/engine/wire"
)

// Some sysctls have values that netstack can't do, and most scripts that set them never
// come to where that counts. They can be set; what it would have to be done for is
// unsupported when it comes.

// An atUse is what such sysctls are set to.
type atUse struct {
	// noTimestamps: net.ipv4.tcp_timestamps is 0. netstack always offers time stamps
	// and takes them.
	noTimestamps bool
	// noProbes: net.ipv4.tcp_early_retrans is 0. netstack sends loss probes on connections
	// with SACK, as a part of RACK.
	noProbes bool
	// fastopen is net.ipv4.tcp_fastopen. netstack has no Fast Open.
	fastopen int64
}

// Bits of net.ipv4.tcp_fastopen: a listener takes data of SYNs, also without having
// asked for it by TCP_FASTOPEN, which is unsupported.
const fastopenServer = 0x2 | 0x400

// cannotAnswer says what Linux would do about a packet and netstack can't; "" if there is
// nothing.
func (s *Stack) cannotAnswer(b []byte) string {
	server := s.fastopen&fastopenServer == fastopenServer
	if !server && !s.noTimestamps && !s.noProbes {
		return ""
	}
	p, err := wire.Parse(b)
	if err != nil || p.TCP() == nil || p.TCP().Flags&wire.SYN == 0 {
		return ""
	}
	t := p.TCP()
	if _, _, ok := t.Timestamp(); ok && s.noTimestamps {
		return "refusing time stamps (" + timestampsSysctl + " is 0)"
	}
	sack := slices.ContainsFunc(t.Options, func(o wire.TCPOption) bool { return o.Kind == wire.OptSACKOK })
	if sack && s.noProbes && s.sysctls[sackSysctl] != "0" {
		return "withholding loss probes (" + probesSysctl + " is 0)"
	}
	if server && t.Flags&wire.ACK == 0 && (len(p.Payload) > 0 || asksForCookie(t)) {
		return fmt.Sprintf("Fast Open (%s is %#x)", fastopenSysctl, s.fastopen)
	}
	return ""
}

// asksForCookie reports whether a SYN has Fast Open's option, in either of its forms (RFC
// 7413 section 4.1.1).
func asksForCookie(t *wire.TCP) bool {
	for _, o := range t.Options {
		exp := o.Kind == wire.OptExp && len(o.Data) >= 2 && binary.BigEndian.Uint16(o.Data) == wire.FastOpenMagic
		if o.Kind == wire.OptFastOpen || exp {
			return true
		}
	}
	return false
}
