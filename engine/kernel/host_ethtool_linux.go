package kernel

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"tcpdrill/engine"
)

// Commands of SIOCETHTOOL (linux/ethtool.h).
const (
	ethtoolStrings       = 0x1b // ETHTOOL_GSTRINGS
	ethtoolCounts        = 0x37 // ETHTOOL_GSSET_INFO
	ethtoolGetFeatures   = 0x3a // ETHTOOL_GFEATURES
	ethtoolSetFeatures   = 0x3b // ETHTOOL_SFEATURES
	ethtoolFeatureString = 4    // ETH_SS_FEATURES
	ethtoolStringLen     = 32   // ETH_GSTRING_LEN
)

// featureBlock is struct ethtool_get_features_block: 32 features each.
type featureBlock struct {
	available    uint32 // can be changed, as far as the driver goes
	_            uint32 // requested
	active       uint32
	neverChanged uint32
}

// ifreqData is struct ifreq with a pointer.
type ifreqData struct {
	name [unix.IFNAMSIZ]byte
	data unsafe.Pointer
	_    [16]byte
}

// ethtool makes a call on a buffer that starts with the command.
func ethtool(dev string, b []byte) error {
	if len(dev) >= unix.IFNAMSIZ {
		return unix.ENODEV
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	req := ifreqData{data: unsafe.Pointer(&b[0])}
	copy(req.name[:], dev)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&req)))
	if errno != 0 {
		return errno
	}
	return nil
}

// names returns the kernel's names of features by bit. They are the same for
// all devices.
func (h *host) names(dev string) ([]string, error) {
	if h.featureNames != nil {
		return h.featureNames, nil
	}
	counts := make([]byte, 20) // struct ethtool_sset_info with one count
	order := binary.NativeEndian
	order.PutUint32(counts, ethtoolCounts)
	order.PutUint64(counts[8:], 1<<ethtoolFeatureString)
	if err := ethtool(dev, counts); err != nil {
		return nil, err
	}
	n := int(order.Uint32(counts[16:]))
	if n == 0 {
		return nil, errors.New("the kernel names no features")
	}
	strings := make([]byte, 12+n*ethtoolStringLen) // struct ethtool_gstrings
	order.PutUint32(strings, ethtoolStrings)
	order.PutUint32(strings[4:], ethtoolFeatureString)
	order.PutUint32(strings[8:], uint32(n))
	if err := ethtool(dev, strings); err != nil {
		return nil, err
	}
	names := make([]string, n)
	for i := range names {
		name, _, _ := bytes.Cut(strings[12+i*ethtoolStringLen:][:ethtoolStringLen], []byte{0})
		names[i] = string(name)
	}
	h.featureNames = names
	return names, nil
}

// Features implements engine.Host.
func (h *host) Features(dev string) ([]engine.Feature, error) {
	names, err := h.names(dev)
	if err != nil {
		return nil, err
	}
	blocks := (len(names) + 31) / 32
	b := make([]byte, 8+blocks*int(unsafe.Sizeof(featureBlock{})))
	order := binary.NativeEndian
	order.PutUint32(b, ethtoolGetFeatures)
	order.PutUint32(b[4:], uint32(blocks))
	if err := ethtool(dev, b); err != nil {
		return nil, err
	}
	list := make([]engine.Feature, 0, len(names))
	for i, name := range names {
		if name == "" {
			continue // a bit not in use
		}
		at := b[8+i/32*16:]
		block := featureBlock{
			available:    order.Uint32(at),
			active:       order.Uint32(at[8:]),
			neverChanged: order.Uint32(at[12:]),
		}
		bit := uint32(1) << (i % 32)
		list = append(list, engine.Feature{
			Name:  name,
			On:    block.active&bit != 0,
			Fixed: block.available&bit == 0 || block.neverChanged&bit != 0,
		})
	}
	return list, nil
}

// SetFeatures implements engine.Host.
func (h *host) SetFeatures(dev string, features []engine.Feature) error {
	names, err := h.names(dev)
	if err != nil {
		return err
	}
	blocks := (len(names) + 31) / 32
	b := make([]byte, 8+blocks*8) // pairs of: which to change, to what
	order := binary.NativeEndian
	order.PutUint32(b, ethtoolSetFeatures)
	order.PutUint32(b[4:], uint32(blocks))
	for _, f := range features {
		i := 0
		for i < len(names) && names[i] != f.Name {
			i++
		}
		if i == len(names) {
			return &engine.UnsupportedError{What: "the device feature " + f.Name}
		}
		at := b[8+i/32*8:]
		bit := uint32(1) << (i % 32)
		order.PutUint32(at, order.Uint32(at)|bit)
		if f.On {
			order.PutUint32(at[4:], order.Uint32(at[4:])|bit)
		}
	}
	return ethtool(dev, b)
}
