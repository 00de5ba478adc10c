package gostack

import (
	"errors"
	"io/fs"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"tcpdrill/engine"
	"tcpdrill/engine/abi"
)

// Tables that are looked at, in this order (RT_TABLE_*).
const (
	localTable   = 255
	mainTable    = 254
	defaultTable = 253
)

// Metrics of routes that nobody gave one.
const (
	priority6       = 1024 // IP6_RT_PRIO_USER
	prefixPriority6 = 256  // IP6_RT_PRIO_ADDRCONF
)

// routes is the machine's routing.
type routes struct {
	entries []*fibEntry
	// cache has what routeFor found since anything changed.
	cache map[netip.Addr]cachedRoute
}

type cachedRoute struct {
	r *route
	e errno
}

// A fibEntry is a route as it was set.
type fibEntry struct {
	dst      netip.Prefix // masked
	typ      string       // "unicast", "local", "broadcast", "unreachable", …
	via      netip.Addr
	dev      string
	src      netip.Addr
	table    int
	priority uint32
	scope    int
	proto    string
	metrics  []engine.RouteMetric
	// learned are the path MTUs of destinations behind it.
	learned map[netip.Addr]learnedMTU
}

// A learnedMTU is what an ICMP message said of a path.
type learnedMTU struct {
	mtu     int
	expires uint64 // jiffies
	locked  bool   // too small to be true: packets may be cut on the way
}

// A route is the way to one destination.
type route struct {
	s     *Stack
	dst   netip.Addr
	src   netip.Addr // the address to use if a socket has none
	local bool       // it ends in this machine
	typ   string
	fib   *fibEntry
}

// changed forgets what was looked up.
func (r *routes) changed() { r.cache = nil }

// remove removes the entries that gone says.
func (r *routes) remove(gone func(*fibEntry) bool) {
	r.entries = slices.DeleteFunc(r.entries, gone)
	r.changed()
}

// Scopes of routes: the larger, the nearer.
const (
	scopeUniverse = 0
	scopeSite     = 200
	scopeLink     = 253
	scopeHost     = 254
	scopeNowhere  = 255
)

var scopeNames = map[string]int{
	"global": scopeUniverse, "site": scopeSite, "link": scopeLink, "host": scopeHost, "nowhere": scopeNowhere,
}

// addLoopback sets up what the loopback device has.
func (s *Stack) addLoopback() {
	for _, p := range []string{"127.0.0.0/8", "127.0.0.1/32"} {
		s.routes.entries = append(s.routes.entries, &fibEntry{
			dst: netip.MustParsePrefix(p), typ: "local", dev: "lo", table: localTable, scope: scopeHost,
			proto: "kernel", src: netip.MustParseAddr("127.0.0.1"),
		})
	}
	s.routes.entries = append(s.routes.entries, &fibEntry{
		dst: netip.PrefixFrom(netip.IPv6Loopback(), 128), typ: "local", dev: "lo", table: localTable,
		scope: scopeHost, proto: "kernel",
	})
}

// addAddrRoutes adds the routes that come with an address, those that aren't
// there. primary says that it is the first of its network.
func (s *Stack) addAddrRoutes(p netip.Prefix, primary bool) {
	a := p.Addr()
	v6 := a.Is6()
	add := func(f *fibEntry) {
		f.dev, f.proto = deviceName, "kernel"
		if !v6 {
			f.src = a
		}
		for _, g := range s.routes.entries {
			if g.dst == f.dst && g.table == f.table && g.typ == f.typ && g.priority == f.priority && g.dev == f.dev {
				return
			}
		}
		s.routes.entries = append(s.routes.entries, f)
	}
	add(&fibEntry{dst: netip.PrefixFrom(a, a.BitLen()), typ: "local", table: localTable, scope: scopeHost})
	if !s.dev.up || !primary || p.Bits() == a.BitLen() {
		s.routes.changed()
		return
	}
	net := &fibEntry{dst: p.Masked(), typ: "unicast", table: mainTable, scope: scopeLink}
	if v6 {
		net.priority = prefixPriority6
	}
	add(net)
	if !v6 && p.Bits() < 31 {
		b := p.Masked().Addr().As4()
		for i := p.Bits(); i < 32; i++ {
			b[i/8] |= 0x80 >> (i % 8)
		}
		add(&fibEntry{dst: netip.PrefixFrom(netip.AddrFrom4(b), 32), typ: "broadcast", table: localTable, scope: scopeLink})
	}
	s.routes.changed()
}

