package tun

import (
	"math"
	"os"

	"golang.org/x/sys/unix"
)

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
