package kernel

import (
	"net/netip"
	"strconv"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"tcpdrill/engine"
)

// routeMetrics are a route's metrics by ip's names.
var routeMetrics = map[string]int{
	"mtu":                unix.RTAX_MTU,
	"window":             unix.RTAX_WINDOW,
	"rtt":                unix.RTAX_RTT,
	"rttvar":             unix.RTAX_RTTVAR,
	"ssthresh":           unix.RTAX_SSTHRESH,
	"cwnd":               unix.RTAX_CWND,
	"advmss":             unix.RTAX_ADVMSS,
	"reordering":         unix.RTAX_REORDERING,
	"hoplimit":           unix.RTAX_HOPLIMIT,
	"initcwnd":           unix.RTAX_INITCWND,
	"features":           unix.RTAX_FEATURES,
	"rto_min":            unix.RTAX_RTO_MIN,
	"initrwnd":           unix.RTAX_INITRWND,
	"quickack":           unix.RTAX_QUICKACK,
	"congctl":            unix.RTAX_CC_ALGO,
	"fastopen_no_cookie": unix.RTAX_FASTOPEN_NO_COOKIE,
}

var routeTypes = map[string]uint8{
	"": unix.RTN_UNICAST, "unicast": unix.RTN_UNICAST, "local": unix.RTN_LOCAL,
	"broadcast": unix.RTN_BROADCAST, "multicast": unix.RTN_MULTICAST,
	"throw": unix.RTN_THROW, "unreachable": unix.RTN_UNREACHABLE,
	"prohibit": unix.RTN_PROHIBIT, "blackhole": unix.RTN_BLACKHOLE,
}

var routeScopes = map[string]uint8{
	"global": unix.RT_SCOPE_UNIVERSE, "site": unix.RT_SCOPE_SITE, "link": unix.RT_SCOPE_LINK,
	"host": unix.RT_SCOPE_HOST, "nowhere": unix.RT_SCOPE_NOWHERE,
}

var routeProtocols = map[string]uint8{
	"": unix.RTPROT_BOOT, "boot": unix.RTPROT_BOOT, "kernel": unix.RTPROT_KERNEL,
	"static": unix.RTPROT_STATIC, "ra": unix.RTPROT_RA,
}

// named looks a word up, or reads it as a number.
func named(names map[string]uint8, word string) (uint8, error) {
	if n, ok := names[word]; ok {
		return n, nil
	}
	n, err := strconv.ParseUint(word, 0, 8)
	if err != nil {
		return 0, unix.EINVAL
	}
	return uint8(n), nil
}

// ChangeRoute implements engine.Host.
func (h *host) ChangeRoute(c engine.RouteChange) error {
	if c.Change == engine.Flush {
		return flushRoutes(c)
	}
	msg, err := routeHeader(c)
	if err != nil {
		return err
	}
	data := []nl.NetlinkRequestData{msg}
	if c.Dst.Bits() > 0 {
		msg.Dst_len = uint8(c.Dst.Bits())
		data = append(data, nl.NewRtAttr(unix.RTA_DST, c.Dst.Addr().AsSlice()))
	}
	data = append(data, uint32Attr(unix.RTA_TABLE, uint32(msg.Table)))
	if c.Via.IsValid() {
		if c.Via.Is6() && !c.IPv6 {
			data = append(data, viaAttr(c.Via))
		} else {
			data = append(data, nl.NewRtAttr(unix.RTA_GATEWAY, c.Via.AsSlice()))
		}
	}
	if c.Src.IsValid() {
		data = append(data, nl.NewRtAttr(unix.RTA_PREFSRC, c.Src.AsSlice()))
	}
	if c.Dev != "" {
		i, err := index(c.Dev)
		if err != nil {
			return err
		}
		data = append(data, uint32Attr(unix.RTA_OIF, uint32(i)))
	}
	if c.Priority != 0 {
		data = append(data, uint32Attr(unix.RTA_PRIORITY, c.Priority))
	}
	if len(c.Metrics) > 0 {
		m, err := metricsAttr(c.Metrics)
		if err != nil {
			return err
		}
		data = append(data, m)
	}
	typ := unix.RTM_NEWROUTE
	if c.Change == engine.Delete {
		typ = unix.RTM_DELROUTE
	}
	return rtnetlink(typ, changeFlags[c.Change], data...)
}

