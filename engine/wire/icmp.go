package wire

import (
	"fmt"
	"strconv"
	"strings"
)

// An ICMPName is a type of ICMP message that scripts call by name, with the
// codes of that type that have names.
type ICMPName struct {
	Type  uint8
	Name  string
	Codes []ICMPCodeName
}

// An ICMPCodeName is a code that scripts call by name.
type ICMPCodeName struct {
	Code uint8
	Name string
}

// Types that have a meaning here.
const (
	icmp4Unreachable = 3
	icmp4FragNeeded  = 4 // code
	icmp6TooBig      = 2
)

// Where a code has two names, the first is the one to print.
var (
	icmp4Names = []ICMPName{ // RFC 792, RFC 950
		{0, "echo_reply", nil},
		{icmp4Unreachable, "unreachable", []ICMPCodeName{ // RFC 1122, RFC 1812
			{0, "net_unreachable"},
			{1, "host_unreachable"},
			{2, "protocol_unreachable"},
			{3, "port_unreachable"},
			{icmp4FragNeeded, "frag_needed"},
			{5, "source_route_failed"},
			{6, "net_unknown"},
			{7, "host_unknown"},
			{8, "source_host_isolated"},
			{9, "net_prohibited"},
			{10, "host_prohibited"},
			{11, "net_unreachable_for_tos"},
			{12, "host_unreachable_for_tos"},
			{13, "packet_filtered"},
			{14, "precedence_violation"},
			{15, "precedence_cutoff"},
		}},
		{4, "source_quench", nil},
		{5, "redirect", nil},
		{8, "echo_request", nil},
		{11, "time_exceeded", nil},
		{12, "parameter_problem", nil},
		{13, "timestamp_request", nil},
		{14, "timestamp_reply", nil},
		{15, "information_request", nil},
		{16, "information_reply", nil},
		{17, "address_mask_request", nil},
		{18, "address_mask_reply", nil},
	}
	icmp6Names = []ICMPName{ // RFC 4443
		{1, "unreachable", []ICMPCodeName{
			{0, "no_route"},
			{0, "net_unreachable"},
			{1, "admin_prohibited"},
			{2, "not_neighbour"},
			{3, "address_unreachable"},
			{4, "port_unreachable"},
		}},
		{icmp6TooBig, "packet_too_big", nil},
		{3, "time_exceeded", []ICMPCodeName{
			{0, "exceeded_hop_limit"},
			{1, "exceeded_frag_time"},
		}},
		{4, "parameter_problem", []ICMPCodeName{
			{0, "header_field"},
			{1, "unknown_next_header"},
			{2, "unknown_option"},
		}},
		{128, "echo_request", nil},
		{129, "echo_reply", nil},
	}
)

// ICMPNames returns the names that scripts have for ICMP's types and codes, or
// for ICMPv6's. The result is shared: don't change it.
func ICMPNames(v6 bool) []ICMPName {
	if v6 {
		return icmp6Names
	}
	return icmp4Names
}

// ICMPType returns the type that a script means by name, which may also be
// type_N.
func ICMPType(name string, v6 bool) (uint8, bool) {
	if n, ok := numbered(name, "type_"); ok {
		return n, true
	}
	for _, t := range ICMPNames(v6) {
		if t.Name == name {
			return t.Type, true
		}
	}
	return 0, false
}

// ICMPCode returns the code of type typ that a script means by name, which may
// also be code_N, or "" for 0.
func ICMPCode(typ uint8, name string, v6 bool) (uint8, bool) {
	if name == "" {
		return 0, true
	}
	if n, ok := numbered(name, "code_"); ok {
		return n, true
	}
	for _, c := range icmpCodes(typ, v6) {
		if c.Name == name {
			return c.Code, true
		}
	}
	return 0, false
}

func icmpCodes(typ uint8, v6 bool) []ICMPCodeName {
	for _, t := range ICMPNames(v6) {
		if t.Type == typ {
			return t.Codes
		}
	}
	return nil
}

func numbered(name, prefix string) (uint8, bool) {
	digits, ok := strings.CutPrefix(name, prefix)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 8)
	return uint8(n), err == nil
}

// names returns what scripts call the message's type and code; the code's is
// "" if it is 0 and has no name.
func (m *ICMP) names() (typ, code string) {
	typ = fmt.Sprintf("type_%d", m.Type)
	for _, t := range ICMPNames(m.V6) {
		if t.Type == m.Type {
			typ = t.Name
		}
	}
	for _, c := range icmpCodes(m.Type, m.V6) {
		if c.Code == m.Code {
			return typ, c.Name
		}
	}
	if m.Code != 0 {
		code = fmt.Sprintf("code_%d", m.Code)
	}
	return typ, code
}

// quotes reports whether messages of this type end in the start of the packet
// they are about: those which aren't requests, replies or announcements.
func (m *ICMP) quotes() bool {
	if m.V6 {
		return m.Type < 128 // RFC 4443 section 2.1
	}
	switch m.Type {
	case 0, 8, 9, 10, 13, 14, 15, 16, 17, 18:
		return false
	}
	return true
}

// hasMTU reports whether the message says an MTU (RFC 1191, RFC 4443).
func (m *ICMP) hasMTU() bool {
	if m.V6 {
		return m.Type == icmp6TooBig && m.Code == 0
	}
	return m.Type == icmp4Unreachable && m.Code == icmp4FragNeeded
}

// mtu returns the MTU that the message says, in bytes.
func (m *ICMP) mtu() uint32 {
	if m.V6 {
		return m.Rest
	}
	return m.Rest & 0xffff
}

// hasID reports whether the message has an identifier.
func (m *ICMP) hasID() bool {
	if m.V6 {
		return m.Type == 128 || m.Type == 129
	}
	return !m.quotes() && m.Type != 9 && m.Type != 10
}