// find looks a destination up: the longest prefix counts, then the smallest
// metric, then who came first. scope is the farthest that the route may be.
func (r *routes) find(dst netip.Addr, scope int) (*fibEntry, errno) {
	for _, table := range []int{localTable, mainTable, defaultTable} {
		var best *fibEntry
		for _, f := range r.entries {
			if f.table != table || !f.dst.Contains(dst) || f.scope < scope {
				continue
			}
			if best == nil || f.dst.Bits() > best.dst.Bits() ||
				f.dst.Bits() == best.dst.Bits() && f.priority < best.priority {
				best = f
			}
		}
		if best == nil {
			continue
		}
		switch best.typ {
		case "throw":
			continue // as if there were none in this table
		case "unreachable":
			return nil, abi.EHOSTUNREACH
		case "blackhole":
			return nil, abi.EINVAL
		case "prohibit":
			return nil, abi.EACCES
		}
		return best, 0
	}
	return nil, abi.ENETUNREACH
}

// routeFor returns the route to a destination. Without one, it is ENETUNREACH.
func (s *Stack) routeFor(dst netip.Addr) (*route, errno) {
	dst = dst.Unmap().WithZone("")
	if c, ok := s.routes.cache[dst]; ok {
		return c.r, c.e
	}
	f, e := s.routes.find(dst, scopeUniverse)
	var r *route
	if e == 0 {
		r = &route{s: s, dst: dst, typ: f.typ, local: f.typ == "local", fib: f}
		r.src = s.sourceFor(r)
	}
	if s.routes.cache == nil {
		s.routes.cache = map[netip.Addr]cachedRoute{}
	}
	s.routes.cache[dst] = cachedRoute{r, e}
	return r, e
}

// sourceFor selects the source address of a route's packets.
func (s *Stack) sourceFor(r *route) netip.Addr {
	switch {
	case r.local && (r.dst.Is4() || slices.ContainsFunc(s.dev.addrs, func(p netip.Prefix) bool { return p.Addr() == r.dst })):
		return r.dst
	case r.local:
		return netip.IPv6Loopback()
	case r.fib.src.IsValid():
		return r.fib.src
	case r.dst.Is4():
		return s.source4(r)
	}
	return s.source6(r.dst)
}

// source4 is the first address in the network of the next hop, else the first one
// of all (inet_select_addr).
func (s *Stack) source4(r *route) netip.Addr {
	next := r.dst
	if r.fib.via.Is4() {
		next = r.fib.via
	}
	first := netip.IPv4Unspecified()
	for i, p := range s.dev.addrs {
		if !p.Addr().Is4() || p.Addr().IsLoopback() || !s.primary(p, i) {
			continue
		}
		if p.Contains(next) {
			return p.Addr()
		}
		if first.IsUnspecified() {
			first = p.Addr()
		}
	}
	return first
}

// source6 selects by scope, then by the longest common prefix (RFC 6724 section 5,
// rules 2 and 8).
func (s *Stack) source6(dst netip.Addr) netip.Addr {
	best, bestScore := netip.IPv6Unspecified(), -1
	for _, p := range s.dev.addrs {
		a := p.Addr()
		if !a.Is6() {
			continue
		}
		score := min(commonBits(a, dst), p.Bits())
		if a.IsLinkLocalUnicast() == (dst.IsLinkLocalUnicast() || dst.IsLinkLocalMulticast()) {
			score += 1000
		}
		if score > bestScore {
			best, bestScore = a, score
		}
	}
	return best
}

// commonBits is how many leading bits two addresses have in common.
func commonBits(a, b netip.Addr) int {
	n := 0
	for n < a.BitLen() {
		p, err := a.Prefix(n + 1)
		if err != nil || !p.Contains(b) {
			break
		}
		n++
	}
	return n
}

