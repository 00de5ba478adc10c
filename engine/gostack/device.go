package gostack

import (
	"fmt"
	"net/netip"
	"slices"

	"tcpdrill/engine"
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

	features []feature
	qdisc    qdisc
	fqTimer  timer  // when fq's next packet is due
	ingress  string // "ingress" or "clsact" if there is such a thing

	txDropped uint64
}

// A feature is one of the device's offloads.
type feature struct {
	name   string
	wanted bool // what was asked for
	on     bool // what it came to: some need others
	fixed  bool
	never  bool // can be asked for, but the device hasn't got it
}

// tunFeatures are the offloads of a tun device whose reader takes super-segments
// and unfinished checksums, in the kernel's order. Names alone are off for good.
var tunFeatures = []feature{
	{name: "tx-scatter-gather", wanted: true},
	{name: "tx-checksum-ipv4", fixed: true},
	{name: "tx-checksum-ip-generic", wanted: true},
	{name: "tx-checksum-ipv6", fixed: true},
	{name: "highdma", fixed: true},
	{name: "tx-scatter-gather-fraglist", wanted: true},
	{name: "tx-vlan-hw-insert", wanted: true},
	{name: "rx-vlan-hw-parse", fixed: true},
	{name: "rx-vlan-filter", fixed: true},
	{name: "tx-vlan-stag-hw-insert", wanted: true},
	{name: "rx-vlan-stag-hw-parse", fixed: true},
	{name: "rx-vlan-stag-filter", fixed: true},
	{name: "vlan-challenged", fixed: true},
	{name: "tx-generic-segmentation", wanted: true},
	{name: "rx-gro", wanted: true},
	{name: "rx-gro-hw", fixed: true},
	{name: "rx-lro", fixed: true},
	{name: "tx-tcp-segmentation", wanted: true},
	{name: "tx-gso-robust", fixed: true},
	{name: "tx-tcp-ecn-segmentation", wanted: true},
	{name: "tx-tcp-mangleid-segmentation"},
	{name: "tx-tcp6-segmentation", wanted: true},
	{name: "tx-fcoe-segmentation", fixed: true},
	{name: "tx-gre-segmentation", fixed: true},
	{name: "tx-gre-csum-segmentation", fixed: true},
	{name: "tx-ipxip4-segmentation", fixed: true},
	{name: "tx-ipxip6-segmentation", fixed: true},
	{name: "tx-udp_tnl-segmentation", fixed: true},
	{name: "tx-udp_tnl-csum-segmentation", fixed: true},
	{name: "tx-gso-partial", fixed: true},
	{name: "tx-tunnel-remcsum-segmentation", fixed: true},
	{name: "tx-sctp-segmentation", fixed: true},
	{name: "tx-esp-segmentation", fixed: true},
	{name: "tx-udp-segmentation", never: true},
	{name: "tx-gso-list", fixed: true},
	{name: "tls-hw-record", fixed: true},
	{name: "tx-checksum-fcoe-crc", fixed: true},
	{name: "tx-checksum-sctp", fixed: true},
	{name: "rx-ntuple-filter", fixed: true},
	{name: "rx-hashing", fixed: true},
	{name: "rx-checksum", fixed: true},
	{name: "tx-nocache-copy"},
	{name: "loopback", fixed: true},
	{name: "rx-fcs", fixed: true},
	{name: "rx-all", fixed: true},
	{name: "l2-fwd-offload", fixed: true},
	{name: "hw-tc-offload", fixed: true},
	{name: "esp-hw-offload", fixed: true},
	{name: "esp-tx-csum-hw-offload", fixed: true},
	{name: "rx-udp_tunnel-port-offload", fixed: true},
	{name: "tls-hw-tx-offload", fixed: true},
	{name: "tls-hw-rx-offload", fixed: true},
	{name: "rx-gro-list"},
	{name: "macsec-hw-offload", fixed: true},
	{name: "rx-udp-gro-forwarding"},
	{name: "hsr-tag-ins-offload", fixed: true},
	{name: "hsr-tag-rm-offload", fixed: true},
	{name: "hsr-fwd-offload", fixed: true},
	{name: "hsr-dup-offload", fixed: true},
}

// initDevice makes the device, which is not up yet.
func (s *Stack) initDevice() {
	s.dev = device{
		name: deviceName, mtu: defaultMTU, txqlen: defaultTxQueueLen,
		gsoMaxSize: tsoMaxSize, gsoMaxSegs: tsoMaxSegs,
		features: slices.Clone(tunFeatures),
	}
	s.dev.fixFeatures()
	s.dev.fqTimer.fn = s.fqRun
	s.setQdisc(s.newQdisc(s.sysctl.coreDefaultQdisc))
	s.addLoopback()
}

func (d *device) feature(name string) *feature {
	for i := range d.features {
		if d.features[i].name == name {
			return &d.features[i]
		}
	}
	return nil
}

func (d *device) has(name string) bool { return d.feature(name).on }

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

