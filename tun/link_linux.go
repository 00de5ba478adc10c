package tun

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"time"
	"unsafe"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Quiet keeps the stack from sending anything on its own account: no
// duplicate address detection, no router solicitations, no multicast reports.
// It keeps the link-local address, which scripts for IPv6 may count on. Call
// it before the device is up.
func (d *Device) Quiet() error {
	for name, value := range map[string]string{
		"accept_dad":           "0",
		"dad_transmits":        "0",
		"router_solicitations": "0",
		"accept_ra":            "0",
	} {
		file := "/proc/sys/net/ipv6/conf/" + d.name + "/" + name
		err := os.WriteFile(file, []byte(value), 0)
		// A kernel without IPv6 sends nothing of it either.
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Up sets the link up as c says: queue, MTU and speed first, since TCP and
// queueing disciplines read them when it comes up, then addresses and routes.
func (d *Device) Up(c LinkConfig) error {
	link := &netlink.GenericLink{LinkAttrs: netlink.LinkAttrs{Name: d.name, Index: d.index}}
	if c.TxQueueLen != 0 {
		if err := d.nl.LinkSetTxQLen(link, c.TxQueueLen); err != nil {
			return fmt.Errorf("%s: queue length %d: %w", d.name, c.TxQueueLen, err)
		}
	}
	if c.MTU != 0 {
		if err := d.nl.LinkSetMTU(link, c.MTU); err != nil {
			return fmt.Errorf("%s: MTU %d: %w", d.name, c.MTU, err)
		}
	}
	if c.Speed != 0 {
		if err := d.setSpeed(c.Speed); err != nil {
			return fmt.Errorf("%s: speed %d Mbit/s: %w", d.name, c.Speed, err)
		}
	}
	if err := d.nl.LinkSetUp(link); err != nil {
		return fmt.Errorf("%s: link up: %w", d.name, err)
	}
	if c.Addr.IsValid() {
		addr := &netlink.Addr{IPNet: ipNet(c.Addr)}
		if c.Addr.Addr().Is4() {
			addr.Broadcast = net.IPv4zero // none, as `ip addr add` has it
		} else {
			// Else it is tentative, and can't be bound to, until a work queue
			// has found that such a device needs no detection of duplicates.
			addr.Flags = unix.IFA_F_NODAD
		}
		if err := d.nl.AddrAdd(link, addr); err != nil {
			return fmt.Errorf("%s: address %s: %w", d.name, c.Addr, err)
		}
		if err := d.awaitLocal(c.Addr.Addr()); err != nil {
			return err
		}
	}
	if c.Route.IsValid() {
		route := &netlink.Route{LinkIndex: d.index, Dst: ipNet(c.Route.Masked())}
		switch {
		case c.Via.IsValid():
			route.Gw = c.Via.AsSlice()
		case c.Route.Addr().Is4():
			route.Scope = netlink.SCOPE_LINK
		}
		// Replacing: the network of the address may be the same.
		if err := d.nl.RouteReplace(route); err != nil {
			return fmt.Errorf("%s: route to %s via %v: %w", d.name, c.Route, c.Via, err)
		}
	}
	return nil
}

// awaitLocal waits until packets to an address are the stack's. An IPv6 address has no
// route until a work queue comes to it (addrconf_dad_work), which on a busy machine may
// take longer than a script needs to inject its first packet.
func (d *Device) awaitLocal(addr netip.Addr) error {
	const patience = 10 * time.Second
	for began := time.Now(); ; time.Sleep(200 * time.Microsecond) {
		routes, err := d.nl.RouteGet(addr.AsSlice())
		if err == nil && len(routes) > 0 && routes[0].Type == unix.RTN_LOCAL {
			return nil
		}
		if time.Since(began) > patience {
			return fmt.Errorf("%s: address %s: the kernel has made no route to it in %v", d.name, addr, patience)
		}
	}
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{
		IP:   p.Addr().AsSlice(),
		Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen()),
	}
}

// Where fields of struct ethtool_cmd lie, and its size.
const (
	ethtoolSpeed   = 12 // lower 16 bits, Mbit/s
	ethtoolAutoneg = 18
	ethtoolSpeedHi = 28 // upper 16 bits
	ethtoolSize    = 44
)

// setSpeed is `ethtool -s DEV speed N autoneg off`.
func (d *Device) setSpeed(mbits int) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	cmd := new([ethtoolSize]byte)
	var req struct { // struct ifreq
		name [unix.IFNAMSIZ]byte
		data *[ethtoolSize]byte
		_    [16]byte
	}
	copy(req.name[:unix.IFNAMSIZ-1], d.name)
	req.data = cmd
	ethtool := func(command uint32) error {
		binary.NativeEndian.PutUint32(cmd[:], command)
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&req)))
		if errno != 0 {
			return errno
		}
		return nil
	}
	if err := ethtool(unix.ETHTOOL_GSET); err != nil {
		return err
	}
	binary.NativeEndian.PutUint16(cmd[ethtoolSpeed:], uint16(mbits))
	binary.NativeEndian.PutUint16(cmd[ethtoolSpeedHi:], uint16(mbits>>16))
	cmd[ethtoolAutoneg] = 0
	return ethtool(unix.ETHTOOL_SSET)
}

// LoopbackUp sets the namespace's loopback device up.
func LoopbackUp() error {
	nl, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("netlink: %w", err)
	}
	defer nl.Close()
	lo := &netlink.GenericLink{LinkAttrs: netlink.LinkAttrs{Name: "lo"}}
	lo.Index = 1 // always, in any namespace (LOOPBACK_IFINDEX)
	if err := nl.LinkSetUp(lo); err != nil {
		return fmt.Errorf("lo: link up: %w", err)
	}
	return nil
}
