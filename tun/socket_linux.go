package tun

import (
	"fmt"
	"math"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// packetSocket is an ordinary packet socket. What is queued in it are clones.
type packetSocket struct {
	fd        int
	hasHeader bool
	buf       []byte
	dropped   drops
}

// OpenSocket opens a capture that holds each packet's data from the moment it
// is sent until it is returned by Next. Opened before the device is up, it
// misses nothing.
func OpenSocket(d *Device) (Capture, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("packet socket: %w", os.NewSyscallError("socket", err))
	}
	s := &packetSocket{fd: fd, hasHeader: d.vnet, buf: make([]byte, 1<<18)}
	if err := s.setup(d); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("packet socket: %w", err)
	}
	return s, nil
}

func (s *packetSocket) setup(d *Device) error {
	if s.hasHeader {
		if err := unix.SetsockoptInt(s.fd, unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1); err != nil {
			return os.NewSyscallError("setsockopt PACKET_VNET_HDR", err)
		}
	}
	if err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
		return os.NewSyscallError("setsockopt SO_TIMESTAMPNS", err)
	}
	// Just a limit; the kernel allocates nothing for it.
	const rcvbuf = 128 << 20
	if err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, rcvbuf); err != nil {
		return os.NewSyscallError("setsockopt SO_RCVBUFFORCE", err)
	}
	if err := attach(s.fd, outgoing(0, math.MaxInt32)); err != nil {
		return err
	}
	return bind(s.fd, d.index)
}

// Next implements Capture.
func (s *packetSocket) Next() (Packet, bool, error) {
	var oob [64]byte
	iov := unix.Iovec{Base: &s.buf[0]}
	iov.SetLen(len(s.buf))
	msg := unix.Msghdr{Iov: &iov, Iovlen: 1, Control: &oob[0]}
	msg.SetControllen(len(oob))
	n, _, errno := unix.RawSyscall(unix.SYS_RECVMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&msg)), 0)
	switch errno {
	case 0:
	case unix.EAGAIN, unix.EINTR:
		return Packet{}, false, nil
	default:
		return Packet{}, false, os.NewSyscallError("recvmsg on packet socket", errno)
	}
	b := s.buf[:n]
	var p Packet
	if s.hasHeader {
		p.Header = parseHeader(b)
		b = b[HeaderLen:]
	}
	p.Data = append([]byte(nil), b...)
	// The only control message there is: a struct timespec.
	const header = unix.SizeofCmsghdr
	if msg.Controllen >= header+16 {
		ts := (*unix.Timespec)(unsafe.Pointer(&oob[header]))
		p.Sent = ts.Nano()
	}
	return p, true, nil
}

func (s *packetSocket) FDs() []int { return []int{s.fd} }

func (s *packetSocket) Dropped() (uint64, error) { return s.dropped.read(s.fd) }

func (s *packetSocket) Close() error { return unix.Close(s.fd) }

// bind lets a packet socket see a device's packets.
func bind(fd, index int) error {
	const all = unix.ETH_P_ALL&0xff<<8 | unix.ETH_P_ALL>>8 // htons
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: index}); err != nil {
		return os.NewSyscallError("bind", err)
	}
	// On a device that isn't up yet the kernel leaves ENETDOWN to be read; it
	// hooks the socket in when the device comes up.
	if _, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR); err != nil {
		return os.NewSyscallError("getsockopt SO_ERROR", err)
	}
	return nil
}

// outgoing is a filter that takes packets which the stack sends, of min to max
// bytes.
func outgoing(min, max uint32) []unix.SockFilter {
	const pktType = 0xfffff000 + 4 // SKF_AD_OFF + SKF_AD_PKTTYPE
	const drop = 6                 // index of the last statement
	jump := func(at int) uint8 { return uint8(drop - at - 1) }
	return []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: pktType},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.PACKET_OUTGOING, Jf: jump(1)},
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_LEN},
		{Code: unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K, K: min, Jf: jump(3)},
		{Code: unix.BPF_JMP | unix.BPF_JGT | unix.BPF_K, K: max, Jt: jump(4)},
		{Code: unix.BPF_RET | unix.BPF_K, K: math.MaxUint32},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0},
	}
}

func attach(fd int, filter []unix.SockFilter) error {
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &prog); err != nil {
		return os.NewSyscallError("setsockopt SO_ATTACH_FILTER", err)
	}
	return nil
}

// drops sums up a packet socket's lost packets: the kernel forgets them when
// it tells.
type drops uint64

func (d *drops) read(fd int) (uint64, error) {
	stats, err := unix.GetsockoptTpacketStats(fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return uint64(*d), os.NewSyscallError("getsockopt PACKET_STATISTICS", err)
	}
	*d += drops(stats.Drops)
	return uint64(*d), nil
}