// routeHeader fills in what ip does for what wasn't said.
func routeHeader(c engine.RouteChange) (*nl.RtMsg, error) {
	msg := nl.NewRtMsg()
	msg.Family = unix.AF_INET
	if c.IPv6 {
		msg.Family = unix.AF_INET6
	}
	remove := c.Change == engine.Delete
	var err error
	if msg.Type, err = named(routeTypes, c.Type); err != nil {
		return nil, err
	}
	if remove && c.Type == "" {
		msg.Type = unix.RTN_UNSPEC // any
	}
	if msg.Protocol, err = named(routeProtocols, c.Proto); err != nil {
		return nil, err
	}
	if remove && c.Proto == "" {
		msg.Protocol = unix.RTPROT_UNSPEC
	}
	switch {
	case c.Scope != "":
		if msg.Scope, err = named(routeScopes, c.Scope); err != nil {
			return nil, err
		}
	case c.Type == "local":
		msg.Scope = unix.RT_SCOPE_HOST
	case c.Type == "broadcast" || c.Type == "multicast":
		msg.Scope = unix.RT_SCOPE_LINK
	case c.Type == "" || c.Type == "unicast":
		if remove {
			msg.Scope = unix.RT_SCOPE_NOWHERE
		} else if !c.Via.IsValid() {
			msg.Scope = unix.RT_SCOPE_LINK
		}
	}
	switch {
	case c.Table > 255 || c.Table < 0:
		return nil, &engine.UnsupportedError{What: "route table " + strconv.Itoa(c.Table)}
	case c.Table != 0:
		msg.Table = uint8(c.Table)
	case c.Type == "local" || c.Type == "broadcast":
		msg.Table = unix.RT_TABLE_LOCAL
	}
	if c.OnLink {
		msg.Flags |= unix.RTNH_F_ONLINK
	}
	return msg, nil
}

// viaAttr is an IPv6 gateway of an IPv4 route: struct rtvia.
func viaAttr(a netip.Addr) *nl.RtAttr {
	b := append([]byte{unix.AF_INET6, 0}, a.AsSlice()...)
	return nl.NewRtAttr(unix.RTA_VIA, b)
}

// metricsAttr has a bit in RTAX_LOCK for each metric that is locked.
func metricsAttr(metrics []engine.RouteMetric) (*nl.RtAttr, error) {
	attr := nl.NewRtAttr(unix.RTA_METRICS, nil)
	locks := uint32(0)
	for _, m := range metrics {
		typ, ok := routeMetrics[m.Name]
		switch {
		case !ok:
			return nil, &engine.UnsupportedError{What: "route metric " + m.Name}
		case typ == unix.RTAX_CC_ALGO:
			attr.AddRtAttr(typ, nl.ZeroTerminated(m.Text))
		default:
			attr.AddRtAttr(typ, nl.Uint32Attr(m.Value))
		}
		if m.Lock {
			locks |= 1 << typ
		}
	}
	if locks != 0 {
		attr.AddRtAttr(unix.RTAX_LOCK, nl.Uint32Attr(locks))
	}
	return attr, nil
}

// flushRoutes removes the routes of a table that are what the change says.
func flushRoutes(c engine.RouteChange) error {
	filter := &netlink.Route{Table: unix.RT_TABLE_MAIN}
	mask := uint64(netlink.RT_FILTER_TABLE)
	if c.Table != 0 {
		filter.Table = c.Table
	}
	if c.Dev != "" {
		i, err := index(c.Dev)
		if err != nil {
			return err
		}
		filter.LinkIndex = i
		mask |= netlink.RT_FILTER_OIF
	}
	fam := unix.AF_INET
	if c.IPv6 {
		fam = unix.AF_INET6
	}
	routes, err := netlink.RouteListFiltered(fam, filter, mask)
	if err != nil {
		return err
	}
	for _, r := range routes {
		if c.Dst.IsValid() && !isPrefix(&r, c.Dst) {
			continue
		}
		if err := netlink.RouteDel(&r); err != nil {
			return err
		}
	}
	return nil
}

// isPrefix reports whether a route leads to exactly this prefix.
func isPrefix(r *netlink.Route, p netip.Prefix) bool {
	if r.Dst == nil {
		return p.Bits() == 0
	}
	ones, _ := r.Dst.Mask.Size()
	a, ok := netip.AddrFromSlice(r.Dst.IP)
	return ok && ones == p.Bits() && a.Unmap() == p.Addr()
}
