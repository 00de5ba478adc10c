package netstack

import (
	"net/netip"
	"slices"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"tcpdrill/engine"
	"tcpdrill/engine/abi"
)

// A routeEntry is a route that somebody made; addresses have theirs beside them.
type routeEntry struct {
	dst netip.Prefix // masked
	via netip.Addr
	mtu uint32 // 0: the device's
}

// setRoutes gives the stack its routes, those of longer prefixes first: it takes the
// first one that fits.
func (s *Stack) setRoutes() {
	list := slices.Clone(s.routes)
	for _, p := range s.addrs {
		list = append(list, routeEntry{dst: p.Masked()})
	}
	slices.SortStableFunc(list, func(a, b routeEntry) int { return b.dst.Bits() - a.dst.Bits() })
	table := make([]tcpip.Route, 0, len(list))
	for _, r := range list {
		subnet, err := tcpip.NewSubnet(addressOf(r.dst.Addr()), tcpip.MaskFromBytes(mask(r.dst)))
		if err != nil {
			continue // the prefix is masked
		}
		row := tcpip.Route{Destination: subnet, NIC: nicID, MTU: r.mtu}
		if r.via.IsValid() {
			row.Gateway = addressOf(r.via)
		}
		table = append(table, row)
	}
	s.stack.SetRouteTable(table)
}

// mask is a prefix's network mask.
func mask(p netip.Prefix) []byte {
	m := make([]byte, len(p.Addr().AsSlice()))
	for i := range p.Bits() {
		m[i/8] |= 0x80 >> (i % 8)
	}
	return m
}

func ipName(v6 bool) string {
	if v6 {
		return "ipv6"
	}
	return "ipv4"
}

// ChangeAddr implements engine.Host.
func (s *Stack) ChangeAddr(c engine.AddrChange) error {
	if err := checkDevice(c.Dev); err != nil {
		return err
	}
	if c.Change == engine.Flush {
		for _, p := range slices.Clone(s.addrs) {
			if !c.Prefix.IsValid() || c.Prefix.Masked().Contains(p.Addr()) {
				s.removeAddr(p)
			}
		}
		return nil
	}
	p := c.Prefix
	v6 := p.Addr().Is6()
	there := slices.ContainsFunc(s.addrs, func(q netip.Prefix) bool { return q.Addr() == p.Addr() })
	switch {
	case c.Change == engine.Delete:
		if !there {
			return abi.RefuseSaying(abi.EADDRNOTAVAIL, ipName(v6)+": Address not found")
		}
		s.removeAddr(p)
		return nil
	case there && c.Change == engine.Add:
		return abi.RefuseSaying(abi.EEXIST, ipName(v6)+": address already assigned")
	case there:
		return nil
	}
	err := s.stack.AddProtocolAddress(nicID, tcpip.ProtocolAddress{
		Protocol:          protocolOf(p.Addr()),
		AddressWithPrefix: tcpip.AddressWithPrefix{Address: addressOf(p.Addr()), PrefixLen: p.Bits()},
	}, stack.AddressProperties{})
	if err != nil {
		return failed(err)
	}
	s.addrs = append(s.addrs, p)
	s.setRoutes()
	return nil
}

func (s *Stack) removeAddr(p netip.Prefix) {
	s.addrs = slices.DeleteFunc(s.addrs, func(q netip.Prefix) bool { return q.Addr() == p.Addr() })
	s.stack.RemoveAddress(nicID, addressOf(p.Addr()))
	s.setRoutes()
}

// ChangeRoute implements engine.Host. Of a route's metrics there is the MTU.
func (s *Stack) ChangeRoute(c engine.RouteChange) error {
	if c.Dev != "" {
		if err := checkDevice(c.Dev); err != nil {
			return err
		}
	}
	if c.Type != "" {
		return unsupported("a route of type " + c.Type)
	}
	if c.Table != 0 || c.Priority != 0 || c.Src.IsValid() {
		return unsupported("a route with a table, a metric or a source address")
	}
	r := routeEntry{dst: c.Dst, via: c.Via}
	for _, m := range c.Metrics {
		switch {
		case m.Name != "mtu":
			return unsupported("the metric " + m.Name + " of a route")
		case m.Lock:
			return unsupported("locking the MTU of a route")
		}
		r.mtu = m.Value
	}
	same := func(q routeEntry) bool { return q.dst == r.dst }
	i := slices.IndexFunc(s.routes, same)
	switch c.Change {
	case engine.Flush:
		s.routes = slices.DeleteFunc(s.routes, same)
	case engine.Delete:
		if i < 0 {
			return abi.Refuse(abi.ESRCH)
		}
		s.routes = slices.Delete(s.routes, i, i+1)
	case engine.Add:
		if i >= 0 {
			return abi.Refuse(abi.EEXIST)
		}
		s.routes = append(s.routes, r)
	case engine.Append:
		return unsupported("a route beside another one")
	default:
		switch {
		case i >= 0:
			s.routes[i] = r
		case c.Change == engine.Modify:
			return abi.Refuse(abi.ENOENT)
		default:
			// It goes before the route of an address with the same network.
			s.routes = append(s.routes, r)
		}
	}
	s.setRoutes()
	return nil
}
