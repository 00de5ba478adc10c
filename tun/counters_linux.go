package tun

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// statsFile has the counters of all devices of the thread's network namespace. Netlink
// has them too, but makes the one who asks wait for whoever changes a device, in any
// namespace (rtnl_lock): tens of milliseconds while other scripts come and go.
const statsFile = "/proc/thread-self/net/dev"

// openStats opens the file, which stays that of the namespace.
func (d *Device) openStats() error {
	fd, err := unix.Open(statsFile, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: statsFile, Err: err}
	}
	d.stats = fd
	return nil
}

// Counters returns the device's counters.
func (d *Device) Counters() (Counters, error) {
	var text []byte
	var buf [4096]byte
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_PREAD64, uintptr(d.stats),
			uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)), uintptr(len(text)), 0, 0)
		switch {
		case errno == unix.EINTR:
			continue
		case errno != 0:
			return Counters{}, fmt.Errorf("%s: counters: %w", d.name, errno)
		case n == 0:
			return parseCounters(text, d.name)
		}
		text = append(text, buf[:n]...)
	}
}

// parseCounters finds a device's line: its name, and then of what came in and of what
// went out eight numbers each, first the bytes, packets, errors and drops.
func parseCounters(text []byte, name string) (Counters, error) {
	for line := range bytes.Lines(text) {
		dev, numbers, ok := bytes.Cut(bytes.TrimSpace(line), []byte(":"))
		if !ok || string(dev) != name {
			continue
		}
		var c Counters
		fields := bytes.Fields(numbers)
		if len(fields) < 12 {
			return c, fmt.Errorf("%s: counters: %s has another format", name, statsFile)
		}
		for i, to := range map[int]*uint64{
			0: &c.RxBytes, 1: &c.RxPackets, 2: &c.RxErrors, 3: &c.RxDropped,
			8: &c.TxBytes, 9: &c.TxPackets, 10: &c.TxErrors, 11: &c.TxDropped,
		} {
			n, err := strconv.ParseUint(string(fields[i]), 10, 64)
			if err != nil {
				return c, fmt.Errorf("%s: counters: %w", name, err)
			}
			*to = n
		}
		return c, nil
	}
	return Counters{}, fmt.Errorf("%s: counters: the device isn't in %s", name, statsFile)
}
