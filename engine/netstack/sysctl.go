package netstack

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"

	"tcpdrill/engine"
	"tcpdrill/engine/abi"
	linux "tcpdrill/engine/sysctls"
)

// A sysctl of Linux is one of four kinds here:
//
//	settings  netstack has the same setting
//	does      netstack does what Linux does with certain values: these can be set, and
//	          what Linux has by default
//	inert     no script can see it in Linux either: any value goes (sysctls.Inert)
//	others    unsupported

func setTCP(s *Stack, o tcpip.SettableTransportProtocolOption) error {
	return failed(s.stack.SetTransportProtocolOption(tcp.ProtocolNumber, o))
}

// settings are the sysctls that netstack has. The numbers are in Linux's ranges.
var settings = map[string]struct {
	initial string
	set     func(s *Stack, v []int64) error
}{
	probesSysctl: {"3", func(s *Stack, v []int64) error {
		if v[0] == 1 || v[0] == 2 {
			return errInvalid // early retransmit, which Linux hasn't got any more either
		}
		s.noProbes = v[0] == 0
		return nil
	}},
	sackSysctl: {"1", func(s *Stack, v []int64) error {
		on := tcpip.TCPSACKEnabled(v[0] != 0)
		return setTCP(s, &on)
	}},
	"net.ipv4.tcp_recovery": {"1", func(s *Stack, v []int64) error {
		r := tcpip.TCPRecovery(v[0])
		return setTCP(s, &r)
	}},
	fastopenSysctl: {"0", func(s *Stack, v []int64) error {
		s.fastopen = v[0]
		return nil
	}},
	timestampsSysctl: {"1", func(s *Stack, v []int64) error {
		if v[0] > 1 {
			return errInvalid // without an offset for each connection
		}
		s.noTimestamps = v[0] == 0
		return nil
	}},
	"net.ipv4.tcp_rmem": {"4096 1048576 4194304", func(s *Stack, v []int64) error {
		return setTCP(s, &tcpip.TCPReceiveBufferSizeRangeOption{Min: int(v[0]), Default: int(v[1]), Max: int(v[2])})
	}},
	"net.ipv4.tcp_wmem": {"4096 1048576 4194304", func(s *Stack, v []int64) error {
		return setTCP(s, &tcpip.TCPSendBufferSizeRangeOption{Min: int(v[0]), Default: int(v[1]), Max: int(v[2])})
	}},
	"net.ipv4.tcp_moderate_rcvbuf": {"1", func(s *Stack, v []int64) error {
		on := tcpip.TCPModerateReceiveBufferOption(v[0] != 0)
		return setTCP(s, &on)
	}},
	"net.ipv4.tcp_fin_timeout": {"60", func(s *Stack, v []int64) error {
		d := tcpip.TCPLingerTimeoutOption(time.Duration(v[0]) * time.Second)
		return setTCP(s, &d)
	}},
	"net.ipv4.tcp_rto_min_us": {"200000", func(s *Stack, v []int64) error {
		d := tcpip.TCPMinRTOOption(time.Duration(v[0]) * time.Microsecond)
		return setTCP(s, &d)
	}},
	"net.ipv4.tcp_rto_max_ms": {"120000", func(s *Stack, v []int64) error {
		d := tcpip.TCPMaxRTOOption(time.Duration(v[0]) * time.Millisecond)
		return setTCP(s, &d)
	}},
	"net.ipv4.tcp_retries2": {"15", func(s *Stack, v []int64) error {
		n := tcpip.TCPMaxRetriesOption(v[0])
		return setTCP(s, &n)
	}},
	"net.ipv4.tcp_tw_reuse": {"2", func(s *Stack, v []int64) error {
		r := tcpip.TCPTimeWaitReuseOption(v[0])
		return setTCP(s, &r)
	}},
	"net.ipv4.ip_local_port_range": {"16000 65535", func(s *Stack, v []int64) error {
		return failed(s.stack.SetPortRange(uint16(v[0]), uint16(v[1])))
	}},
	"net.ipv4.ip_default_ttl": {"64", func(s *Stack, v []int64) error {
		ttl := tcpip.DefaultTTLOption(v[0])
		return failed(s.stack.SetNetworkProtocolOption(ipv4.ProtocolNumber, &ttl))
	}},
	"net.ipv6.conf.all.hop_limit": {"64", func(s *Stack, v []int64) error {
		ttl := tcpip.DefaultTTLOption(v[0])
		return failed(s.stack.SetNetworkProtocolOption(ipv6.ProtocolNumber, &ttl))
	}},
}

