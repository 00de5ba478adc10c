package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
)

// A Host is the machine that the stack lives on, as far as a script's
// commands change it or look at it. Commands are read in one place
// (engine/shell); a target only has to do what they mean.
//
// What a target hasn't got, it answers with *UnsupportedError. Otherwise an
// error's text is what the command would have shown after its own name
// ("invalid argument"), and errors.Is finds fs.ErrNotExist, fs.ErrExist or
// fs.ErrPermission in it where it is one of those. Methods are called by one
// goroutine at a time, though not always by the same one.
type Host interface {
	// Sysctl returns a sysctl's value without the final newline. Names are as
	// SysctlName gives them. A name that the stack doesn't know is
	// fs.ErrNotExist on a real Linux, and unsupported elsewhere.
	Sysctl(name string) (string, error)
	// SetSysctl changes a sysctl. Numbers may be in any base that Linux takes
	// (0x402), several are separated by spaces or tabs. The answer is
	// ErrReadOnly for a sysctl that cannot be changed by anyone.
	SetSysctl(name, value string) error

	// FlushTCPMetrics forgets what the stack remembers of its peers: metrics
	// and Fast Open cookies.
	FlushTCPMetrics() error
	// ChangeQdisc changes a device's queueing discipline.
	ChangeQdisc(c QdiscChange) error
	// Features lists a device's offloads in the kernel's order.
	Features(dev string) ([]Feature, error)
	// SetFeatures turns offloads on or off. Names are among those that
	// Features listed for the device.
	SetFeatures(dev string, f []Feature) error
	// ChangeLink changes a device's settings.
	ChangeLink(c LinkChange) error
	// ChangeAddr adds or removes an address of a device.
	ChangeAddr(c AddrChange) error
	// ChangeRoute adds, changes or removes a route.
	ChangeRoute(c RouteChange) error

	// SNMP returns the stack's counters in the order of /proc/net/snmp, snmp6
	// and netstat, which is nstat's.
	SNMP() ([]Counter, error)
	// ReadFile reads a file that shows the stack's state: /proc/net/tcp. The
	// shell makes /proc/net/snmp, netstat and snmp6 from SNMP where this
	// is unsupported, and never asks for /proc/sys.
	ReadFile(name string) ([]byte, error)
}

// ErrReadOnly is the answer to a change of a read-only sysctl.
var ErrReadOnly = errors.New("read-only sysctl")

// A FileKeeper is a Host with a /tmp of its own, whose files the script's calls open.
// What commands write is put there, too.
type FileKeeper interface {
	// PutFile makes a file, or replaces what is in one. Names are absolute.
	PutFile(name string, data []byte)
	// RemoveFile takes one away, and reports whether there was one.
	RemoveFile(name string) bool
}

// An Executor is a Host that can run real programs.
type Executor interface {
	// Exec runs a program in the script's namespaces and waits for its end.
	// It returns the exit status as sh has it (128 + n after signal n); an
	// error which errors.Is finds to be fs.ErrNotExist says that there is no
	// such program. It may be called by several goroutines at once: a
	// pipeline's programs run side by side.
	Exec(ctx context.Context, c *ExecCommand) (exit int, err error)
}

// An ExecCommand is a program to run.
type ExecCommand struct {
	Args   []string // with the program's name or path at 0
	Env    []string // NAME=value
	Dir    string
	Stdin  io.Reader // nil: empty
	Stdout io.Writer
	Stderr io.Writer
}

// A Change is what a command does to an address, route or queueing
// discipline, in ip's and tc's word.
type Change string

// The changes.
const (
	Add     Change = "add"     // fails if it is there
	Replace Change = "replace" // whether it is there or not
	Modify  Change = "change"  // fails if it isn't there
	Append  Change = "append"  // beside one that is there (routes)
	Delete  Change = "del"     // fails if it isn't there
	Flush   Change = "flush"   // all that fit (routes, addresses)
)

// A QdiscChange is `tc qdisc CHANGE dev DEV PARENT [handle HANDLE] KIND OPTIONS`.
type QdiscChange struct {
	Change  Change
	Dev     string
	Parent  string   // "root", "ingress", "clsact" or a class: "1:1"
	Handle  string   // "1:"; "" lets the kernel choose
	Kind    string   // "pfifo"; may be "" if Change is Delete
	Options []string // words as tc takes them: "limit", "0"
}

