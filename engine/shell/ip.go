package shell

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"tcpdrill/engine"
)

// words reads a command's words one after another.
type words struct {
	rest []string
}

// next returns the next word, "" at the end.
func (w *words) next() string {
	if len(w.rest) == 0 {
		return ""
	}
	s := w.rest[0]
	w.rest = w.rest[1:]
	return s
}

// number reads a number that isn't negative; 0x and 0 prefixes count.
func (w *words) number() (uint32, bool) {
	n, err := strconv.ParseUint(w.next(), 0, 32)
	return uint32(n), err == nil
}

// short reports whether a word is an object's or action's name or the
// beginning of it, as iproute2 lets people write them.
func short(word, name string) bool {
	return word != "" && strings.HasPrefix(name, word)
}

// Exit statuses of ip and tc.
const (
	exitUsage   = 1   // no such device
	exitRefused = 2   // the kernel said no
	exitGarbage = 255 // an argument makes no sense
)

// ip is `ip [-4|-6] tcp_metrics flush [all]`, `ip link set`, `ip addr
// add|change|replace|del|flush` and `ip route
// add|append|change|replace|del|flush`. The rest is the real ip's.
func ip(c *call) (int, error) {
	w := &words{c.args}
	family := 0
	for len(w.rest) > 0 && strings.HasPrefix(w.rest[0], "-") {
		switch o := w.next(); {
		case o == "-4":
			family = 4
		case o == "-6":
			family = 6
		case short(o, "-family") && len(o) > 1:
			switch w.next() {
			case "inet":
				family = 4
			case "inet6":
				family = 6
			default:
				return 0, errOther
			}
		default:
			return 0, errOther
		}
	}
	switch object := w.next(); {
	case object == "":
		return 0, errOther
	case short(object, "address"):
		return c.ipAddr(w, family)
	case short(object, "route"):
		return c.ipRoute(w, family)
	case short(object, "link"):
		return c.ipLink(w)
	case len(object) > 1 && (short(object, "tcp_metrics") || short(object, "tcpmetrics")):
		return c.ipMetrics(w)
	}
	return 0, errOther
}

func (c *call) ipMetrics(w *words) (int, error) {
	if action := w.next(); !short(action, "flush") {
		return 0, errOther
	}
	if len(w.rest) > 1 || len(w.rest) == 1 && w.rest[0] != "all" {
		return 0, errOther
	}
	if err := c.host.FlushTCPMetrics(); err != nil {
		return c.fail(exitRefused, "RTNETLINK answers: %s", err), nil
	}
	return 0, nil
}

// refused reports the kernel's refusal.
func (c *call) refused(err error) int {
	return c.fail(exitRefused, "RTNETLINK answers: %s", err)
}

// garbage complains of a word that ip would complain of.
func (c *call) garbage(program, word string) (int, error) {
	fmt.Fprintf(c.err, "%s: \"%s\" is wrong here\n", program, word)
	return exitGarbage, nil
}

func (c *call) ipLink(w *words) (int, error) {
	if action := w.next(); !short(action, "set") {
		return 0, errOther
	}
	var l engine.LinkChange
	changes := false
	for len(w.rest) > 0 {
		word := w.next()
		changed := true
		var number *int
		switch word {
		case "dev":
			l.Dev = w.next()
			changed = false
		case "up", "down":
			up := word == "up"
			l.Up = &up
		case "mtu":
			number = &l.MTU
		case "txqueuelen", "qlen", "txqlen":
			l.TxQueueLen = new(int)
			number = l.TxQueueLen
		case "gso_max_size":
			number = &l.GSOMaxSize
		case "gso_max_segs":
			number = &l.GSOMaxSegs
		case "gro_max_size":
			number = &l.GROMaxSize
		default:
			if l.Dev != "" {
				return 0, errOther
			}
			l.Dev = word
			changed = false
		}
		if number != nil {
			n, ok := w.number()
			if !ok {
				return c.garbage("ip link", word)
			}
			*number = int(n)
		}
		changes = changes || changed
	}
	if l.Dev == "" || !changes {
		return 0, errOther
	}
	if err := c.host.ChangeLink(l); err != nil {
		return c.refused(err), nil
	}
	return 0, nil
}

func (c *call) ipAddr(w *words, family int) (int, error) {
	var a engine.AddrChange
	switch action := w.next(); {
	case short(action, "add"):
		a.Change = engine.Add
	case action == "change" || action == "chg" || action == "replace":
		a.Change = engine.Replace
	case short(action, "delete"):
		a.Change = engine.Delete
	case action == "flush":
		a.Change = engine.Flush
	default:
		return 0, errOther
	}
	for len(w.rest) > 0 {
		switch word := w.next(); word {
		case "dev":
			a.Dev = w.next()
		case "nodad":
			a.NoDAD = true
		case "local":
		case "broadcast", "brd":
			if w.next() != "+" { // the one that follows from the prefix
				return 0, errOther
			}
		default:
			p, ok := prefix(word, family)
			switch {
			case ok:
				a.Prefix = p
			case a.Dev == "" && a.Change == engine.Flush:
				a.Dev = word
			default:
				return 0, errOther
			}
		}
	}
	if a.Dev == "" || !a.Prefix.IsValid() && a.Change != engine.Flush {
		return 0, errOther
	}
	if a.Change == engine.Flush && family != 0 && !a.Prefix.IsValid() {
		return 0, errOther // of one family alone
	}
	if err := c.host.ChangeAddr(a); err != nil {
		return c.refused(err), nil
	}
	return 0, nil
}

// prefix reads an address with or without a length, not masked.
func prefix(s string, family int) (netip.Prefix, bool) {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		addr, err := netip.ParseAddr(s)
		if err != nil || addr.Zone() != "" {
			return netip.Prefix{}, false
		}
		p = netip.PrefixFrom(addr, addr.BitLen())
	}
	if family == 4 && !p.Addr().Is4() || family == 6 && p.Addr().Is4() {
		return netip.Prefix{}, false
	}
	return p, true
}
