package fromcapture

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"tcpdrill/engine/pcapng"
)

// Options say what to import of a capture.
type Options struct {
	Name          string // of the capture, for a comment
	Connection    int    // from 1; 0: the only one that the ends leave
	Local, Remote End    // of the stack's end and the other; may be left out
}

// choose returns the connection that the options ask for, and its number.
func choose(all []*connection, opt Options) (*connection, int, error) {
	var left []int
	for i, c := range all {
		if (!opt.Local.isGiven() || opt.Local.is(c.a) && (!opt.Remote.isGiven() || opt.Remote.is(c.b)) ||
			opt.Local.is(c.b) && (!opt.Remote.isGiven() || opt.Remote.is(c.a))) &&
			(!opt.Remote.isGiven() || opt.Remote.is(c.a) || opt.Remote.is(c.b)) {
			left = append(left, i)
		}
	}
	n := opt.Connection
	switch {
	case len(all) == 0:
		return nil, 0, fmt.Errorf("no TCP in it")
	case n < 0 || n > len(all):
		return nil, 0, fmt.Errorf("there is no connection %d:\n%s", n, list(all, nil))
	case n > 0 && !slices.Contains(left, n-1):
		return nil, 0, fmt.Errorf("connection %d isn't between these ends:\n%s", n, list(all, nil))
	case n > 0:
		return all[n-1], n, nil
	case len(left) == 0:
		return nil, 0, fmt.Errorf("no connection between these ends:\n%s", list(all, nil))
	case len(left) > 1:
		return nil, 0, fmt.Errorf("%d connections; choose one by --connection=N, or by --local and --remote:\n%s", len(left), list(all, left))
	}
	return all[left[0]], left[0] + 1, nil
}

// list lists connections, of only those if there are such, with how many packets
// they have.
func list(all []*connection, only []int) string {
	var b strings.Builder
	for i, c := range all {
		if only == nil || slices.Contains(only, i) {
			fmt.Fprintf(&b, "%5d  %s > %s, %s\n", i+1, c.a, c.b, count(len(c.segments), "packet"))
		}
	}
	return strings.TrimRight(b.String(), "\n")
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// localEnd returns which of a connection's ends is the stack's, and how that is
// known.
func localEnd(c *connection, opt Options) (local netip.AddrPort, why string, err error) {
	switch l, r := opt.Local, opt.Remote; {
	case l.isGiven() && l.is(c.a) != l.is(c.b):
		return c.pick(l.is(c.a)), "--local says so", nil
	case r.isGiven() && r.is(c.a) != r.is(c.b):
		return c.pick(r.is(c.b)), "--remote says so", nil
	}
	sent, received := map[netip.AddrPort]bool{}, map[netip.AddrPort]bool{}
	for _, s := range c.segments {
		switch s.way {
		case pcapng.Outbound:
			sent[s.src] = true
		case pcapng.Inbound:
			sent[s.dst] = true
			received[s.src] = true
		}
	}
	switch a, b := sent[c.a] && !received[c.a], sent[c.b] && !received[c.b]; {
	case a && !sent[c.b]:
		return c.a, "the capture says which way packets went", nil
	case b && !sent[c.a]:
		return c.b, "the capture says which way packets went", nil
	}
	switch a, b := fresh(c, c.a), fresh(c, c.b); {
	case a && !b:
		return c.a, "its packets come with the TTL that they were sent with, the others don't", nil
	case b && !a:
		return c.b, "its packets come with the TTL that they were sent with, the others don't", nil
	}
	return local, "", fmt.Errorf("which end is the stack under test? --local=%s or --local=%s", c.a, c.b)
}

// pick returns a or b.
func (c *connection) pick(a bool) netip.AddrPort {
	if a {
		return c.a
	}
	return c.b
}

// fresh reports whether all of an end's packets have a TTL that stacks send with: no
// router has seen them.
func fresh(c *connection, end netip.AddrPort) bool {
	some := false
	for _, s := range c.segments {
		if s.src != end || s.tcp() == nil {
			continue
		}
		if ttl := s.packet.TTL(); ttl != 64 && ttl != 128 && ttl != 255 {
			return false
		}
		some = true
	}
	return some
}
