package gostack

import (
	"fmt"
	"net/netip"
	"slices"

	"tcpdrill/engine"
	"tcpdrill/engine/abi"
	"tcpdrill/engine/offload"
)

// deviceName is the device's name, which scripts count on.
const deviceName = "tun0"

// Bounds of a tun device's settings.
const (
	minMTU     = 68
	maxMTU     = 65535
	minMTU6    = 1280 // below it a device has no IPv6
	defaultMTU = 1500
	// defaultTxQueueLen is what the kernel target gives its device.
	defaultTxQueueLen = 10000
	tsoMaxSize        = 65536
	tsoMaxSegs        = 65535
	groMaxSize        = 8 * 65535 // GRO_MAX_SIZE
)

// A device is the tun device that the stack sends through.
type device struct {
	name       string
	up         bool
	mtu        int
	txqlen     int
	gsoMaxSize int
	gsoMaxSegs int
	anyIP      bool           // every address is local
	addrs      []netip.Prefix // in the order in which they were added; not masked

	features offload.Features
	qdisc    qdisc
	fqTimer  timer  // when fq's next packet is due
	ingress  string // "ingress" or "clsact" if there is such a thing

	stalled   bool      // its reader doesn't read
	queue     []*packet // that wait for it
	txDropped uint64
}

// initDevice makes the device, which is not up yet.
func (s *Stack) initDevice() {
	s.dev = device{
		name: deviceName, mtu: defaultMTU, txqlen: defaultTxQueueLen,
		gsoMaxSize: tsoMaxSize, gsoMaxSegs: tsoMaxSegs,
		features: offload.New(),
	}
	s.dev.fqTimer.fn = s.fqRun
	s.setQdisc(s.newQdisc(s.sysctl.coreDefaultQdisc))
	s.addLoopback()
}

func (d *device) has(name string) bool { return d.features.Has(name) }

// tso reports whether the device cuts super-segments itself.
func (d *device) tso(v6 bool) bool {
	if v6 {
		return d.has("tx-tcp6-segmentation")
	}
	return d.has("tx-tcp-segmentation")
}

// gso reports whether the stack cuts super-segments on the way to the device.
func (d *device) gso() bool { return d.has("tx-generic-segmentation") }

// gro reports whether what comes in may be merged.
func (d *device) gro() bool { return d.has("rx-gro") }

// sg reports whether a packet's data may be in pieces.
func (d *device) sg() bool { return d.has("tx-scatter-gather") }

// checkDevice answers for a device that there isn't.
func checkDevice(name string) error {
	switch name {
	case deviceName:
		return nil
	case "lo":
		return &engine.UnsupportedError{What: "changing the device lo"}
	}
	return fmt.Errorf("device %s: %w", name, abi.Refuse(abi.ENODEV))
}

// Features implements engine.Host.
func (s *Stack) Features(dev string) ([]engine.Feature, error) {
	if err := checkDevice(dev); err != nil {
		return nil, err
	}
	return s.dev.features.List(), nil
}

// SetFeatures implements engine.Host.
func (s *Stack) SetFeatures(dev string, list []engine.Feature) error {
	if err := checkDevice(dev); err != nil {
		return err
	}
	return s.dev.features.Set(list)
}

// Configure sets the network up as a script wants it.
func (s *Stack) Configure(n engine.NetConfig) error {
	if err := n.Check(); err != nil {
		return err
	}
	s.pinned = n.Capture == engine.CapturePacket
	if n.USO {
		s.dev.features.TakeUSO()
	}
	if n.MTU != 0 {
		if err := s.ChangeLink(engine.LinkChange{Dev: deviceName, MTU: n.MTU}); err != nil {
			return fmt.Errorf("%s: MTU %d: %w", deviceName, n.MTU, err)
		}
	}
	up := true
	if err := s.ChangeLink(engine.LinkChange{Dev: deviceName, Up: &up}); err != nil {
		return fmt.Errorf("%s: link up: %w", deviceName, err)
	}
	s.dev.anyIP = n.AnyIP
	return engine.Attach(s, deviceName, n)
}

// ChangeLink implements engine.Host.
func (s *Stack) ChangeLink(c engine.LinkChange) error {
	if err := checkDevice(c.Dev); err != nil {
		return err
	}
	d := &s.dev
	switch {
	case c.MTU != 0 && c.MTU < minMTU:
		return abi.RefuseSaying(abi.EINVAL, "mtu less than device minimum")
	case c.MTU > maxMTU:
		return abi.RefuseSaying(abi.EINVAL, "mtu greater than device maximum")
	case c.GSOMaxSize > tsoMaxSize:
		return abi.RefuseSaying(abi.EINVAL, "too big gso_max_size")
	case c.GSOMaxSegs > tsoMaxSegs:
		return abi.RefuseSaying(abi.EINVAL, "too big gso_max_segs")
	case c.GROMaxSize > groMaxSize:
		return abi.RefuseSaying(abi.EINVAL, "too big gro_max_size")
	}
	if c.MTU != 0 {
		d.mtu = c.MTU
		if d.mtu < minMTU6 {
			s.dropIPv6()
		}
	}
	if c.TxQueueLen != nil {
		d.txqlen = *c.TxQueueLen
		d.shortenQueue()
	}
	if c.GSOMaxSize != 0 {
		d.gsoMaxSize = c.GSOMaxSize
	}
	if c.GSOMaxSegs != 0 {
		d.gsoMaxSegs = c.GSOMaxSegs
	}
	s.routes.changed()
	if c.Up != nil && *c.Up != d.up {
		d.up = *c.Up
		if d.up {
			s.linkUp()
		} else {
			s.linkDown()
		}
	}
	return nil
}

