package kernel

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"tcpdrill/engine"
)

// A host does what scripts' commands ask of the namespaces of this process. It
// is a Target's engine.Host and engine.Executor.
type host struct {
	// setCongestion, if not nil, is called with the congestion control that
	// sockets are to be given one by one, "" for the namespace's own.
	setCongestion func(name string)
	congestion    string // what it was last called with

	before *unix.CPUSet // where commands run; empty: where this process does

	featureNames []string // of the kernel's offloads, by bit
}

var (
	_ engine.Host     = (*host)(nil)
	_ engine.Executor = (*host)(nil)
)

const (
	congestionControl    = "net.ipv4.tcp_congestion_control"
	availableCongestions = "net.ipv4.tcp_available_congestion_control"
)

// Sysctl implements engine.Host.
func (h *host) Sysctl(name string) (string, error) {
	if name == congestionControl && h.congestion != "" {
		return h.congestion, nil
	}
	b, err := os.ReadFile(engine.SysctlPath(name))
	return strings.TrimSuffix(string(b), "\n"), err
}

// SetSysctl implements engine.Host. A congestion control that the kernel has
// but the machine doesn't allow everybody is refused to a namespace, though
// not to its sockets: setCongestion gives it to them, and the sysctl looks as
// if it had been set.
func (h *host) SetSysctl(name, value string) error {
	err := writeSysctl(engine.SysctlPath(name), value)
	if name != congestionControl || h.setCongestion == nil {
		return err
	}
	value = strings.TrimSpace(value)
	switch {
	case err == nil:
		value = "" // sockets have it anyway
	case !errors.Is(err, fs.ErrPermission) && !errors.Is(err, fs.ErrNotExist):
		return err
	default:
		available, readErr := h.Sysctl(availableCongestions)
		if readErr != nil || !slices.Contains(strings.Fields(available), value) {
			return err
		}
	}
	if value != h.congestion {
		h.congestion = value
		h.setCongestion(value)
	}
	return nil
}

// writeSysctl writes in one go, without os.File, which would ask the poller
// about the file first.
func writeSysctl(path, value string) error {
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_TRUNC|unix.O_CLOEXEC, 0)
	if err != nil {
		var st unix.Stat_t
		if err == unix.EACCES && unix.Stat(path, &st) == nil && st.Mode&0o222 == 0 {
			return engine.ErrReadOnly
		}
		return &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	if _, err := unix.Write(fd, []byte(value+"\n")); err != nil {
		return &os.PathError{Op: "write", Path: path, Err: err}
	}
	return nil
}

// ReadFile implements engine.Host. /proc/net/tcp takes the kernel milliseconds each time,
// to go through a table of all connections that the machine could have.
func (h *host) ReadFile(name string) (b []byte, err error) {
	offTimeline(h.before, func() { b, err = os.ReadFile(name) })
	return b, err
}

// A Sysctl is a sysctl's name and value.
type Sysctl struct{ Name, Value string }

// Defaults returns the sysctls that decide how TCP behaves and that a new
// namespace takes over from the machine's first one, with the values that an
// untouched Linux has. Everything else about TCP starts from the kernel's own
// values in a new namespace, whatever the machine is set to.
//
// A run doesn't apply them: packetdrill in a namespace (ip netns exec, or the
// selftests' runner) doesn't either, and a script must get the verdict it gets
// there; suites set what they depend on in their defaults.sh. They are for
// traces that are to be compared between machines.
func Defaults() []Sysctl {
	return []Sysctl{
		// tcp_sk_init takes the first namespace's: often BBR, which paces.
		{congestionControl, "cubic"},
		// tcp_sk_init copies both. They size the window that is offered and
		// how much a send may queue. The maximum of the first depends on the
		// machine's memory; this is what any with more than 1 GiB has.
		{"net.ipv4.tcp_rmem", "4096 131072 6291456"},
		{"net.ipv4.tcp_wmem", "4096 16384 4194304"},
		// devinet_init_net copies the first namespace's settings of IPv4
		// devices. Distributions turn this on, and then packets that a script
		// injects from addresses not routed to the device are dropped.
		{"net.ipv4.conf.all.rp_filter", "0"},
		{"net.ipv4.conf.default.rp_filter", "0"},
	}
}
