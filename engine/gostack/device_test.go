package gostack

import (
	"net/netip"
	"strings"
	"testing"

	"tcpdrill/engine"
	"tcpdrill/engine/abi"
)

// netConfig is packetdrill's network.
var netConfig = engine.NetConfig{
	LocalIP: netip.MustParseAddr("192.168.0.1"), LocalPrefix: 16,
	RemoteIP: netip.MustParseAddr("192.0.2.1"), RemotePrefix: netip.MustParsePrefix("192.0.2.0/24"),
	GatewayIP: netip.MustParseAddr("192.168.0.1"),
}

func configured(t *testing.T) *Stack {
	t.Helper()
	s := New(Options{})
	if err := s.Configure(netConfig); err != nil {
		t.Fatal(err)
	}
	return s
}

// on returns which of a device's offloads for TCP are on.
func on(s *Stack) string {
	list, _ := s.Features(deviceName)
	var names []string
	for _, f := range list {
		if f.On && (strings.HasPrefix(f.Name, "tx-tcp") || f.Name == "tx-generic-segmentation") {
			names = append(names, strings.TrimSuffix(strings.TrimPrefix(f.Name, "tx-"), "-segmentation"))
		}
	}
	return strings.Join(names, " ")
}

func TestFeatures(t *testing.T) {
	const all = "generic tcp tcp-ecn tcp6"
	s := New(Options{})
	if got := on(s); got != all {
		t.Errorf("on at first: %q, want %q", got, all)
	}
	for _, tt := range []struct {
		change engine.Feature
		want   string
	}{
		{engine.Feature{Name: "tx-scatter-gather"}, ""},
		{engine.Feature{Name: "tx-scatter-gather", On: true}, all},
		{engine.Feature{Name: "tx-checksum-ip-generic"}, "generic"},
		{engine.Feature{Name: "tx-checksum-ip-generic", On: true}, all},
		{engine.Feature{Name: "tx-tcp-mangleid-segmentation", On: true}, "generic tcp tcp-ecn tcp-mangleid tcp6"},
		{engine.Feature{Name: "tx-tcp-segmentation"}, "generic tcp-ecn tcp6"},
		{engine.Feature{Name: "tx-tcp6-segmentation"}, "generic"},
		{engine.Feature{Name: "tx-udp-segmentation", On: true}, "generic"},
	} {
		if err := s.SetFeatures(deviceName, []engine.Feature{tt.change}); err != nil {
			t.Fatal(err)
		}
		if got := on(s); got != tt.want {
			t.Errorf("after %+v: %q, want %q", tt.change, got, tt.want)
		}
	}
	if s.dev.tso(false) || s.dev.tso(true) || !s.dev.gso() || !s.dev.gro() || !s.dev.sg() {
		t.Error("what the device does isn't what its features say")
	}
}

func TestChangeLink(t *testing.T) {
	s := configured(t)
	for _, tt := range []struct {
		change engine.LinkChange
		err    string
	}{
		{engine.LinkChange{MTU: 67}, "invalid argument: mtu less than device minimum"},
		{engine.LinkChange{MTU: 70000}, "invalid argument: mtu greater than device maximum"},
		{engine.LinkChange{MTU: 1400, GSOMaxSize: 4000, GSOMaxSegs: 7}, ""},
		{engine.LinkChange{GSOMaxSize: 500000}, "invalid argument: too big gso_max_size"},
		{engine.LinkChange{Dev: "nodev"}, "device nodev: no such device"},
	} {
		if tt.change.Dev == "" {
			tt.change.Dev = deviceName
		}
		if got := errorText(s.ChangeLink(tt.change)); got != tt.err {
			t.Errorf("%+v: error %q, want %q", tt.change, got, tt.err)
		}
	}
	if s.dev.mtu != 1400 || s.dev.gsoMaxSize != 4000 || s.dev.gsoMaxSegs != 7 {
		t.Errorf("now %d, %d, %d", s.dev.mtu, s.dev.gsoMaxSize, s.dev.gsoMaxSegs)
	}
}

func TestAddresses(t *testing.T) {
	s := configured(t)
	change := func(what engine.Change, prefix, want string) {
		t.Helper()
		c := engine.AddrChange{Change: what, Dev: deviceName}
		if prefix != "" {
			c.Prefix = netip.MustParsePrefix(prefix)
		}
		if got := errorText(s.ChangeAddr(c)); got != want {
			t.Errorf("%s %s: error %q, want %q", what, prefix, got, want)
		}
	}
	local := func(a string, want bool) {
		t.Helper()
		if got := s.isLocal(netip.MustParseAddr(a)); got != want {
			t.Errorf("%s is local: %v", a, got)
		}
	}
	local("192.168.0.1", true)
	local("::ffff:192.168.0.1", true)
	local("192.168.0.2", false)
	local("192.168.255.255", false)
	local("127.1.2.3", true)
	local("::1", true)
	change(engine.Add, "192.168.0.1/16", "file exists: ipv4: address already assigned")
	change(engine.Delete, "10.0.0.1/8", "cannot assign requested address: ipv4: Address not found")
	change(engine.Add, "192.168.0.2/16", "")
	change(engine.Add, "fd3d:a0b:17d6::1/64", "")
	change(engine.Replace, "fd3d:a0b:17d6::1/64", "")
	local("192.168.0.2", true)
	local("fd3d:a0b:17d6::1", true)
	change(engine.Delete, "192.168.0.1/16", "") // takes the second one along
	local("192.168.0.2", false)
	if _, e := s.routeFor(netip.MustParseAddr("192.168.3.3")); e != abi.ENETUNREACH {
		t.Errorf("the network is still there: %v", e)
	}
	change(engine.Flush, "", "")
	local("fd3d:a0b:17d6::1", false)
}

func TestLinkDown(t *testing.T) {
	s := configured(t)
	up := false
	if err := s.ChangeLink(engine.LinkChange{Dev: deviceName, Up: &up}); err != nil {
		t.Fatal(err)
	}
	if _, e := s.routeFor(netConfig.RemoteIP); e != abi.ENETUNREACH {
		t.Errorf("down: %v, want ENETUNREACH", e)
	}
	if !s.isLocal(netConfig.LocalIP) {
		t.Error("down: the address isn't local any more")
	}
	if s.devXmit(&packet{captured: &engine.Captured{}}) {
		t.Error("down: a packet was sent")
	}
	up = true
	if err := s.ChangeLink(engine.LinkChange{Dev: deviceName, Up: &up}); err != nil {
		t.Fatal(err)
	}
	if _, e := s.routeFor(netip.MustParseAddr("192.168.3.3")); e != 0 {
		t.Errorf("up again: %v to the address's network", e)
	}
	if _, e := s.routeFor(netConfig.RemoteIP); e != abi.ENETUNREACH {
		t.Errorf("up again: %v, want that the route is gone", e)
	}
}

func TestConfigureErrors(t *testing.T) {
	n := netConfig
	n.RemoteIP = n.LocalIP
	if got := errorText(New(Options{}).Configure(n)); got != "remote address 192.168.0.1 is local" {
		t.Errorf("error %q", got)
	}
	n = netConfig
	n.Capture = "some"
	if got := errorText(New(Options{}).Configure(n)); got != `unknown capture "some"` {
		t.Errorf("error %q", got)
	}
	n = netConfig
	n.AnyIP = true
	s := New(Options{})
	if err := s.Configure(n); err != nil || !s.dev.anyIP || s.isLocal(n.LocalIP) {
		t.Errorf("any IP: %v", err)
	}
}