// linkLocal is the device's address for its own link. Linux picks one at random
// here; this one is always the same.
var linkLocal = netip.MustParsePrefix("fe80::1/64")

func (s *Stack) linkUp() {
	for i, p := range s.dev.addrs {
		s.addAddrRoutes(p, s.primary(p, i))
	}
	if s.dev.mtu >= minMTU6 && !slices.Contains(s.dev.addrs, linkLocal) {
		s.addAddr(linkLocal)
	}
}

// linkDown drops what waits, the device's routes but for its own IPv4 addresses
// (which stay local), and the IPv6 addresses.
func (s *Stack) linkDown() {
	s.purgeQdisc()
	s.dropIPv6()
	s.routes.remove(func(f *fibEntry) bool {
		return f.dev == deviceName && f.typ != "local"
	})
}

// dropIPv6 removes all that the device has of IPv6.
func (s *Stack) dropIPv6() {
	s.dev.addrs = slices.DeleteFunc(s.dev.addrs, func(p netip.Prefix) bool { return p.Addr().Is6() })
	s.routes.remove(func(f *fibEntry) bool { return f.dev == deviceName && f.dst.Addr().Is6() })
}

// primary reports whether the i-th address is the first of its network. IPv4 has
// no route of their own for the others.
func (s *Stack) primary(p netip.Prefix, i int) bool {
	for _, q := range s.dev.addrs[:i] {
		if q.Masked() == p.Masked() {
			return false
		}
	}
	return true
}

// ChangeAddr implements engine.Host.
func (s *Stack) ChangeAddr(c engine.AddrChange) error {
	if err := checkDevice(c.Dev); err != nil {
		return err
	}
	if c.Change == engine.Flush {
		for _, p := range slices.Clone(s.dev.addrs) {
			if !c.Prefix.IsValid() || c.Prefix.Masked().Contains(p.Addr()) {
				s.removeAddr(p)
			}
		}
		return nil
	}
	p := c.Prefix
	v6 := p.Addr().Is6()
	i := slices.IndexFunc(s.dev.addrs, func(q netip.Prefix) bool {
		// An IPv6 address is there once, whatever its prefix.
		return q == p || v6 && c.Change != engine.Delete && q.Addr() == p.Addr()
	})
	switch {
	case c.Change == engine.Delete:
		if i < 0 {
			return abi.RefuseSaying(abi.EADDRNOTAVAIL, ipName(v6)+": Address not found")
		}
		s.removeAddr(p)
		return nil
	case i >= 0 && c.Change == engine.Add:
		return abi.RefuseSaying(abi.EEXIST, ipName(v6)+": address already assigned")
	case i >= 0:
		return nil
	case v6 && (p.Addr().IsMulticast() || p.Addr().IsUnspecified()):
		return abi.RefuseSaying(abi.EADDRNOTAVAIL, "Invalid address")
	case v6 && s.dev.mtu < minMTU6:
		return abi.RefuseSaying(abi.EINVAL, "IPv6 is off below an MTU of 1280")
	}
	s.addAddr(p)
	return nil
}

func ipName(v6 bool) string {
	if v6 {
		return "ipv6"
	}
	return "ipv4"
}

func (s *Stack) addAddr(p netip.Prefix) {
	s.dev.addrs = append(s.dev.addrs, p)
	s.addAddrRoutes(p, s.primary(p, len(s.dev.addrs)-1))
	s.routes.changed()
}

// removeAddr removes an address and its routes. In IPv4 the other addresses of
// the network go with its first one (promote_secondaries is off).
func (s *Stack) removeAddr(p netip.Prefix) {
	i := slices.Index(s.dev.addrs, p)
	if i < 0 {
		return
	}
	gone := []netip.Prefix{p}
	first := s.primary(p, i)
	if p.Addr().Is4() && first {
		for _, q := range s.dev.addrs {
			if q != p && q.Masked() == p.Masked() {
				gone = append(gone, q)
			}
		}
	}
	s.dev.addrs = slices.DeleteFunc(s.dev.addrs, func(q netip.Prefix) bool { return slices.Contains(gone, q) })
	keepNet := slices.ContainsFunc(s.dev.addrs, func(q netip.Prefix) bool { return q.Masked() == p.Masked() })
	s.routes.remove(func(f *fibEntry) bool {
		switch {
		case f.proto == "kernel" && f.typ == "local" && f.dev == deviceName:
			return slices.ContainsFunc(gone, func(q netip.Prefix) bool { return f.dst.Addr() == q.Addr() })
		case f.proto == "kernel" && f.dev == deviceName && !keepNet:
			return f.dst == p.Masked() || f.typ == "broadcast" && p.Masked().Contains(f.dst.Addr())
		}
		// Routes that prefer an address go with it.
		return slices.ContainsFunc(gone, func(q netip.Prefix) bool { return f.src == q.Addr() })
	})
}

// isLocal reports whether an address is the machine's own.
func (s *Stack) isLocal(a netip.Addr) bool {
	r, e := s.routeFor(a)
	return e == 0 && r.local
}