// metric returns one of the route's metrics, and whether it is set.
func (r *route) metric(name string) (uint32, bool) {
	if m := r.fib.metric(name); m != nil {
		return m.Value, true
	}
	return 0, false
}

// locked reports whether a metric is set and must not be changed.
func (r *route) locked(name string) bool {
	m := r.fib.metric(name)
	return m != nil && m.Lock
}

// congctl is the congestion control that the route asks for, "" for none.
func (r *route) congctl() string {
	if m := r.fib.metric("congctl"); m != nil {
		return m.Text
	}
	return ""
}

// routeWantsECN reports whether the route to a host says that ECN works there
// (RTAX_FEATURE_ECN).
func (s *Stack) routeWantsECN(remote netip.Addr) bool {
	r, _ := s.routeFor(remote)
	if r == nil {
		return false
	}
	features, _ := r.metric("features")
	return features&1 != 0
}

func (f *fibEntry) metric(name string) *engine.RouteMetric {
	for i := range f.metrics {
		if f.metrics[i].Name == name {
			return &f.metrics[i]
		}
	}
	return nil
}

// loopbackMTU is that of the device lo.
const loopbackMTU = 65536

// mtu returns the path's MTU: what was learned of it, as long as that holds, else
// the route's, else the device's. locked says that it is fixed, or learned but too
// small to be believed: then packets don't say "don't fragment".
func (r *route) mtu() (mtu int, locked bool) {
	m := r.fib.metric("mtu")
	locked = m != nil && m.Lock
	l, ok := r.fib.learned[r.dst]
	switch {
	case ok && !(locked && r.dst.Is6()) && r.s.jiffies() < l.expires:
		return l.mtu, locked || l.locked
	case m != nil && m.Value != 0:
		return int(m.Value), locked
	}
	return r.linkMTU(), locked
}

// linkMTU is the MTU of the device that a path begins with.
func (r *route) linkMTU() int {
	if r.local {
		return min(loopbackMTU, math.MaxUint16)
	}
	return r.s.dev.mtu
}

// deviceMTU reports whether the path's MTU is that of the device.
func (r *route) deviceMTU() bool {
	m := r.fib.metric("mtu")
	l, ok := r.fib.learned[r.dst]
	return !r.local && (m == nil || m.Value == 0) && !(ok && r.s.jiffies() < l.expires)
}

// advmss is the MSS to offer the peer.
func (r *route) advmss() int {
	if n, ok := r.metric("advmss"); ok && n != 0 {
		return int(n)
	}
	mtu, _ := r.mtu()
	if r.dst.Is4() {
		return min(max(mtu-40, int(r.s.sysctl.routeMinAdvMss)), math.MaxUint16-40)
	}
	mss := max(mtu-60, int(r.s.sysctl.ipv6RouteMinAdvMss))
	if mss > math.MaxUint16-60 {
		return math.MaxUint16 // any: jumbograms (RFC 2675 section 5.1)
	}
	return mss
}

// updatePMTU notes that the path to a destination has this MTU (RFC 1191, RFC
// 8201).
func (s *Stack) updatePMTU(dst netip.Addr, mtu int) {
	r, e := s.routeFor(dst)
	if e != 0 {
		return
	}
	old, _ := r.mtu()
	l := learnedMTU{mtu: mtu}
	var lifetime int64
	if r.dst.Is4() {
		if r.locked("mtu") || old < mtu {
			return
		}
		// Who says less wants to make the stack send tiny packets.
		if least := int(s.sysctl.routeMinPmtu); mtu < least {
			l.mtu, l.locked = min(old, least), true
		}
		lifetime = s.sysctl.routeMtuExpires
	} else {
		if mtu < minMTU6 || mtu >= old {
			return
		}
		lifetime = s.sysctl.ipv6RouteMtuExpires
	}
	l.expires = s.jiffies() + uint64(s.toJiffies(time.Duration(lifetime)*time.Second))
	if r.fib.learned == nil {
		r.fib.learned = map[netip.Addr]learnedMTU{}
	}
	r.fib.learned[r.dst] = l
}

