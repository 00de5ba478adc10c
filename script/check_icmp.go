package script

import (
	"slices"
	"strings"
)

// An icmpType is a type of ICMP or ICMPv6 message and the names of its codes.
type icmpType struct {
	number int64
	codes  map[string]int64
}

// icmpTypes are the types by name: of ICMP (RFC 792, RFC 950, RFC 1122, RFC 1812)
// and of ICMPv6 (RFC 4443).
var icmpTypes = map[int]map[string]icmpType{
	4: {
		"echo_reply":           {number: 0},
		"unreachable":          {3, unreachableCodes},
		"source_quench":        {number: 4},
		"redirect":             {number: 5},
		"echo_request":         {number: 8},
		"time_exceeded":        {number: 11},
		"parameter_problem":    {number: 12},
		"timestamp_request":    {number: 13},
		"timestamp_reply":      {number: 14},
		"information_request":  {number: 15},
		"information_reply":    {number: 16},
		"address_mask_request": {number: 17},
		"address_mask_reply":   {number: 18},
	},
	6: {
		"unreachable":       {1, unreachable6Codes},
		"packet_too_big":    {number: 2},
		"time_exceeded":     {3, map[string]int64{"exceeded_hop_limit": 0, "exceeded_frag_time": 1}},
		"parameter_problem": {4, map[string]int64{"header_field": 0, "unknown_next_header": 1, "unknown_option": 2}},
		"echo_request":      {number: 128},
		"echo_reply":        {number: 129},
	},
}

var unreachableCodes = map[string]int64{
	"net_unreachable":          0,
	"host_unreachable":         1,
	"protocol_unreachable":     2,
	"port_unreachable":         3,
	"frag_needed":              4,
	"source_route_failed":      5,
	"net_unknown":              6,
	"host_unknown":             7,
	"source_host_isolated":     8,
	"net_prohibited":           9,
	"host_prohibited":          10,
	"net_unreachable_for_tos":  11,
	"host_unreachable_for_tos": 12,
	"packet_filtered":          13,
	"precedence_violation":     14,
	"precedence_cutoff":        15,
}

var unreachable6Codes = map[string]int64{
	"net_unreachable":     0,
	"no_route":            0,
	"admin_prohibited":    1,
	"not_neighbour":       2,
	"address_unreachable": 3,
	"port_unreachable":    4,
}

// icmp checks a message for the script's IP version. If that isn't known, it is
// enough that the message is right for one of them.
func (c *checker) icmp(m *ICMP) {
	families := []int{4, 6}
	switch c.version {
	case "ipv4", "ipv4-mapped-ipv6":
		families = families[:1]
	case "ipv6":
		families = families[1:]
	}
	var first string
	for _, family := range families {
		problem := m.problem(family)
		if problem == "" {
			first = ""
			break
		}
		if first == "" {
			first = problem
		}
	}
	if first != "" {
		c.fail(m, "%s", first)
	}
	c.within(m.ID, "id", 0, maxU16)
	switch {
	case m.Raw != nil:
		c.within(m.Raw, "length", icmpHeaderSize, maxU16)
	case m.QuotedUDP != nil:
		c.within(m.QuotedUDP, "length", 0, maxU16)
	case m.QuotedTCP != nil:
		c.seqRange(m.QuotedTCP)
	}
}

// problem says what is wrong with type, code and mtu for an IP version, or "".
func (m *ICMP) problem(family int) string {
	types := icmpTypes[family]
	kind := types[m.Type]
	if _, known := types[m.Type]; !known {
		n, ok := numbered(m.Type, "type_")
		if !ok {
			return "unknown ICMP type " + written(m.Type, m.TypeSymbol) + didYouMean(m.Type, keysOf(types))
		}
		kind.number = n
	}
	code := kind.codes[m.Code]
	if _, known := kind.codes[m.Code]; m.Code != "" && !known {
		n, ok := numbered(m.Code, "code_")
		if !ok {
			return "unknown ICMP code " + written(m.Code, m.CodeSymbol) + " of " + m.Type +
				didYouMean(m.Code, keysOf(kind.codes))
		}
		code = n
	}
	if m.MTU == nil || m.MTU.Value < 0 {
		return ""
	}
	if family == 4 {
		switch {
		case kind.number != 3 || code != 4:
			return "only unreachable frag_needed has an mtu"
		case m.MTU.Value > maxU16:
			return "mtu out of range: got " + m.MTU.Text + ", want 0 to 65535"
		}
		return ""
	}
	switch {
	case kind.number != 2 || code != 0:
		return "only packet_too_big has an mtu"
	case m.MTU.Value > maxU32:
		return "mtu out of range: got " + m.MTU.Text + ", want 0 to 4294967295"
	}
	return ""
}

// numbered parses type_N or code_N; what follows the digits doesn't matter.
func numbered(word, prefix string) (int64, bool) {
	digits, ok := strings.CutPrefix(word, prefix)
	end := digitsEnd(digits, 0)
	if !ok || end == 0 {
		return 0, false
	}
	n := parseDecimal(digits[:end])
	return n, n <= maxU8
}

func keysOf[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