// does has, of sysctls that netstack hasn't got, the values with which Linux does what
// netstack does always. The first one is what it is said to be.
var does = map[string][]string{
	"net.core.somaxconn":                     {strconv.Itoa(maxBacklog)},
	"net.ipv4.ip_forward":                    {"0"},
	"net.ipv4.ip_no_pmtu_disc":               {"0"},
	"net.ipv4.ip_nonlocal_bind":              {"0"},
	"net.ipv4.tcp_autocorking":               {"0"},
	"net.ipv4.tcp_comp_sack_nr":              {"0"},
	"net.ipv4.tcp_dsack":                     {"0"},
	"net.ipv4.tcp_ecn":                       {"0"},
	"net.ipv4.tcp_frto":                      {"0"},
	"net.ipv4.tcp_invalid_ratelimit":         {"500"},
	"net.ipv4.tcp_keepalive_intvl":           {"75"},
	"net.ipv4.tcp_keepalive_probes":          {"9"},
	"net.ipv4.tcp_keepalive_time":            {"7200"},
	"net.ipv4.tcp_mtu_probing":               {"0"},
	"net.ipv4.tcp_no_metrics_save":           {"1"},
	"net.ipv4.tcp_notsent_lowat":             {"4294967295"},
	"net.ipv4.tcp_reordering":                {"3"},
	"net.ipv4.tcp_retrans_collapse":          {"0"},
	"net.ipv4.tcp_slow_start_after_idle":     {"1"},
	"net.ipv4.tcp_syn_linear_timeouts":       {"0"},
	"net.ipv4.tcp_syn_retries":               {"6"},
	"net.ipv4.tcp_synack_retries":            {"6"},
	"net.ipv4.tcp_syncookies":                {"1"},
	"net.ipv4.tcp_thin_linear_timeouts":      {"0"},
	"net.ipv4.tcp_tso_win_divisor":           {"0"},
	"net.ipv4.tcp_window_scaling":            {"1"},
	"net.ipv4.tcp_workaround_signed_windows": {"0"},
	"net.ipv6.bindv6only":                    {"0"},
}

// inert reports whether a sysctl can't be seen by a script: in Linux, or here as there is
// no Fast Open.
func inert(v *linux.Sysctl) bool {
	return v.Kind == linux.Inert || v.Name == fastopenSysctl+"_key" || v.Name == fastopenSysctl+"_blackhole_timeout_sec"
}

// congestionControls are those that netstack has.
var congestionControls = []string{"reno", "cubic"}

func linuxHasCongestionControl(name string) bool { return linux.HasCongestionControl(name) }

// Names of sysctls that are dealt with by name.
const (
	ccSysctl          = "net.ipv4.tcp_congestion_control"
	allowedCCSysctl   = "net.ipv4.tcp_allowed_congestion_control"
	availableCCSysctl = "net.ipv4.tcp_available_congestion_control"
	timestampsSysctl  = "net.ipv4.tcp_timestamps"
	probesSysctl      = "net.ipv4.tcp_early_retrans"
	sackSysctl        = "net.ipv4.tcp_sack"
	fastopenSysctl    = "net.ipv4.tcp_fastopen"
)

// words has numbers as /proc/sys shows them: with tabs between.
func words(value string) string { return strings.Join(strings.Fields(value), "\t") }

// Sysctl implements engine.Host.
func (s *Stack) Sysctl(name string) (string, error) {
	if v, ok := s.sysctls[name]; ok {
		return v, nil
	}
	if setting, ok := settings[name]; ok {
		return words(setting.initial), nil
	}
	if values, ok := does[name]; ok {
		return values[0], nil
	}
	switch name {
	case ccSysctl:
		var cc tcpip.CongestionControlOption
		err := s.stack.TransportProtocolOption(tcp.ProtocolNumber, &cc)
		return string(cc), failed(err)
	case allowedCCSysctl, availableCCSysctl:
		return strings.Join(congestionControls, " "), nil
	}
	v := linux.Find(name)
	if v == nil || !inert(v) {
		return "", unsupported("the sysctl " + name)
	}
	return words(v.Default), nil
}

// SetSysctl implements engine.Host.
func (s *Stack) SetSysctl(name, value string) error {
	v := linux.Find(name)
	switch {
	case v == nil:
		return unsupported("the sysctl " + name)
	case v.Kind == linux.ReadOnly:
		return engine.ErrReadOnly
	case name == ccSysctl:
		return s.setCongestionSysctl(strings.TrimSpace(value))
	case v.Fields == 0:
		return s.setTextSysctl(v, strings.TrimSpace(value))
	}
	old, err := s.Sysctl(name)
	if err != nil {
		return err
	}
	numbers := make([]int64, v.Fields)
	fields := make([]*int64, v.Fields)
	for i := range numbers {
		fields[i] = &numbers[i]
	}
	if err := v.Parse(fields, old); err != nil {
		return err
	}
	// What is right of a value that isn't is set, as Linux does it.
	wrong := v.Parse(fields, value)
	text := linux.Format(fields)
	switch setting, ok := settings[name]; {
	case ok:
		err := setting.set(s, numbers)
		if errors.Is(err, errInvalid) && wrong == nil {
			return unsupported(fmt.Sprintf("setting the sysctl %s to %s", name, text))
		}
		if err != nil {
			return err
		}
	// What Linux has by default is no wish: what comes of it is netstack's affair.
	case !inert(v) && !slices.Contains(does[name], text) && text != words(v.Default):
		return unsupported(fmt.Sprintf("setting the sysctl %s to %s, where netstack does as with %s,",
			name, text, strings.Join(does[name], " or ")))
	}
	s.sysctls[name] = text
	return wrong
}

// errInvalid is what netstack says of a value that it won't have.
var errInvalid = abi.Refuse(abi.EINVAL)

func (s *Stack) setCongestionSysctl(name string) error {
	if !slices.Contains(congestionControls, name) && linuxHasCongestionControl(name) {
		return unsupported("the congestion control " + name)
	}
	cc := tcpip.CongestionControlOption(name)
	return setTCP(s, &cc)
}

// setTextSysctl sets one that is no number: as it is already, or one that nobody sees.
func (s *Stack) setTextSysctl(v *linux.Sysctl, value string) error {
	if inert(v) {
		s.sysctls[v.Name] = value
		return nil
	}
	now, err := s.Sysctl(v.Name)
	if err != nil {
		return err
	}
	if strings.Join(strings.Fields(value), " ") != now {
		return unsupported(fmt.Sprintf("setting the sysctl %s to %s", v.Name, value))
	}
	return nil
}