// ChangeRoute implements engine.Host.
func (s *Stack) ChangeRoute(c engine.RouteChange) error {
	if c.Dev != "" && c.Dev != "lo" {
		if err := checkDevice(c.Dev); err != nil {
			return err
		}
	}
	if c.Change == engine.Flush {
		return s.flushRoutes(c)
	}
	f, err := s.newRoute(c)
	if err != nil {
		return err
	}
	if c.Change == engine.Delete {
		return s.deleteRoute(c, f)
	}
	if err := s.checkRoute(c, f); err != nil {
		return err
	}
	defer s.routes.changed()
	entries := &s.routes.entries
	at := slices.IndexFunc(*entries, func(g *fibEntry) bool {
		return g.dst == f.dst && g.table == f.table && g.priority == f.priority
	})
	if at < 0 {
		if c.Change == engine.Modify {
			return abi.Refuse(abi.ENOENT)
		}
		*entries = append(*entries, f)
		return nil
	}
	switch c.Change {
	case engine.Add:
		return abi.Refuse(abi.EEXIST)
	case engine.Append:
		for _, g := range *entries {
			if g.dst == f.dst && g.table == f.table && g.priority == f.priority &&
				g.typ == f.typ && g.via == f.via && g.dev == f.dev && g.src == f.src && g.scope == f.scope {
				return abi.Refuse(abi.EEXIST)
			}
		}
		*entries = append(*entries, f)
	default:
		(*entries)[at] = f
	}
	return nil
}

// newRoute makes an entry of a change, with what goes without saying.
func (s *Stack) newRoute(c engine.RouteChange) (*fibEntry, error) {
	f := &fibEntry{
		dst: c.Dst, typ: c.Type, via: c.Via, dev: c.Dev, src: c.Src, table: c.Table,
		priority: c.Priority, proto: c.Proto, metrics: slices.Clone(c.Metrics),
	}
	switch f.typ {
	case "":
		f.typ = "unicast"
	case "unicast", "local", "broadcast", "throw", "unreachable", "prohibit", "blackhole":
	default:
		return nil, &engine.UnsupportedError{What: "routes of type " + f.typ}
	}
	switch {
	case c.Table > 255 || c.Table < 0:
		return nil, &engine.UnsupportedError{What: "route table " + strconv.Itoa(c.Table)}
	case c.Table != 0:
	case f.typ == "local" || f.typ == "broadcast":
		f.table = localTable
	default:
		f.table = mainTable
	}
	if c.IPv6 {
		if f.priority == 0 && c.Change != engine.Delete {
			f.priority = priority6
		}
		return f, nil
	}
	switch {
	case c.Scope != "":
		scope, ok := scopeNames[c.Scope]
		if !ok {
			n, err := strconv.ParseUint(c.Scope, 0, 8)
			if err != nil {
				return nil, abi.Refuse(abi.EINVAL)
			}
			scope = int(n)
		}
		f.scope = scope
	case f.typ == "local":
		f.scope = scopeHost
	case f.typ == "broadcast" || f.typ == "unicast" && !f.via.IsValid():
		f.scope = scopeLink
	}
	return f, nil
}

// checkRoute says whether a route may be set, and finds its device.
func (s *Stack) checkRoute(c engine.RouteChange, f *fibEntry) error {
	if f.via.IsValid() && f.via.Is6() != c.IPv6 {
		return &engine.UnsupportedError{What: "a gateway of the other IP version"}
	}
	if f.via.IsValid() {
		if err := s.checkGateway(c, f); err != nil {
			return err
		}
		f.dev = deviceName
	}
	switch f.typ {
	case "unreachable", "blackhole", "prohibit", "throw":
		f.dev = ""
	default:
		if f.dev == "" {
			return abi.Refuse(abi.ENODEV)
		}
		if f.dev == deviceName && !s.dev.up {
			return abi.RefuseSaying(abi.ENETDOWN, "Device for nexthop is not up")
		}
		if f.dev == "lo" && f.typ != "local" {
			return &engine.UnsupportedError{What: "a route through lo that isn't local"}
		}
	}
	if f.src.IsValid() && !s.isLocal(f.src) {
		return abi.RefuseSaying(abi.EINVAL, "Invalid prefsrc address")
	}
	return s.checkMetrics(f)
}

