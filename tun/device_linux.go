package tun

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"github.com/songgao/water"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

const tunPath = "/dev/net/tun"

// A Device is an open tun device. It vanishes when it is closed. Inject may
// be called by one goroutine at a time, Drain by any.
type Device struct {
	fd    int
	name  string
	index int
	vnet  bool
	nl    *netlink.Handle
	stats int // descriptor of the counters

	// What an injection points to, so that it allocates nothing.
	hdr [HeaderLen]byte
	iov [2]unix.Iovec
}

// Open creates a device. Errors say what is missing and what to do about it.
func Open(c Config) (*Device, error) {
	d := &Device{vnet: c.VnetHdr}
	open := d.openPlain
	if c.VnetHdr {
		open = d.openVnetHdr
	}
	if err := open(c.Name); err != nil {
		return nil, explain(err)
	}
	// The handle's socket keeps the namespace it is opened in.
	nl, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		d.Close()
		return nil, fmt.Errorf("netlink: %w", err)
	}
	d.nl = nl
	link, err := nl.LinkByName(d.name)
	if err != nil {
		d.Close()
		return nil, fmt.Errorf("device %s: %w", d.name, err)
	}
	d.index = link.Attrs().Index
	if err := d.openStats(); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// openPlain opens a device without virtio-net header.
func (d *Device) openPlain(name string) error {
	ifce, err := water.New(water.Config{
		DeviceType:             water.TUN,
		PlatformSpecificParams: water.PlatformSpecificParams{Name: name},
	})
	if err != nil {
		return err
	}
	// Go's poller has no part in ours: take a descriptor of our own.
	defer ifce.Close()
	f, ok := ifce.ReadWriteCloser.(*os.File)
	if !ok {
		return fmt.Errorf("%s: not a file", tunPath)
	}
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var dupErr error
	err = conn.Control(func(fd uintptr) {
		d.fd, dupErr = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 3)
	})
	if err = errors.Join(err, dupErr); err != nil {
		return err
	}
	d.name = ifce.Name()
	return unix.SetNonblock(d.fd, true)
}

// openVnetHdr opens a device with a virtio-net header, and with the offloads
// that packetdrill gives it. It is done by hand: water's Config has no flag
// for the header, and the Tuntap of netlink knows no TUNSETOFFLOAD and makes
// the device by further requests.
//
// TUN_F_USO4 and TUN_F_USO6 (Linux 6.2) are left out as in packetdrill: with
// them a UDP_SEGMENT send would leave as one packet, and scripts expect the
// datagrams.
func (d *Device) openVnetHdr(name string) error {
	fd, err := unix.Open(tunPath, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: tunPath, Err: err}
	}
	d.fd = fd
	req, err := unix.NewIfreq(name)
	if err != nil {
		unix.Close(fd)
		return fmt.Errorf("device name %q: %w", name, err)
	}
	req.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI | unix.IFF_VNET_HDR)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, req); err != nil {
		unix.Close(fd)
		return os.NewSyscallError("ioctl TUNSETIFF", err)
	}
	d.name = req.Name()
	if err := unix.IoctlSetInt(fd, unix.TUNSETOFFLOAD, offloads); err != nil {
		unix.Close(fd)
		return os.NewSyscallError("ioctl TUNSETOFFLOAD", err)
	}
	return nil
}

// offloads are what packetdrill gives its device.
const offloads = unix.TUN_F_CSUM | unix.TUN_F_TSO4 | unix.TUN_F_TSO6 | unix.TUN_F_TSO_ECN

// TakeUSO has the stack hand out several datagrams as one packet (UDP_SEGMENT), too. A
// kernel before 6.2 can't. It takes both flags or neither.
func (d *Device) TakeUSO() error {
	err := unix.IoctlSetInt(d.fd, unix.TUNSETOFFLOAD, offloads|unix.TUN_F_USO4|unix.TUN_F_USO6)
	return os.NewSyscallError("ioctl TUNSETOFFLOAD", err)
}

