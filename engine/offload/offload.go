// Package offload has the offloads of the tun device that stacks in virtual time send
// through: their names, and which depend on which.
package offload

import (
	"slices"

	"tcpdrill/engine"
)

// Features are a device's offloads, under the kernel's names and in its order.
type Features []feature

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

// New returns the offloads that are on for a tun device whose reader takes
// super-segments.
func New() Features {
	fs := Features(slices.Clone(tunFeatures))
	fs.fix()
	return fs
}

func (fs Features) find(name string) *feature {
	for i := range fs {
		if fs[i].name == name {
			return &fs[i]
		}
	}
	return nil
}

// Has reports whether an offload is on. It is one that there is.
func (fs Features) Has(name string) bool { return fs.find(name).on }

// TakeUSO says that the device takes several datagrams as one packet.
func (fs Features) TakeUSO() {
	f := fs.find("tx-udp-segmentation")
	f.never, f.wanted = false, true
	fs.fix()
}

// List is what engine.Host's Features returns.
func (fs Features) List() []engine.Feature {
	list := make([]engine.Feature, 0, len(fs))
	for _, f := range fs {
		list = append(list, engine.Feature{Name: f.name, On: f.on, Fixed: f.fixed})
	}
	return list
}

// Set is engine.Host's SetFeatures.
func (fs Features) Set(list []engine.Feature) error {
	for _, want := range list {
		f := fs.find(want.Name)
		switch {
		case f == nil:
			return &engine.UnsupportedError{What: "the device feature " + want.Name}
		case !f.fixed:
			f.wanted = want.On
		}
	}
	fs.fix()
	return nil
}

// fix turns the features on that are wanted and whose requirements are
// met (netdev_fix_features).
func (fs Features) fix() {
	for i := range fs {
		f := &fs[i]
		f.on = f.wanted && !f.never
	}
	drop := func(names ...string) {
		for _, n := range names {
			fs.find(n).on = false
		}
	}
	if !fs.Has("tx-checksum-ip-generic") || !fs.Has("tx-scatter-gather") {
		drop("tx-tcp-segmentation", "tx-tcp-ecn-segmentation", "tx-tcp-mangleid-segmentation", "tx-tcp6-segmentation")
	}
	if !fs.Has("tx-checksum-ip-generic") {
		drop("tx-udp-segmentation")
	}
	if !fs.Has("tx-tcp-segmentation") {
		drop("tx-tcp-mangleid-segmentation")
	}
	if !fs.Has("tx-tcp-segmentation") && !fs.Has("tx-tcp6-segmentation") {
		drop("tx-tcp-ecn-segmentation")
	}
	if !fs.Has("tx-scatter-gather") {
		drop("tx-generic-segmentation")
	}
}
