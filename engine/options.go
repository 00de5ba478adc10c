package engine

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"tcpdrill/script"
)

// defaultTolerance is packetdrill's.
const defaultTolerance = 4 * time.Millisecond

// DefaultConfig returns packetdrill's defaults.
func DefaultConfig() Config {
	return Config{
		BindPort:         8080,
		ConnectPort:      8080,
		Tolerance:        defaultTolerance,
		TolerancePercent: 12.5, // the timer wheel's granularity since Linux 4.8
		CodeCommand:      "python3",
		Net:              NetConfig{Capture: CaptureCopy},
	}
}

// A Setting is one of packetdrill's options with its value, as a script's
// option line or a command line gives it.
type Setting struct {
	Name     string // with underscores: "tolerance_usecs"
	Value    string
	HasValue bool
}

// wireOptions belong to packetdrill's client and server mode or to its
// shared-object targets, which tcpdrill doesn't have.
var wireOptions = []string{
	"wire_client", "wire_server", "wire_server_ip", "wire_server_at", "wire_server_port",
	"wire_client_dev", "wire_server_dev", "so_filename", "so_flags", "psp_udp_port",
}

// switches are the options that take no value.
var switches = map[string]func(*Config){
	"tcp_ts_ecr_scaled": func(c *Config) { c.TSECRScaled = true },
	"strict_segments":   func(c *Config) { c.StrictSegments = true },
	"wire_segments":     func(c *Config) { c.WireSegments = true },
	"keep_going":        func(c *Config) { c.KeepGoing = true },
	"no_exec":           func(c *Config) { c.NoExec = true },
	"keep_packets":      func(c *Config) { c.KeepPackets = true },
	"dry_run":           func(c *Config) { c.DryRun = true },
	"is_anyip":          func(c *Config) { c.AnyIP = true },
	"send_omit_free":    func(*Config) {}, // what is sent is never freed before the end
	"debug":             func(*Config) {},
	"verbose":           func(c *Config) { c.Verbose = true },
}

// An optionBuilder collects what can only be decided when all is known.
type optionBuilder struct {
	Config
	local, remote, gateway, netmask string
}

// values are the options that take a value.
var values = map[string]func(*optionBuilder, string) error{
	"ip_version": func(b *optionBuilder, v string) error {
		b.IPVersion = IPVersion(v)
		if !slices.Contains([]IPVersion{IPv4, IPv6, IPv4MappedV6}, b.IPVersion) {
			return fmt.Errorf("want ipv4, ipv6 or ipv4-mapped-ipv6")
		}
		return nil
	},
	"bind_port":    func(b *optionBuilder, v string) error { return setInt(&b.BindPort, v, 1, 0xffff) },
	"connect_port": func(b *optionBuilder, v string) error { return setInt(&b.ConnectPort, v, 1, 0xffff) },
	"code_command": func(b *optionBuilder, v string) error { b.CodeCommand = v; return nil },
	"code_format": func(_ *optionBuilder, v string) error {
		if v != "python" {
			return fmt.Errorf("want python")
		}
		return nil
	},
	"code_sockopt": func(_ *optionBuilder, v string) error {
		if !slices.Contains([]string{"", "TCP_INFO", "TCP_CC_INFO", "SO_MEMINFO"}, v) {
			return fmt.Errorf("want TCP_INFO, TCP_CC_INFO or SO_MEMINFO")
		}
		return nil
	},
	"remote_ip":  func(b *optionBuilder, v string) error { b.remote = v; return nil },
	"local_ip":   func(b *optionBuilder, v string) error { b.local = v; return nil },
	"gateway_ip": func(b *optionBuilder, v string) error { b.gateway = v; return nil },
	"netmask_ip": func(b *optionBuilder, v string) error { b.netmask = v; return nil },
	"speed":      func(b *optionBuilder, v string) error { return setInt(&b.Net.Speed, v, 0, 1<<32-1) },
	"mss":        func(b *optionBuilder, v string) error { return setInt(&b.MSS, v, 1, 0xffff) },
	"mtu":        func(b *optionBuilder, v string) error { return setInt(&b.Net.MTU, v, 0, 0xffff) },
	"init_scripts": func(b *optionBuilder, v string) error {
		b.InitScripts = strings.Split(v, ",")
		return nil
	},
	"tolerance_usecs": func(b *optionBuilder, v string) error {
		var n int
		err := setInt(&n, v, 0, 1<<40)
		b.Tolerance = time.Duration(n) * time.Microsecond
		return err
	},
	"tolerance_percent": func(b *optionBuilder, v string) error {
		f, err := strconv.ParseFloat(v, 64)
		if err != nil || f < 0 || f > 100 {
			return fmt.Errorf("want a percentage, 0 to 100")
		}
		b.TolerancePercent = f
		return nil
	},
	"tcp_ts_tick_usecs": func(b *optionBuilder, v string) error {
		var n int
		err := setInt(&n, v, 0, 1_000_000)
		b.TSTick = time.Duration(n) * time.Microsecond
		return err
	},
	"non_fatal": func(b *optionBuilder, v string) error {
		for _, w := range strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ' ' }) {
			switch w {
			case "packet":
				b.NonFatalPacket = true
			case "syscall":
				b.NonFatalSyscall = true
			default:
				return fmt.Errorf("want packet, syscall or both with a comma, got %s", w)
			}
		}
		return nil
	},
	"capture": func(b *optionBuilder, v string) error {
		b.Net.Capture = CaptureMode(v)
		if b.Net.Capture != CaptureCopy && b.Net.Capture != CapturePacket {
			return fmt.Errorf("want copy or packet")
		}
		return nil
	},
	"timeout": func(b *optionBuilder, v string) error {
		d, err := time.ParseDuration(v)
		if err != nil || d < 0 {
			return fmt.Errorf("want a duration such as 30s")
		}
		b.Timeout = d
		return nil
	},
	"define": func(_ *optionBuilder, v string) error {
		if sym, _, ok := strings.Cut(v, "="); !ok || sym == "" {
			return fmt.Errorf("want SYMBOL=VALUE")
		}
		return nil // it is the script's reader that needs them
	},
}

