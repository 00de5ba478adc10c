package gostack

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"tcpdrill/engine"
	"tcpdrill/engine/abi"
)

// routeChange reads the words that these tests need of ip's.
func routeChange(words string) engine.RouteChange {
	w := strings.Fields(words)
	c := engine.RouteChange{Change: engine.Change(w[0])}
	for i := 1; i < len(w); i++ {
		switch w[i] {
		case "via":
			i++
			c.Via = netip.MustParseAddr(w[i])
		case "dev":
			i++
			c.Dev = w[i]
		case "src":
			i++
			c.Src = netip.MustParseAddr(w[i])
		case "metric":
			i++
			c.Priority = map[string]uint32{"50": 50, "100": 100}[w[i]]
		case "unreachable", "blackhole", "prohibit", "throw", "local":
			c.Type = w[i]
		default:
			c.Dst = netip.MustParsePrefix(w[i])
			c.IPv6 = c.Dst.Addr().Is6()
		}
	}
	return c
}

// TestChangeRoute has what Linux answers.
func TestChangeRoute(t *testing.T) {
	s := configured(t)
	for _, tt := range []struct{ words, err string }{
		{"add 192.0.2.0/24 dev tun0", "file exists"},
		{"add 192.0.2.0/24 via 10.9.9.9 dev tun0", "network is unreachable: Nexthop has invalid gateway"},
		{"change 1.2.3.0/24 dev tun0", "no such file or directory"},
		{"del 1.2.3.0/24 dev tun0", "no such process"},
		{"append 192.0.2.0/24 dev tun0", ""},
		{"append 192.0.2.0/24 dev tun0", "file exists"},
		{"del 192.0.2.0/24 dev tun0", ""},
		{"change 192.0.2.0/24 via 192.168.0.5 dev tun0", ""},
		{"add unreachable 5.0.0.0/8", ""},
		{"add blackhole 6.0.0.0/8", ""},
		{"add prohibit 7.0.0.0/8", ""},
		{"add throw 11.0.0.0/8", ""},
		{"add local 9.0.0.0/8 dev lo", ""},
		{"add local 9.0.0.0/8 dev tun0", "file exists"},
		{"add 12.0.0.0/8 dev tun0 src 1.1.1.1", "invalid argument: Invalid prefsrc address"},
		{"add 12.0.0.0/8 via 192.0.2.1", "network is unreachable: Nexthop has invalid gateway"},
		{"add 12.0.0.0/8 via 192.168.0.1", ""},
		{"add 13.0.0.0/8", "no such device"},
		{"add 13.0.0.0/8 dev nodev", "device nodev: no such device"},
		{"add 15.0.0.0/8 dev tun0 metric 100", ""},
		{"add 15.0.0.0/8 via 192.168.0.7 metric 50", ""},
		{"add fd00::/64 dev tun0", ""},
		{"replace fd00::/64 dev tun0", ""},
		{"del fd01::/64", "no such process"},
		{"add fd02::/64 via fd99::1 dev tun0", "no route to host"},
		{"add fd02::/64 via fe80::7 dev tun0", ""},
	} {
		if got := errorText(s.ChangeRoute(routeChange(tt.words))); got != tt.err {
			t.Errorf("%s: error %q, want %q", tt.words, got, tt.err)
		}
	}
	for _, tt := range []struct {
		dst   string
		errno errno
		src   string
		local bool
		via   string
	}{
		{dst: "5.1.1.1", errno: abi.EHOSTUNREACH},
		{dst: "6.1.1.1", errno: abi.EINVAL},
		{dst: "7.1.1.1", errno: abi.EACCES},
		{dst: "8.8.8.8", errno: abi.ENETUNREACH},
		{dst: "11.1.1.1", errno: abi.ENETUNREACH},
		{dst: "9.1.1.1", src: "9.1.1.1", local: true},
		{dst: "192.168.0.1", src: "192.168.0.1", local: true},
		{dst: "192.0.2.1", src: "192.168.0.1", via: "192.168.0.5"},
		{dst: "::ffff:192.0.2.1", src: "192.168.0.1", via: "192.168.0.5"},
		{dst: "15.1.1.1", src: "192.168.0.1", via: "192.168.0.7"},
		{dst: "fd00::1", src: "fe80::1"},
		{dst: "fd05::1", errno: abi.ENETUNREACH},
	} {
		r, e := s.routeFor(netip.MustParseAddr(tt.dst))
		if e != tt.errno {
			t.Errorf("to %s: errno %d, want %d", tt.dst, e, tt.errno)
			continue
		}
		if e != 0 {
			continue
		}
		via := ""
		if r.fib.via.IsValid() {
			via = r.fib.via.String()
		}
		if r.src.String() != tt.src || r.local != tt.local || via != tt.via {
			t.Errorf("to %s: from %s via %q, local %v", tt.dst, r.src, via, r.local)
		}
	}
}

