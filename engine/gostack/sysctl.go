package gostack

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"

	"tcpdrill/engine"
	"tcpdrill/engine/abi"
)

// A sysctl is one of the machine's settings.
type sysctl struct {
	name string
	val  any // *int64, *[2]int64, *[3]int64 or *string: where the value is
	def  string
	numbers
	mode sysctlMode
}

// numbers is what a number may be.
type numbers struct{ min, max int64 }

// The ranges of Linux's types of sysctls.
var (
	flag        = numbers{0, 1}
	u8          = numbers{0, math.MaxUint8}
	whole       = numbers{math.MinInt32, math.MaxInt32}
	notNegative = numbers{0, math.MaxInt32}
	positive    = numbers{1, math.MaxInt32}
	u32         = numbers{0, math.MaxUint32}
	u64         = numbers{0, math.MaxInt64}
	seconds     = numbers{-math.MaxInt32 / 1000, math.MaxInt32 / 1000} // kept in jiffies
)

// A sysctlMode says what becomes of a change.
type sysctlMode int

const (
	modelled sysctlMode = iota // the stack goes by it
	ignored                    // Linux's TCP doesn't go by it either, as far as a script can see
	fixed                      // the stack does only what the default says
	readOnly
)

// Devices that have settings of their own.
var confDevices = []string{"all", "default", "lo", deviceName}

// conf4 are the settings of devices for IPv4 (net.ipv4.conf.DEVICE).
var conf4 = []struct {
	name, def string
	mode      sysctlMode
}{
	{"accept_local", "0", fixed},
	{"accept_redirects", "1", ignored},
	{"accept_source_route", "1", ignored},
	{"arp_accept", "0", ignored},
	{"arp_announce", "0", ignored},
	{"arp_evict_nocarrier", "1", ignored},
	{"arp_filter", "0", ignored},
	{"arp_ignore", "0", ignored},
	{"arp_notify", "0", ignored},
	{"bc_forwarding", "0", ignored},
	{"bootp_relay", "0", ignored},
	{"disable_policy", "0", ignored},
	{"disable_xfrm", "0", ignored},
	{"drop_gratuitous_arp", "0", ignored},
	{"drop_unicast_in_l2_multicast", "0", ignored},
	{"force_igmp_version", "0", ignored},
	{"forwarding", "0", fixed},
	{"igmpv2_unsolicited_report_interval", "10000", ignored},
	{"igmpv3_unsolicited_report_interval", "1000", ignored},
	{"ignore_routes_with_linkdown", "0", ignored},
	{"log_martians", "0", ignored},
	{"mc_forwarding", "0", readOnly},
	{"medium_id", "0", ignored},
	{"promote_secondaries", "0", fixed},
	{"proxy_arp", "0", ignored},
	{"proxy_arp_pvlan", "0", ignored},
	{"route_localnet", "0", fixed},
	{"rp_filter", "0", fixed},
	{"secure_redirects", "1", ignored},
	{"send_redirects", "1", ignored},
	{"shared_media", "1", ignored},
	{"src_valid_mark", "0", ignored},
	{"tag", "0", ignored},
}

// conf6 are those for IPv6.
var conf6 = []struct {
	name, def string
	mode      sysctlMode
}{
	{"accept_dad", "0", ignored}, // the device looks for no duplicates
	{"accept_ra", "0", ignored},
	{"accept_ra_defrtr", "1", ignored},
	{"accept_ra_from_local", "0", ignored},
	{"accept_ra_min_hop_limit", "1", ignored},
	{"accept_ra_mtu", "1", ignored},
	{"accept_ra_pinfo", "1", ignored},
	{"accept_ra_rtr_pref", "1", ignored},
	{"accept_redirects", "1", ignored},
	{"accept_source_route", "0", ignored},
	{"addr_gen_mode", "0", ignored},
	{"autoconf", "1", ignored},
	{"dad_transmits", "0", ignored},
	{"disable_ipv6", "0", fixed},
	{"disable_policy", "0", ignored},
	{"enhanced_dad", "1", ignored},
	{"forwarding", "0", fixed},
	{"hop_limit", "64", fixed},
	{"keep_addr_on_down", "0", fixed},
	{"max_addresses", "16", ignored},
	{"mtu", "1500", fixed},
	{"ndisc_notify", "0", ignored},
	{"optimistic_dad", "0", ignored},
	{"proxy_ndp", "0", ignored},
	{"router_solicitation_delay", "1", ignored},
	{"router_solicitation_interval", "4", ignored},
	{"router_solicitations", "0", ignored},
	{"suppress_frag_ndisc", "1", ignored},
	{"use_oif_addrs_only", "0", ignored},
	{"use_optimistic", "0", ignored},
	{"use_tempaddr", "0", ignored},
}

