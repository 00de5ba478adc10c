package proxy

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"tcpdrill/engine"
	"tcpdrill/tun"
)

// device is the host's interface. Nothing is ever sent there: a proxy wants to see one
// with an address and a default route before it believes in the network.
const device = "host0"

// guestPrefix is how long the prefix of the guest's network is, in IPv4.
const guestPrefix = 24

// setUpHost makes the host's network, in this process's namespace. The guest's address is
// one that the host may listen at, as the proxy does in the guest's place, and when it is
// connected to, the connection comes from the script's local address.
func setUpHost(n *engine.NetConfig) error {
	if err := tun.LoopbackUp(); err != nil {
		return err
	}
	// Not every kernel has dummy devices; one end of a pair does as well.
	pair := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: device}, PeerName: device + "-peer"}
	if err := netlink.LinkAdd(pair); err != nil {
		return fmt.Errorf("making the interface %s: %w", device, err)
	}
	for _, name := range []string{device, pair.PeerName} {
		if err := quiet(name); err != nil {
			return err
		}
		link, err := netlink.LinkByName(name)
		if err != nil {
			return err
		}
		if err := netlink.LinkSetUp(link); err != nil {
			return fmt.Errorf("%s: up: %w", name, err)
		}
	}
	link, err := netlink.LinkByName(device)
	if err != nil {
		return err
	}
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	bits := n.LocalIP.BitLen()
	addr := &netlink.Addr{IPNet: ipNet(n.LocalIP, n.LocalPrefix)}
	if n.LocalIP.Is6() {
		addr.Flags = unix.IFA_F_NODAD
		// Else only an interface's own addresses can be listened at.
		if err := os.WriteFile("/proc/sys/net/ipv6/ip_nonlocal_bind", []byte("1"), 0); err != nil {
			return err
		}
	}
	if err := netlink.AddrAdd(link, addr); err != nil {
		return fmt.Errorf("%s: address %s: %w", device, n.LocalIP, err)
	}
	if err := awaitLocal(n.LocalIP); err != nil {
		return err
	}
	everywhere := ipNet(netip.IPv6Unspecified(), 0)
	if n.LocalIP.Is4() {
		everywhere = ipNet(netip.IPv4Unspecified(), 0)
	}
	for _, r := range []*netlink.Route{
		{LinkIndex: link.Attrs().Index, Dst: everywhere, Gw: n.LocalIP.Next().AsSlice(), Flags: int(netlink.FLAG_ONLINK)},
		{
			LinkIndex: lo.Attrs().Index, Dst: ipNet(n.RemoteIP, bits), Src: n.LocalIP.AsSlice(),
			Type: unix.RTN_LOCAL, Table: unix.RT_TABLE_LOCAL, Scope: netlink.SCOPE_HOST,
		},
	} {
		if err := netlink.RouteReplace(r); err != nil {
			return fmt.Errorf("route to %s: %w", r.Dst, err)
		}
	}
	return nil
}

// quiet keeps an interface from sending anything on its own account.
func quiet(name string) error {
	for _, s := range []string{"accept_dad", "dad_transmits", "router_solicitations", "accept_ra"} {
		err := os.WriteFile("/proc/sys/net/ipv6/conf/"+name+"/"+s, []byte("0"), 0)
		if err != nil && !errors.Is(err, os.ErrNotExist) { // a kernel without IPv6
			return err
		}
	}
	return nil
}

// awaitLocal waits until the host knows that an address is its own: of IPv6, some time
// after it was added.
func awaitLocal(addr netip.Addr) error {
	for began := time.Now(); ; time.Sleep(200 * time.Microsecond) {
		routes, err := netlink.RouteGet(addr.AsSlice())
		if err == nil && len(routes) > 0 && routes[0].Type == unix.RTN_LOCAL {
			return nil
		}
		if time.Since(began) > patience {
			return fmt.Errorf("%s: the kernel has made no route to it in %v", addr, patience)
		}
	}
}

func ipNet(addr netip.Addr, bits int) *net.IPNet {
	return &net.IPNet{IP: addr.AsSlice(), Mask: net.CIDRMask(bits, addr.BitLen())}
}