// explain adds to an error what can be done about it.
func explain(err error) error {
	switch {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENXIO):
		return fmt.Errorf("%w: no tun driver: try `modprobe tun`; in a container, pass the device in (--device=%s)", err, tunPath)
	case errors.Is(err, unix.EACCES):
		return fmt.Errorf("%w: let this user open it: `chmod 666 %s`", err, tunPath)
	case errors.Is(err, unix.EPERM):
		return fmt.Errorf("%w: making a device needs CAP_NET_ADMIN in its network namespace; in a container, the device must be allowed too (--device=%s)", err, tunPath)
	case errors.Is(err, unix.EBUSY):
		return fmt.Errorf("%w: another program has that device", err)
	}
	return err
}

// Available returns nil if this process may open the tun driver. It makes no
// device.
func Available() error {
	fd, err := unix.Open(tunPath, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return explain(&os.PathError{Op: "open", Path: tunPath, Err: err})
	}
	return unix.Close(fd)
}

// Name returns the device's name.
func (d *Device) Name() string { return d.name }

// Index returns the device's interface index.
func (d *Device) Index() int { return d.index }

// FD returns the descriptor. It is readable while packets are queued, and
// doesn't block.
func (d *Device) FD() int { return d.fd }

// Inject gives the stack a packet, from its IP header. The kernel takes it
// through its whole receive path, up to the answers that TCP sends at once,
// before Inject returns. h is left out on a device without header.
//
// The system call is made raw: see package kernel on why timed threads stay
// out of Go's scheduler.
func (d *Device) Inject(p []byte, h Header) error {
	if len(p) == 0 {
		return errors.New("tun: empty packet")
	}
	h.Put(&d.hdr)
	d.iov[0].Base = &d.hdr[0]
	d.iov[0].SetLen(HeaderLen)
	d.iov[1].Base = &p[0]
	d.iov[1].SetLen(len(p))
	iov := d.iov[:]
	if !d.vnet {
		iov = iov[1:]
	}
	for {
		_, _, errno := unix.RawSyscall(unix.SYS_WRITEV, uintptr(d.fd),
			uintptr(unsafe.Pointer(&iov[0])), uintptr(len(iov)))
		switch errno {
		case 0:
			d.iov[1].Base = nil
			return nil
		case unix.EINTR:
			continue
		}
		return os.NewSyscallError("write to "+d.name, errno)
	}
}

// Release takes the oldest packet out of the device's queue and frees it, and
// reports whether there was one. It never waits.
func (d *Device) Release() (bool, error) {
	// The header must fit, and a byte of the packet; the rest is cut off.
	var buf [HeaderLen + 1]byte
	for {
		_, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(d.fd),
			uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)))
		switch errno {
		case 0:
			return true, nil
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			return false, nil
		}
		return false, os.NewSyscallError("read from "+d.name, errno)
	}
}

// Read takes the oldest packet out of the device's queue, whole, and reports whether
// there was one. It never waits, and leaves Sent 0. buf is for its use, as large as the
// largest packet and its header; Data is a copy, the caller's to keep.
func (d *Device) Read(buf []byte) (p Packet, ok bool, err error) {
	for {
		n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(d.fd),
			uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)))
		switch {
		case errno == unix.EINTR:
			continue
		case errno == unix.EAGAIN:
			return p, false, nil
		case errno != 0:
			return p, false, os.NewSyscallError("read from "+d.name, errno)
		}
		b := buf[:n]
		if d.vnet && len(b) >= HeaderLen {
			p.Header, b = parseHeader(b), b[HeaderLen:]
		}
		p.Data = append([]byte(nil), b...)
		return p, true, nil
	}
}

// Drain releases all packets that are queued and returns their number.
func (d *Device) Drain() (int, error) {
	for n := 0; ; n++ {
		if more, err := d.Release(); !more || err != nil {
			return n, err
		}
	}
}

// Close removes the device. The kernel takes tens of milliseconds for it.
func (d *Device) Close() error {
	if d.nl != nil {
		d.nl.Close()
	}
	if d.stats > 0 {
		unix.Close(d.stats)
	}
	return unix.Close(d.fd)
}