// confSysctls are the settings of devices, without a place for their values.
var confSysctls = sync.OnceValue(func() []sysctl {
	var vars []sysctl
	for _, dev := range confDevices {
		for _, v := range conf4 {
			vars = append(vars, sysctl{"net.ipv4.conf." + dev + "." + v.name, nil, v.def, whole, v.mode})
		}
		for _, v := range conf6 {
			vars = append(vars, sysctl{"net.ipv6.conf." + dev + "." + v.name, nil, v.def, whole, v.mode})
		}
	}
	return vars
})

// defaultSysctls are the values that a machine starts with, with the table that
// names them. It is made once: a script is over in less time than that takes.
var defaultSysctls = sync.OnceValue(func() *sysctls {
	c := &sysctls{conf: make([]int64, len(confSysctls()))}
	c.makeTable()
	for i := range c.vars {
		v := &c.vars[i]
		if text, ok := v.val.(*string); ok {
			*text = v.def
		} else if err := v.parse(v.def); err != nil {
			panic("gostack: the default of " + v.name + ": " + err.Error()) // it is ours
		}
	}
	return c
})

// sysctlIndex says where in the table a sysctl is.
var sysctlIndex = sync.OnceValue(func() map[string]int {
	index := map[string]int{}
	for i, v := range defaultSysctls().vars {
		index[v.name] = i
	}
	return index
})

// initSysctls gives all sysctls their defaults.
func (s *Stack) initSysctls() {
	s.sysctl = *defaultSysctls()
	s.sysctl.vars, s.sysctl.conf = nil, nil
}

// makeTable makes the table of the sysctls and of where their values are.
func (c *sysctls) makeTable() {
	conf := confSysctls()
	c.vars = append(c.table(), conf...)
	for i := range conf {
		c.vars[len(c.vars)-len(conf)+i].val = &c.conf[i]
	}
}

// find returns a sysctl, nil if there is none of the name.
func (c *sysctls) find(name string) *sysctl {
	i, ok := sysctlIndex()[name]
	if !ok {
		return nil
	}
	if c.vars == nil {
		// Most scripts ask for none.
		c.conf = slices.Clone(defaultSysctls().conf)
		c.makeTable()
	}
	return &c.vars[i]
}

// String is the value as /proc/sys shows it.
func (v *sysctl) String() string {
	switch p := v.val.(type) {
	case *string:
		return *p
	case *int64:
		return strconv.FormatInt(*p, 10)
	}
	var b strings.Builder
	for i, n := range v.fields() {
		if i > 0 {
			b.WriteByte('\t')
		}
		b.WriteString(strconv.FormatInt(*n, 10))
	}
	return b.String()
}

// fields are the numbers that the value is made of.
func (v *sysctl) fields() []*int64 {
	switch p := v.val.(type) {
	case *int64:
		return []*int64{p}
	case *[2]int64:
		return []*int64{&p[0], &p[1]}
	case *[3]int64:
		return []*int64{&p[0], &p[1], &p[2]}
	}
	return nil
}

// parse sets the value's numbers. As in Linux, those before one that is wrong are
// set, those not given stay, and what follows the last is ignored.
func (v *sysctl) parse(value string) error {
	words := strings.Fields(value)
	if len(words) == 0 {
		return abi.Refuse(abi.EINVAL)
	}
	for i, n := range v.fields() {
		if i == len(words) {
			return nil
		}
		x, ok := parseSysctlNumber(words[i])
		if !ok || x < v.min || x > v.max {
			return abi.Refuse(abi.EINVAL)
		}
		*n = x
	}
	return nil
}

// parseSysctlNumber reads a number as Linux does: 0x and 0 prefixes count, a plus
// sign isn't allowed.
func parseSysctlNumber(s string) (int64, bool) {
	digits, negative := strings.CutPrefix(s, "-")
	base := 10
	switch {
	case strings.HasPrefix(digits, "0x") || strings.HasPrefix(digits, "0X"):
		base, digits = 16, digits[2:]
	case len(digits) > 1 && digits[0] == '0':
		base = 8
	}
	n, err := strconv.ParseUint(digits, base, 63)
	if err != nil {
		return 0, false
	}
	if negative {
		return -int64(n), true
	}
	return int64(n), true
}

