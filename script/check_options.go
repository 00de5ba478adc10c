package script

import (
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// An optionSpec says what value an option takes: it returns what it wants instead
// of a bad value, else "". A nil spec takes none.
type optionSpec func(value string) (want string)

// options are what a script may set: packetdrill's options, and below them ours.
var options = map[string]optionSpec{
	"ip_version":        oneOf("ipv4", "ipv6", "ipv4-mapped-ipv6"),
	"bind_port":         port,
	"connect_port":      port,
	"code_command":      anything,
	"code_format":       anything,
	"code_sockopt":      anything,
	"remote_ip":         prefix,
	"local_ip":          address,
	"gateway_ip":        address,
	"netmask_ip":        address,
	"speed":             speed,
	"mss":               leading(1, math.MaxInt32),
	"mtu":               leading(0, math.MaxInt32),
	"init_scripts":      anything,
	"tolerance_usecs":   leading(1, math.MaxInt64),
	"tolerance_percent": percent,
	"tcp_ts_ecr_scaled": nil,
	"tcp_ts_tick_usecs": leading(0, 1000000),
	"strict_segments":   nil,
	"non_fatal":         anything,
	"wire_client":       nil,
	"wire_server":       nil,
	"wire_server_ip":    address,
	"wire_server_at":    address,
	"wire_server_port":  port,
	"wire_client_dev":   anything,
	"wire_server_dev":   anything,
	"so_filename":       anything,
	"so_flags":          anything,
	"dry_run":           nil,
	"is_anyip":          nil,
	"send_omit_free":    nil,
	"psp_udp_port":      port,
	"debug":             nil,
	"define":            definitionOf,
	"verbose":           nil,

	"wire_segments": nil,
	"keep_going":    nil,
	"no_exec":       nil,
	"capture":       oneOf("copy", "packet"),
	"timeout":       anything,
}

func anything(string) string { return "" }

func oneOf(values ...string) optionSpec {
	return func(v string) string {
		if slices.Contains(values, v) {
			return ""
		}
		return orList(values)
	}
}

// leading wants a value that begins with a number from low to high, as C's atoi
// reads it: what follows the digits doesn't matter, and without any it is 0.
func leading(low, high int64) optionSpec {
	return func(v string) string {
		v = strings.TrimLeft(v, " \t")
		end := 0
		for end < len(v) && (isDigit(v[end]) || end == 0 && (v[0] == '-' || v[0] == '+')) {
			end++
		}
		if n := parseDecimal(v[:end]); low <= n && n <= high {
			return ""
		}
		return "a number from " + strconv.FormatInt(low, 10) + " to " + strconv.FormatInt(high, 10)
	}
}

var port = leading(1, maxU16)

func speed(v string) string {
	if n, err := strconv.ParseUint(v, 10, 64); err == nil && n <= maxU32 {
		return ""
	}
	return "a number from 0 to 4294967295"
}

func percent(v string) string {
	if f, err := strconv.ParseFloat(v, 64); err != nil || 0 <= f && f <= 100 {
		return ""
	}
	return "a number from 0 to 100"
}

func address(v string) string {
	if _, err := netip.ParseAddr(v); err != nil {
		return "an IP address"
	}
	return ""
}

func prefix(v string) string {
	if _, err := netip.ParsePrefix(v); err == nil {
		return ""
	}
	return address(v)
}

func definitionOf(v string) string {
	if strings.IndexByte(v, '=') < 1 {
		return "SYMBOL=VALUE"
	}
	return ""
}

// options checks the options, and learns from them.
func (c *checker) options() {
	for _, o := range c.script.Options {
		spec, ok := options[o.Name]
		switch {
		case !ok:
			c.fail(o, "unknown option --%s%s", o.Name, didYouMean(o.Name, optionNames()))
		case spec == nil && o.HasValue:
			c.fail(o, "option --%s takes no value", o.Name)
		case spec != nil && !o.HasValue:
			c.fail(o, "option --%s wants a value", o.Name)
		case spec != nil:
			if want := spec(o.Value); want != "" {
				c.fail(o, "bad --%s: got %s, want %s", o.Name, o.Text, want)
			} else if o.Name == "ip_version" && c.setting.IPVersion == "" {
				c.version = o.Value
			}
		}
	}
	for _, o := range c.script.Options {
		c.addressFamily(o)
	}
}

// addressFamily checks that the script's addresses are of its IP version; those
// that the command line gives too don't count.
func (c *checker) addressFamily(o *Option) {
	if c.version == "" || slices.Contains(c.setting.Options, o.Name) {
		return
	}
	switch o.Name {
	case "remote_ip", "local_ip", "gateway_ip":
	default:
		return
	}
	text, _, _ := strings.Cut(o.Value, "/")
	addr, err := netip.ParseAddr(text)
	if err == nil && addr.Is6() != (c.version == "ipv6") {
		c.fail(o, "bad --%s: got %s, want an address for %s", o.Name, o.Text, c.version)
	}
}

func optionNames() []string {
	names := make([]string, 0, len(options))
	for name := range options {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// hasOption reports whether the script or the command line sets an option.
func (c *checker) hasOption(name string) bool {
	return slices.Contains(c.setting.Options, name) ||
		slices.ContainsFunc(c.script.Options, func(o *Option) bool { return o.Name == name })
}
