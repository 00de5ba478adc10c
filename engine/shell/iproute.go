package shell

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"tcpdrill/engine"
)

// routeTables are the kernel's own tables (RT_TABLE_*).
var routeTables = map[string]int{"default": 253, "main": 254, "local": 255}

var routeTypes = []string{
	"unicast", "local", "broadcast", "multicast", "throw", "unreachable", "prohibit", "blackhole",
}

// routeMetrics are the words for RTAX_* that take a plain number.
var routeMetrics = []string{
	"mtu", "advmss", "reordering", "window", "cwnd", "initcwnd", "initrwnd",
	"ssthresh", "hoplimit", "quickack", "fastopen_no_cookie",
}

// ipRoute is `ip route CHANGE [TYPE] PREFIX [via ADDR] [dev DEV] …`.
func (c *call) ipRoute(w *words, family int) (int, error) {
	var r engine.RouteChange
	switch action := w.next(); {
	case short(action, "add"):
		r.Change = engine.Add
	case short(action, "append"):
		r.Change = engine.Append
	case short(action, "change") || action == "chg":
		r.Change = engine.Modify
	case short(action, "replace"):
		r.Change = engine.Replace
	case short(action, "delete"):
		r.Change = engine.Delete
	case short(action, "flush"):
		r.Change = engine.Flush
	default:
		return 0, errOther
	}
	if r.Change == engine.Flush && len(w.rest) == 1 && w.rest[0] == "cache" {
		return 0, nil // there has been none since Linux 3.6
	}
	if err := readRoute(w, &r, family); err != nil {
		if err == errOther {
			return 0, err
		}
		fmt.Fprintf(c.err, "Error: %v\n", err)
		return exitUsage, nil
	}
	if err := c.host.ChangeRoute(r); err != nil {
		return c.refused(err), nil
	}
	return 0, nil
}

// readRoute reads a route's words.
func readRoute(w *words, r *engine.RouteChange, family int) error {
	dst := ""
	for len(w.rest) > 0 {
		word := w.next()
		ok := true
		switch {
		case word == "to" || word == "exact":
		case word == "via":
			a := w.next()
			if a == "inet" || a == "inet6" {
				a = w.next()
			}
			var err error
			r.Via, err = netip.ParseAddr(a)
			ok = err == nil
		case word == "src":
			var err error
			r.Src, err = netip.ParseAddr(w.next())
			ok = err == nil
		case word == "dev" || word == "oif":
			r.Dev = w.next()
			ok = r.Dev != ""
		case word == "metric" || word == "priority" || word == "preference":
			r.Priority, ok = w.number()
		case word == "table":
			r.Table, ok = table(w.next())
		case word == "scope":
			r.Scope = w.next()
		case word == "proto" || word == "protocol":
			r.Proto = w.next()
		case word == "onlink":
			r.OnLink = true
		case slices.Contains(routeTypes, word):
			r.Type = word
		case word == "congctl", word == "features", word == "rtt", word == "rttvar", word == "rto_min",
			slices.Contains(routeMetrics, word):
			var m engine.RouteMetric
			m, ok = readMetric(w, word)
			r.Metrics = append(r.Metrics, m)
		case dst == "":
			dst = word
		default:
			return errOther
		}
		if !ok {
			return fmt.Errorf("what follows %q makes no sense", word)
		}
	}
	return setDst(r, dst, family)
}

// setDst sets the destination and the IP version, which goes by -6, then by
// the addresses.
func setDst(r *engine.RouteChange, dst string, family int) error {
	r.IPv6 = family == 6 || family == 0 && (r.Via.Is6() || r.Src.Is6())
	switch {
	case dst == "default" || dst == "any" || dst == "all":
		r.Dst = netip.PrefixFrom(netip.IPv4Unspecified(), 0)
		if r.IPv6 {
			r.Dst = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
		}
	case dst == "":
		if r.Change != engine.Flush {
			return errOther
		}
	default:
		p, ok := prefix(dst, family)
		if !ok {
			return fmt.Errorf("%q isn't a prefix", dst)
		}
		r.Dst = p.Masked()
		r.IPv6 = p.Addr().Is6()
	}
	return nil
}

func table(s string) (int, bool) {
	if n, ok := routeTables[s]; ok {
		return n, true
	}
	n, err := strconv.Atoi(s)
	return n, err == nil
}

// featureECN is RTAX_FEATURE_ECN.
const featureECN = 1

// readMetric reads a metric's value, in the kernel's units. As in ip, a
// rto_min is always locked.
func readMetric(w *words, name string) (engine.RouteMetric, bool) {
	m := engine.RouteMetric{Name: name}
	if len(w.rest) > 0 && w.rest[0] == "lock" {
		m.Lock = true
		w.next()
	}
	switch name {
	case "congctl":
		m.Text = w.next()
		return m, m.Text != ""
	case "features":
		m.Value = featureECN
		return m, w.next() == "ecn"
	case "rtt":
		var ok bool
		m.Value, ok = scaled(w.next(), 8)
		return m, ok
	case "rttvar":
		var ok bool
		m.Value, ok = scaled(w.next(), 4)
		return m, ok
	case "rto_min":
		var ok bool
		m.Value, ok = scaled(w.next(), 1)
		m.Lock = true
		return m, ok
	}
	var ok bool
	m.Value, ok = w.number()
	return m, ok
}

// scaled reads "100ms", "1s" or "0.2s" in units of which a millisecond has so
// many. A number alone is in those units already.
func scaled(s string, perMillisecond float64) (uint32, bool) {
	factor := 1.0
	number := strings.TrimRight(s, "msec")
	switch s[len(number):] {
	case "":
	case "ms", "msec", "msecs":
		factor = perMillisecond
	case "s", "sec", "secs":
		factor = 1000 * perMillisecond
	default:
		return 0, false
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil || f < 0 || f*factor > math.MaxUint32 {
		return 0, false
	}
	return uint32(math.Ceil(f * factor)), true
}