// unknownSysctl is the answer to a name that isn't in the table. Linux may have
// it.
func unknownSysctl(name string) error {
	return &engine.UnsupportedError{What: "the sysctl " + name}
}

// Sysctl implements engine.Host.
func (s *Stack) Sysctl(name string) (string, error) {
	v := s.sysctl.find(name)
	if v == nil {
		return "", unknownSysctl(name)
	}
	return v.String(), nil
}

// SetSysctl implements engine.Host.
func (s *Stack) SetSysctl(name, value string) error {
	v := s.sysctl.find(name)
	switch {
	case v == nil:
		return unknownSysctl(name)
	case v.mode == readOnly:
		return engine.ErrReadOnly
	}
	unsupported := &engine.UnsupportedError{
		What: fmt.Sprintf("setting the sysctl %s to %s", name, strings.TrimSpace(value)),
	}
	if text, ok := v.val.(*string); ok {
		return s.setTextSysctl(v, text, value, unsupported)
	}
	fields := v.fields()
	before := make([]int64, len(fields))
	for i, n := range fields {
		before[i] = *n
	}
	restore := func() {
		for i, n := range fields {
			*n = before[i]
		}
	}
	switch v.val {
	case &s.sysctl.ipLocalPortRange:
		// It is set as a whole.
		if err := v.parse(value); err != nil {
			restore()
			return err
		}
		if r := s.sysctl.ipLocalPortRange; r[0] > r[1] || r[0] < s.sysctl.ipUnprivilegedPortStart {
			restore()
			return abi.Refuse(abi.EINVAL)
		}
		return nil
	case &s.sysctl.tcpEcn:
		// Later kernels have accurate ECN, which starts at 3.
		if n, ok := parseSysctlNumber(strings.TrimSpace(value)); ok && n >= 3 && n <= 5 {
			return unsupported
		}
	}
	err := v.parse(value)
	if v.mode == fixed && v.String() != v.defaultString() {
		restore()
		return unsupported
	}
	return err
}

// defaultString is the default as String would have it.
func (v *sysctl) defaultString() string { return strings.Join(strings.Fields(v.def), "\t") }

// Congestion controls that Linux has.
var linuxCongestionControls = []string{
	"reno", "cubic", "bbr", "bic", "cdg", "dctcp", "highspeed", "htcp", "hybla",
	"illinois", "lp", "nv", "scalable", "vegas", "veno", "westwood", "yeah",
}

// congestionControl says whether the stack has one of the name.
func (s *Stack) congestionControl(name string) error {
	switch {
	case slices.Contains(strings.Fields(s.sysctl.tcpAvailableCongestionControl), name):
		return nil
	case slices.Contains(linuxCongestionControls, name):
		return &engine.UnsupportedError{What: "the congestion control " + name}
	}
	return abi.Refuse(abi.ENOENT)
}

// setTextSysctl sets one that is no number.
func (s *Stack) setTextSysctl(v *sysctl, text *string, value string, unsupported error) error {
	value = strings.TrimSpace(value)
	switch text {
	case &s.sysctl.tcpCongestionControl:
		if err := s.congestionControl(value); err != nil {
			return err
		}
	case &s.sysctl.tcpAllowedCongestionControl:
		words := strings.Fields(value)
		for _, w := range words {
			if err := s.congestionControl(w); err != nil {
				return err
			}
		}
		value = strings.Join(words, " ")
	case &s.sysctl.tcpFastopenKey:
		keys, ok := parseFastopenKeys(value)
		if !ok {
			return abi.Refuse(abi.EINVAL)
		}
		value = keys
	case &s.sysctl.coreDefaultQdisc:
		if !knownQdisc(value) {
			return unsupported
		}
	default:
		if v.mode == fixed && value != v.def {
			return unsupported
		}
	}
	*text = value
	return nil
}

// parseFastopenKeys reads one or two keys of four hexadecimal words each and
// returns them as the sysctl shows them.
func parseFastopenKeys(value string) (string, bool) {
	keys := strings.Split(value, ",")
	if len(keys) > 2 {
		return "", false
	}
	for i, k := range keys {
		words := strings.Split(strings.TrimSpace(k), "-")
		if len(words) != 4 {
			return "", false
		}
		for j, w := range words {
			n, err := strconv.ParseUint(strings.TrimPrefix(strings.ToLower(w), "0x"), 16, 64)
			if err != nil {
				return "", false
			}
			words[j] = fmt.Sprintf("%08x", uint32(n)) // the upper digits are lost
		}
		keys[i] = strings.Join(words, "-")
	}
	return strings.Join(keys, ","), true
}