// A Feature is one of a device's offloads under its kernel's name:
// "tx-tcp-segmentation", "tx-generic-segmentation", "rx-gro".
type Feature struct {
	Name  string
	On    bool
	Fixed bool // cannot be changed (listing only)
}

// A LinkChange is `ip link set dev DEV …`; nil and 0 leave a setting alone.
type LinkChange struct {
	Dev        string
	Up         *bool
	MTU        int
	TxQueueLen *int
	GSOMaxSize int // gso_max_size, bytes
	GSOMaxSegs int // gso_max_segs
	GROMaxSize int // gro_max_size, bytes
}

// An AddrChange is `ip addr CHANGE PREFIX dev DEV`. Its Change is Add,
// Replace, Delete or Flush (then Prefix may be invalid: all addresses).
type AddrChange struct {
	Change Change
	Dev    string
	Prefix netip.Prefix // not masked: 192.168.0.1/16
	NoDAD  bool         // don't look for duplicates first (IPv6)
}

// A RouteChange is `ip [-6] route CHANGE DST via VIA dev DEV …`. Zero values
// stand for what wasn't said.
type RouteChange struct {
	Change   Change
	IPv6     bool
	Dst      netip.Prefix // masked; 0.0.0.0/0 or ::/0 for "default"
	Type     string       // "local", "blackhole", "unreachable"; "" is unicast
	Via      netip.Addr
	Dev      string
	Src      netip.Addr
	Table    int
	Priority uint32 // `metric N`
	Scope    string // "link", "host", "global"
	Proto    string // "static", "kernel" or a number
	OnLink   bool
	Metrics  []RouteMetric
}

// A RouteMetric is one of a route's hints to TCP, named as ip names it:
// "mtu", "advmss", "initcwnd", "rto_min", "quickack", "congctl", "features" …
type RouteMetric struct {
	Name string
	// Value is in the kernel's units (RTAX_*): bytes, segments, ms; "rtt" in
	// eighths and "rttvar" in quarters of a ms; RTAX_FEATURE_* bits.
	Value uint32
	Text  string // of congctl
	// Lock keeps the stack from changing it: `mtu lock 1500`.
	Lock bool
}

// A Counter is one of the stack's SNMP counters.
type Counter struct {
	Group string // "TcpExt", "Tcp", "Ip6"
	Name  string // "OutOfWindowIcmps"
	Value uint64 // of one that is negative (TcpMaxConn), its two's complement
}

// SysctlName gives a sysctl's name in its one form: dotted, without
// /proc/sys. As sysctl reads it, the first separator says whether dots or
// slashes separate, and in the dotted form a '/' stands for a dot inside a
// part: net/ipv4/conf/eth0.1/rp_filter is net.ipv4.conf.eth0/1.rp_filter.
func SysctlName(s string) string {
	s = strings.TrimPrefix(s, "/proc/sys/")
	i := strings.IndexAny(s, "./")
	if i < 0 || s[i] == '.' {
		return s
	}
	return strings.Map(swapSeparator, s)
}

// SysctlPath gives the file of a sysctl: /proc/sys/net/ipv4/tcp_sack.
func SysctlPath(name string) string {
	return "/proc/sys/" + strings.Map(swapSeparator, SysctlName(name))
}

func swapSeparator(r rune) rune {
	switch r {
	case '.':
		return '/'
	case '/':
		return '.'
	}
	return r
}

// Attach gives a device that is up the local address and the route that n says, for
// targets whose Host does both.
func Attach(h Host, dev string, n NetConfig) error {
	var via netip.Addr
	if !n.AnyIP {
		via = n.GatewayIP
		addr := AddrChange{Change: Add, Dev: dev, Prefix: netip.PrefixFrom(n.LocalIP, n.LocalPrefix), NoDAD: true}
		if addr.Prefix.IsValid() {
			if err := h.ChangeAddr(addr); err != nil {
				return fmt.Errorf("%s: address %s: %w", dev, addr.Prefix, err)
			}
		}
	}
	if !n.RemotePrefix.IsValid() {
		return nil
	}
	// Replacing: the network of the address may be the same.
	err := h.ChangeRoute(RouteChange{
		Change: Replace, IPv6: n.RemotePrefix.Addr().Is6(), Dst: n.RemotePrefix.Masked(), Via: via, Dev: dev,
	})
	if err != nil {
		return fmt.Errorf("%s: route to %s via %v: %w", dev, n.RemotePrefix, via, err)
	}
	return nil
}