func setInt(p *int, s string, low, high int) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < low || n > high {
		return fmt.Errorf("want a number, %d to %d", low, high)
	}
	*p = n
	return nil
}

// OptionNames lists every option's name, sorted.
func OptionNames() []string {
	var names []string
	for n := range switches {
		names = append(names, n)
	}
	for n := range values {
		names = append(names, n)
	}
	names = append(names, wireOptions...)
	slices.Sort(names)
	return names
}

// TakesValue reports whether an option of packetdrill's takes a value, and
// whether there is such an option.
func TakesValue(name string) (takes, known bool) {
	if _, ok := switches[name]; ok {
		return false, true
	}
	if _, ok := values[name]; ok {
		return true, true
	}
	if slices.Contains(wireOptions, name) {
		return name != "wire_client" && name != "wire_server", true
	}
	return false, false
}

// NewConfig applies settings in their order (a script's own before the
// command line's, which win) to the defaults, and settles the addresses.
func NewConfig(settings ...Setting) (Config, error) {
	b := optionBuilder{Config: DefaultConfig()}
	for _, s := range settings {
		if slices.Contains(wireOptions, s.Name) {
			return b.Config, &UnsupportedError{What: "--" + s.Name}
		}
		takes, known := TakesValue(s.Name)
		switch {
		case !known:
			return b.Config, fmt.Errorf("option '%s' unknown", s.Name)
		case takes && !s.HasValue:
			return b.Config, fmt.Errorf("option '%s' requires an argument", s.Name)
		case !takes && s.HasValue:
			return b.Config, fmt.Errorf("option '%s' forbids an argument", s.Name)
		case takes:
			if err := values[s.Name](&b, s.Value); err != nil {
				return b.Config, fmt.Errorf("bad --%s: %s: %w", s.Name, s.Value, err)
			}
		default:
			switches[s.Name](&b.Config)
		}
	}
	return b.Config, b.settle()
}

// settle fills in what wasn't given. The local addresses that packetdrill
// draws at random, so that runs on one host don't meet, are fixed here, since
// each run has a network of its own.
func (b *optionBuilder) settle() error {
	if b.IPVersion == "" {
		b.IPVersion = IPv4
	}
	def := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	v6 := b.IPVersion == IPv6
	if v6 {
		def(&b.remote, "2001:db8::1/32")
		def(&b.local, "fd3d:fa7b:d17d::1")
		def(&b.gateway, "fd3d:fa7b:d17d:8888::0")
		b.Net.LocalPrefix = 48
	} else {
		def(&b.remote, "192.0.2.1/24")
		def(&b.local, "192.168.0.1")
		def(&b.gateway, "192.168.0.1")
		def(&b.netmask, "255.255.0.0")
		n, err := maskLen(b.netmask)
		if err != nil {
			return err
		}
		b.Net.LocalPrefix = n
	}
	var err error
	if b.Net.LocalIP, err = parseAddr("local_ip", b.local, v6); err != nil {
		return err
	}
	if b.Net.GatewayIP, err = parseAddr("gateway_ip", b.gateway, v6); err != nil {
		return err
	}
	remote := b.remote
	if !strings.Contains(remote, "/") {
		if remote += "/32"; v6 {
			remote = b.remote + "/128"
		}
	}
	p, err := netip.ParsePrefix(remote)
	if err != nil || p.Addr().Is6() != v6 {
		return fmt.Errorf("bad --remote_ip: %s: want an %s address, with or without a prefix length", b.remote, family(v6))
	}
	b.Net.RemoteIP, b.Net.RemotePrefix = p.Addr(), p.Masked()
	b.Net.AnyIP = b.AnyIP
	return nil
}

func family(v6 bool) string {
	if v6 {
		return "IPv6"
	}
	return "IPv4"
}

func parseAddr(name, s string, v6 bool) (netip.Addr, error) {
	a, err := netip.ParseAddr(s)
	if err != nil || a.Is6() != v6 {
		return a, fmt.Errorf("bad --%s: %s: want an %s address", name, s, family(v6))
	}
	return a, nil
}

func maskLen(mask string) (int, error) {
	a, err := netip.ParseAddr(mask)
	if err != nil || !a.Is4() {
		return 0, fmt.Errorf("bad --netmask_ip: %s: want a mask such as 255.255.0.0", mask)
	}
	b := a.As4()
	bits := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	n := 0
	for bits&0x80000000 != 0 {
		bits <<= 1
		n++
	}
	if bits != 0 {
		return 0, fmt.Errorf("bad --netmask_ip: %s: its ones aren't contiguous", mask)
	}
	return n, nil
}

// ScriptSettings returns the options a script sets for itself.
func ScriptSettings(s *script.Script) []Setting {
	var out []Setting
	for _, o := range s.Options {
		out = append(out, Setting{Name: o.Name, Value: o.Value, HasValue: o.HasValue})
	}
	return out
}