// fixFeatures turns the features on that are wanted and whose requirements are
// met (netdev_fix_features).
func (d *device) fixFeatures() {
	for i := range d.features {
		f := &d.features[i]
		f.on = f.wanted && !f.never
	}
	drop := func(names ...string) {
		for _, n := range names {
			d.feature(n).on = false
		}
	}
	if !d.has("tx-checksum-ip-generic") || !d.sg() {
		drop("tx-tcp-segmentation", "tx-tcp-ecn-segmentation", "tx-tcp-mangleid-segmentation", "tx-tcp6-segmentation")
	}
	if !d.has("tx-tcp-segmentation") {
		drop("tx-tcp-mangleid-segmentation")
	}
	if !d.has("tx-tcp-segmentation") && !d.has("tx-tcp6-segmentation") {
		drop("tx-tcp-ecn-segmentation")
	}
	if !d.sg() {
		drop("tx-generic-segmentation")
	}
}

// checkDevice answers for a device that there isn't.
func checkDevice(name string) error {
	switch name {
	case deviceName:
		return nil
	case "lo":
		return &engine.UnsupportedError{What: "changing the device lo"}
	}
	return fmt.Errorf("device %s: %w", name, refuse(enodev))
}

// Features implements engine.Host.
func (s *Stack) Features(dev string) ([]engine.Feature, error) {
	if err := checkDevice(dev); err != nil {
		return nil, err
	}
	list := make([]engine.Feature, 0, len(s.dev.features))
	for _, f := range s.dev.features {
		list = append(list, engine.Feature{Name: f.name, On: f.on, Fixed: f.fixed})
	}
	return list, nil
}

// SetFeatures implements engine.Host.
func (s *Stack) SetFeatures(dev string, list []engine.Feature) error {
	if err := checkDevice(dev); err != nil {
		return err
	}
	for _, want := range list {
		f := s.dev.feature(want.Name)
		switch {
		case f == nil:
			return &engine.UnsupportedError{What: "the device feature " + want.Name}
		case !f.fixed:
			f.wanted = want.On
		}
	}
	s.dev.fixFeatures()
	return nil
}

// Configure sets the network up as a script wants it.
func (s *Stack) Configure(n engine.NetConfig) error {
	if err := n.Check(); err != nil {
		return err
	}
	s.pinned = n.Capture == engine.CapturePacket
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
	var via netip.Addr
	if !n.AnyIP {
		via = n.GatewayIP
		addr := engine.AddrChange{Change: engine.Add, Dev: deviceName, Prefix: netip.PrefixFrom(n.LocalIP, n.LocalPrefix), NoDAD: true}
		if addr.Prefix.IsValid() {
			if err := s.ChangeAddr(addr); err != nil {
				return fmt.Errorf("%s: address %s: %w", deviceName, addr.Prefix, err)
			}
		}
	}
	if !n.RemotePrefix.IsValid() {
		return nil
	}
	// Replacing: the network of the address may be the same.
	err := s.ChangeRoute(engine.RouteChange{
		Change: engine.Replace, IPv6: n.RemotePrefix.Addr().Is6(), Dst: n.RemotePrefix.Masked(), Via: via, Dev: deviceName,
	})
	if err != nil {
		return fmt.Errorf("%s: route to %s via %v: %w", deviceName, n.RemotePrefix, via, err)
	}
	return nil
}

// ChangeLink implements engine.Host.
func (s *Stack) ChangeLink(c engine.LinkChange) error {
	if err := checkDevice(c.Dev); err != nil {
		return err
	}
	d := &s.dev
	switch {
	case c.MTU != 0 && c.MTU < minMTU:
		return refuseSaying(einval, "mtu less than device minimum")
	case c.MTU > maxMTU:
		return refuseSaying(einval, "mtu greater than device maximum")
	case c.GSOMaxSize > tsoMaxSize:
		return refuseSaying(einval, "too big gso_max_size")
	case c.GSOMaxSegs > tsoMaxSegs:
		return refuseSaying(einval, "too big gso_max_segs")
	case c.GROMaxSize > groMaxSize:
		return refuseSaying(einval, "too big gro_max_size")
	}
	if c.MTU != 0 {
		d.mtu = c.MTU
		if d.mtu < minMTU6 {
			s.dropIPv6()
		}
	}
	if c.TxQueueLen != nil {
		d.txqlen = *c.TxQueueLen
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
			return refuseSaying(eaddrnotavail, ipName(v6)+": Address not found")
		}
		s.removeAddr(p)
		return nil
	case i >= 0 && c.Change == engine.Add:
		return refuseSaying(eexist, ipName(v6)+": address already assigned")
	case i >= 0:
		return nil
	case v6 && (p.Addr().IsMulticast() || p.Addr().IsUnspecified()):
		return refuseSaying(eaddrnotavail, "Invalid address")
	case v6 && s.dev.mtu < minMTU6:
		return refuseSaying(einval, "IPv6 is off below an MTU of 1280")
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
