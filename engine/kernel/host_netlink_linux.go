package kernel

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"tcpdrill/engine"
)

// Messages are ip's and tc's own, put together by hand: netlink's functions
// lack route metrics with locks, queues of length 0, changes that must find
// what they change.

func init() { nl.EnableErrorMessageReporting = true } // "Nexthop has invalid gateway"

// index returns a device's interface index.
func index(dev string) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	req, err := unix.NewIfreq(dev)
	if err != nil {
		return 0, unix.ENODEV // a name too long for one
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, req); err != nil {
		return 0, fmt.Errorf("device %s: %w", dev, err)
	}
	return int(req.Uint32()), nil
}

// rtnetlink sends a message to rtnetlink and waits for its acknowledgement.
func rtnetlink(typ, flags int, data ...nl.NetlinkRequestData) error {
	req := nl.NewNetlinkRequest(typ, flags|unix.NLM_F_ACK)
	for _, d := range data {
		req.AddData(d)
	}
	_, err := req.Execute(unix.NETLINK_ROUTE, 0)
	return err
}

// changeFlags are the NLM_F_* flags of a change that isn't a removal.
var changeFlags = map[engine.Change]int{
	engine.Add:     unix.NLM_F_CREATE | unix.NLM_F_EXCL,
	engine.Replace: unix.NLM_F_CREATE | unix.NLM_F_REPLACE,
	engine.Modify:  unix.NLM_F_REPLACE,
	engine.Append:  unix.NLM_F_CREATE | unix.NLM_F_APPEND,
}

func uint32Attr(typ int, v uint32) *nl.RtAttr { return nl.NewRtAttr(typ, nl.Uint32Attr(v)) }

// Attributes of a link that x/sys lacks by these names (IFLA_*).
const (
	iflaGSOMaxSegs = 40
	iflaGSOMaxSize = 41
	iflaGROMaxSize = 58
)

// ChangeLink implements engine.Host.
func (h *host) ChangeLink(c engine.LinkChange) error {
	i, err := index(c.Dev)
	if err != nil {
		return err
	}
	info := nl.NewIfInfomsg(unix.AF_UNSPEC)
	info.Index = int32(i)
	if c.Up != nil {
		info.Change = unix.IFF_UP
		if *c.Up {
			info.Flags = unix.IFF_UP
		}
	}
	data := []nl.NetlinkRequestData{info}
	for _, a := range []struct{ typ, value int }{
		{unix.IFLA_MTU, c.MTU},
		{iflaGSOMaxSegs, c.GSOMaxSegs},
		{iflaGSOMaxSize, c.GSOMaxSize},
		{iflaGROMaxSize, c.GROMaxSize},
	} {
		if a.value != 0 {
			data = append(data, uint32Attr(a.typ, uint32(a.value)))
		}
	}
	if c.TxQueueLen != nil {
		data = append(data, uint32Attr(unix.IFLA_TXQLEN, uint32(*c.TxQueueLen)))
	}
	return rtnetlink(unix.RTM_NEWLINK, 0, data...)
}

// ChangeAddr implements engine.Host.
func (h *host) ChangeAddr(c engine.AddrChange) error {
	i, err := index(c.Dev)
	if err != nil {
		return err
	}
	if c.Change == engine.Flush {
		return flushAddrs(i, c.Prefix)
	}
	addr := c.Prefix.Addr()
	msg := nl.NewIfAddrmsg(family(addr))
	msg.Prefixlen = uint8(c.Prefix.Bits())
	msg.Index = uint32(i)
	if c.NoDAD {
		msg.IfAddrmsg.Flags = unix.IFA_F_NODAD
	}
	if addr.IsLoopback() {
		msg.Scope = unix.RT_SCOPE_HOST
	}
	typ := unix.RTM_NEWADDR
	if c.Change == engine.Delete {
		typ = unix.RTM_DELADDR
	}
	return rtnetlink(typ, changeFlags[c.Change], msg,
		nl.NewRtAttr(unix.IFA_LOCAL, addr.AsSlice()),
		nl.NewRtAttr(unix.IFA_ADDRESS, addr.AsSlice()))
}

// flushAddrs removes a device's addresses, or those in the prefix.
func flushAddrs(index int, in netip.Prefix) error {
	link := &netlink.GenericLink{LinkAttrs: netlink.LinkAttrs{Index: index}}
	addrs, err := netlink.AddrList(link, unix.AF_UNSPEC)
	if err != nil {
		return err
	}
	for _, a := range addrs {
		ip, ok := netip.AddrFromSlice(a.IP)
		if in.IsValid() && (!ok || !in.Masked().Contains(ip.Unmap())) {
			continue
		}
		// Without its first address, IPv4 drops those of the same prefix.
		if err := netlink.AddrDel(link, &a); err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) {
			return err
		}
	}
	return nil
}

func family(a netip.Addr) int {
	if a.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

// The generic netlink family of what TCP remembers of its peers
// (linux/tcp_metrics.h).
const (
	tcpMetricsFamily  = "tcp_metrics"
	tcpMetricsVersion = 1
	tcpMetricsGet     = 1
	tcpMetricsDelete  = 2
)

// FlushTCPMetrics implements engine.Host. The kernel wants the machine's root
// for it; where there is nothing to forget, that doesn't matter.
func (h *host) FlushTCPMetrics() error {
	f, err := netlink.GenlFamilyGet(tcpMetricsFamily)
	if err != nil {
		return err
	}
	_, err = metricsRequest(f, tcpMetricsDelete, unix.NLM_F_ACK)
	if !errors.Is(err, unix.EPERM) {
		return err
	}
	if left, err := metricsRequest(f, tcpMetricsGet, unix.NLM_F_DUMP); err == nil && len(left) == 0 {
		return nil
	}
	return &engine.UnsupportedError{What: "ip tcp_metrics flush without the machine's root"}
}

func metricsRequest(f *netlink.GenlFamily, command uint8, flags int) ([][]byte, error) {
	req := nl.NewNetlinkRequest(int(f.ID), flags)
	req.AddData(&nl.Genlmsg{Command: command, Version: tcpMetricsVersion})
	return req.Execute(unix.NETLINK_GENERIC, 0)
}