func TestSourceAddress(t *testing.T) {
	s := configured(t)
	for _, p := range []string{"10.1.0.1/16", "fd01::1/64", "fd02::1/64"} {
		if err := s.ChangeAddr(engine.AddrChange{Change: engine.Add, Dev: deviceName, Prefix: netip.MustParsePrefix(p)}); err != nil {
			t.Fatal(err)
		}
	}
	for _, words := range []string{"add 1.0.0.0/8 via 10.1.0.9", "add 2.0.0.0/8 dev tun0 src 10.1.0.1", "add fd02:1::/64 dev tun0"} {
		if err := s.ChangeRoute(routeChange(words)); err != nil {
			t.Fatal(err)
		}
	}
	for dst, want := range map[string]string{
		"1.1.1.1": "10.1.0.1", "2.1.1.1": "10.1.0.1", "10.1.7.7": "10.1.0.1", "192.168.9.9": "192.168.0.1",
		"fd01::9": "fd01::1", "fd02::9": "fd02::1", "fd02:1::9": "fd02::1", "fe80::9": "fe80::1",
	} {
		r, e := s.routeFor(netip.MustParseAddr(dst))
		if e != 0 || r.src.String() != want {
			t.Errorf("to %s: errno %d, from %v, want %s", dst, e, r, want)
		}
	}
}

func TestRouteMetrics(t *testing.T) {
	s := configured(t)
	r, _ := s.routeFor(netConfig.RemoteIP)
	if mtu, locked := r.mtu(); mtu != 1500 || locked || r.advmss() != 1460 {
		t.Errorf("mtu %d, locked %v, advmss %d", mtu, locked, r.advmss())
	}
	c := routeChange("change 192.0.2.0/24 dev tun0")
	c.Metrics = []engine.RouteMetric{
		{Name: "mtu", Value: 70000, Lock: true}, {Name: "initcwnd", Value: 5}, {Name: "congctl", Text: "reno"},
	}
	if err := s.ChangeRoute(c); err != nil {
		t.Fatal(err)
	}
	r, _ = s.routeFor(netConfig.RemoteIP)
	if mtu, locked := r.mtu(); mtu != 65520 || !locked {
		t.Errorf("mtu %d, locked %v", mtu, locked)
	}
	if n, ok := r.metric("initcwnd"); n != 5 || !ok {
		t.Errorf("initcwnd %d, %v", n, ok)
	}
	if _, ok := r.metric("initrwnd"); ok || r.congctl() != "reno" || r.locked("initcwnd") || !r.locked("mtu") {
		t.Error("other metrics are wrong")
	}
	s.updatePMTU(netConfig.RemoteIP, 1000)
	if mtu, _ := r.mtu(); mtu != 65520 {
		t.Errorf("a locked mtu became %d", mtu)
	}
	c.Metrics = []engine.RouteMetric{{Name: "congctl", Text: "nosuch"}}
	if got := errorText(s.ChangeRoute(c)); got != "invalid argument: Unknown tcp congestion algorithm" {
		t.Errorf("error %q", got)
	}
}

func TestUpdatePMTU(t *testing.T) {
	s := configured(t)
	r, _ := s.routeFor(netConfig.RemoteIP)
	other, _ := s.routeFor(netip.MustParseAddr("192.0.2.2"))
	check := func(want int, wantLocked bool) {
		t.Helper()
		if mtu, locked := r.mtu(); mtu != want || locked != wantLocked {
			t.Errorf("mtu %d, locked %v, want %d, %v", mtu, locked, want, wantLocked)
		}
	}
	s.updatePMTU(r.dst, 1600)
	check(1500, false)
	s.updatePMTU(r.dst, 1200)
	check(1200, false)
	s.updatePMTU(r.dst, 1300)
	check(1200, false)
	s.updatePMTU(r.dst, 300)
	check(552, true)
	if mtu, _ := other.mtu(); mtu != 1500 {
		t.Errorf("another destination's mtu is %d", mtu)
	}
	s.WaitUntil(s.now + 599*time.Second)
	check(552, true)
	s.WaitUntil(s.now + 2*time.Second)
	check(1500, false)

	if err := s.ChangeRoute(routeChange("add fd00::/64 dev tun0")); err != nil {
		t.Fatal(err)
	}
	r, _ = s.routeFor(netip.MustParseAddr("fd00::1"))
	s.updatePMTU(r.dst, 1279)
	check(1500, false)
	s.updatePMTU(r.dst, 1280)
	check(1280, false)
	if n := r.advmss(); n != 1220 {
		t.Errorf("advmss %d", n)
	}
}