// checkGateway says whether a gateway is on the link.
func (s *Stack) checkGateway(c engine.RouteChange, f *fibEntry) error {
	if c.OnLink {
		if f.dev == "" {
			return abi.Refuse(abi.ENODEV)
		}
		return nil
	}
	if c.IPv6 {
		if f.via.IsLinkLocalUnicast() {
			if f.dev == "" {
				return abi.Refuse(abi.EINVAL)
			}
			return nil
		}
		g, e := s.routes.find(f.via, scopeUniverse)
		switch {
		case e == 0 && g.typ == "local":
			return abi.RefuseSaying(abi.EINVAL, "Gateway can not be a local address")
		case e != 0 || g.via.IsValid():
			return abi.Refuse(abi.EHOSTUNREACH)
		}
		return nil
	}
	g, e := s.routes.find(f.via, max(f.scope+1, scopeLink))
	switch {
	case e != 0:
		return abi.RefuseSaying(e, "Nexthop has invalid gateway")
	case g.typ != "unicast" && g.typ != "local":
		return abi.RefuseSaying(abi.EINVAL, "Nexthop has invalid gateway")
	}
	return nil
}

// routeMetrics are the metrics that there are.
var routeMetrics = []string{
	"mtu", "window", "rtt", "rttvar", "ssthresh", "cwnd", "advmss", "reordering", "hoplimit",
	"initcwnd", "features", "rto_min", "initrwnd", "quickack", "congctl", "fastopen_no_cookie",
}

// checkMetrics brings metrics into the bounds that Linux keeps them in.
func (s *Stack) checkMetrics(f *fibEntry) error {
	for i := range f.metrics {
		m := &f.metrics[i]
		if !slices.Contains(routeMetrics, m.Name) {
			return &engine.UnsupportedError{What: "route metric " + m.Name}
		}
		switch m.Name {
		case "mtu":
			m.Value = min(m.Value, math.MaxUint16-15)
		case "advmss":
			m.Value = min(m.Value, math.MaxUint16-40)
		case "hoplimit":
			m.Value = min(m.Value, math.MaxUint8)
		case "features":
			if m.Value&^1 != 0 { // RTAX_FEATURE_ECN
				return abi.RefuseSaying(abi.EINVAL, "Unknown flag set in feature mask in metrics attribute")
			}
		case "congctl":
			err := s.congestionControl(m.Text)
			if errors.Is(err, fs.ErrNotExist) {
				return abi.RefuseSaying(abi.EINVAL, "Unknown tcp congestion algorithm")
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// deleteRoute removes the first route that is what the change says.
func (s *Stack) deleteRoute(c engine.RouteChange, f *fibEntry) error {
	for i, g := range s.routes.entries {
		if g.dst != f.dst || g.table != f.table ||
			c.Type != "" && g.typ != f.typ ||
			c.Scope != "" && g.scope != f.scope ||
			c.Proto != "" && g.proto != f.proto ||
			c.Priority != 0 && g.priority != f.priority ||
			c.Via.IsValid() && g.via != f.via ||
			c.Dev != "" && g.dev != f.dev ||
			c.Src.IsValid() && g.src != f.src {
			continue
		}
		s.routes.entries = slices.Delete(s.routes.entries, i, i+1)
		s.routes.changed()
		return nil
	}
	return abi.Refuse(abi.ESRCH)
}

// flushRoutes removes the routes of a table that are what the change says.
func (s *Stack) flushRoutes(c engine.RouteChange) error {
	table := mainTable
	if c.Table != 0 {
		table = c.Table
	}
	s.routes.remove(func(f *fibEntry) bool {
		return f.table == table && f.dst.Addr().Is6() == c.IPv6 &&
			(c.Dev == "" || c.Dev == f.dev) && (!c.Dst.IsValid() || c.Dst == f.dst)
	})
	return nil
}
