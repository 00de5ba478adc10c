package netstack

import (
	"fmt"
	"net/netip"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"tcpdrill/engine"
	"tcpdrill/engine/abi"
	"tcpdrill/engine/offload"
)

var _ engine.Host = (*Stack)(nil)

// deviceName is the device's name, which scripts count on.
const deviceName = "tun0"

// Bounds of a tun device's settings.
const (
	minMTU     = 68
	maxMTU     = 65535
	defaultMTU = 1500
	tsoMaxSize = 65536
	// defaultTxQueueLen is what the kernel target gives its device.
	defaultTxQueueLen = 10000
)

// A host is what the machine has beside its stack.
type host struct {
	features offload.Features
	sysctls  map[string]string // those that were set, as /proc/sys shows them
	addrs    []netip.Prefix    // in the order in which they were added; not masked
	routes   []routeEntry      // in the order in which they were added
	atUse
}

// initHost makes the device, which is up at once: before it has an address, nothing can
// come of that.
func (s *Stack) initHost() {
	s.features = offload.New()
	s.sysctls = map[string]string{}
	s.link.clock = &s.clock
	s.link.mtu = defaultMTU
	s.link.gsoMaxSize = tsoMaxSize
	s.link.txqlen = defaultTxQueueLen
	s.offloadsChanged()
	if err := s.stack.CreateNICWithOptions(nicID, &s.link, stack.NICOptions{Name: deviceName}); err != nil {
		panic("netstack: " + err.String()) // it is the first one
	}
}

// offloadsChanged tells the link which packets it may be given.
func (s *Stack) offloadsChanged() {
	s.link.mu.Lock()
	defer s.link.mu.Unlock()
	s.link.gso = s.features.Has("tx-tcp-segmentation")
}

// connected says that something can't be changed any more if there is a connection:
// netstack looks at it when one starts.
func (s *Stack) connected(what string) error {
	if s.stack.Stats().TCP.CurrentConnected.Value() == 0 {
		return nil
	}
	return unsupported("changing " + what + " of the device while there is a connection")
}

// failed is one of netstack's errors as a command shows it.
func failed(err tcpip.Error) error {
	if err == nil {
		return nil
	}
	return abi.Refuse(errnoOf(err))
}

// checkDevice answers for a device that there isn't.
func checkDevice(name string) error {
	switch name {
	case deviceName:
		return nil
	case "lo":
		return unsupported("the device lo")
	}
	return fmt.Errorf("device %s: %w", name, abi.Refuse(abi.ENODEV))
}

func unsupported(what string) error { return &engine.UnsupportedError{What: what} }

// Configure sets the network up as a script wants it. packets that are held on purpose
// (CapturePacket) make no difference: netstack never merges segments that it sent.
func (s *Stack) Configure(n engine.NetConfig) error {
	if err := n.Check(); err != nil {
		return err
	}
	if n.MTU != 0 {
		if err := s.ChangeLink(engine.LinkChange{Dev: deviceName, MTU: n.MTU}); err != nil {
			return fmt.Errorf("%s: MTU %d: %w", deviceName, n.MTU, err)
		}
	}
	if n.AnyIP {
		// Every address is local, and may be sent from.
		if err := s.stack.SetPromiscuousMode(nicID, true); err != nil {
			return failed(err)
		}
		if err := s.stack.SetSpoofing(nicID, true); err != nil {
			return failed(err)
		}
	}
	return engine.Attach(s, deviceName, n)
}

// FlushTCPMetrics implements engine.Host: netstack remembers nothing of its peers.
func (s *Stack) FlushTCPMetrics() error { return nil }

// ChangeQdisc implements engine.Host. What is sent is on the wire at once, which is what
// these disciplines come to that neither delay nor drop.
func (s *Stack) ChangeQdisc(c engine.QdiscChange) error {
	if err := checkDevice(c.Dev); err != nil {
		return err
	}
	if c.Parent == "root" && (c.Change == engine.Delete || len(c.Options) == 0 && (c.Kind == "pfifo" || c.Kind == "pfifo_fast")) {
		return nil
	}
	return unsupported(fmt.Sprintf("the queueing discipline %s", c.Kind))
}

// Features implements engine.Host.
func (s *Stack) Features(dev string) ([]engine.Feature, error) {
	if err := checkDevice(dev); err != nil {
		return nil, err
	}
	return s.features.List(), nil
}

// SetFeatures implements engine.Host. Segmentation by the device is what counts; without
// it netstack sends one segment after the other, as Linux does where it cuts
// super-segments itself.
func (s *Stack) SetFeatures(dev string, list []engine.Feature) error {
	if err := checkDevice(dev); err != nil {
		return err
	}
	before := s.features.Has("tx-tcp-segmentation")
	if err := s.features.Set(list); err != nil {
		return err
	}
	s.offloadsChanged()
	if s.features.Has("tx-tcp-segmentation") != before {
		return s.connected("the segmentation offload")
	}
	return nil
}

// ChangeLink implements engine.Host.
func (s *Stack) ChangeLink(c engine.LinkChange) error {
	if err := checkDevice(c.Dev); err != nil {
		return err
	}
	switch {
	case c.MTU != 0 && c.MTU < minMTU:
		return abi.RefuseSaying(abi.EINVAL, "mtu less than device minimum")
	case c.MTU > maxMTU:
		return abi.RefuseSaying(abi.EINVAL, "mtu greater than device maximum")
	case c.GSOMaxSize > tsoMaxSize:
		return abi.RefuseSaying(abi.EINVAL, "too big gso_max_size")
	case c.GSOMaxSegs != 0:
		return unsupported("gso_max_segs")
	}
	// What comes in is never merged: GROMaxSize.
	if c.TxQueueLen != nil {
		s.link.setQueue(*c.TxQueueLen)
	}
	if c.MTU != 0 {
		if err := s.connected("the MTU"); err != nil {
			return err
		}
		if err := s.stack.SetNICMTU(nicID, uint32(c.MTU)); err != nil {
			return failed(err)
		}
	}
	if c.GSOMaxSize != 0 {
		if err := s.connected("gso_max_size"); err != nil {
			return err
		}
		s.link.mu.Lock()
		s.link.gsoMaxSize = uint32(c.GSOMaxSize)
		s.link.mu.Unlock()
	}
	if c.Up != nil {
		if *c.Up {
			return failed(s.stack.EnableNIC(nicID))
		}
		return failed(s.stack.DisableNIC(nicID))
	}
	return nil
}

func protocolOf(a netip.Addr) tcpip.NetworkProtocolNumber {
	if a.Is6() {
		return ipv6.ProtocolNumber
	}
	return ipv4.ProtocolNumber
}

// ReadFile implements engine.Host.
func (s *Stack) ReadFile(name string) ([]byte, error) {
	return nil, unsupported("the file " + name)
}
