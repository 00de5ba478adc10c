package gostack

import (
	"slices"
	"testing"

	"tcpdrill/engine"
)

func TestSNMP(t *testing.T) {
	s := New(Options{})
	s.count(mibTCPTimeouts)
	s.countN(mibTcpOutSegs, 3)
	s.countN(mibTcpCurrEstab, 2)
	s.countN(mibTcpCurrEstab, -1)
	s.count(mibIcmpInDestUnreachs)
	s.count(mibIcmp6OutEchoReplies)
	list, err := s.SNMP()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []engine.Counter{
		{Group: "Ip", Name: "DefaultTTL", Value: 64},
		{Group: "Tcp", Name: "MaxConn", Value: ^uint64(0)},
		{Group: "Tcp", Name: "OutSegs", Value: 3},
		{Group: "Tcp", Name: "CurrEstab", Value: 1},
		{Group: "TcpExt", Name: "TCPTimeouts", Value: 1},
		{Group: "TcpExt", Name: "OutOfWindowIcmps", Value: 0},
		{Group: "IcmpMsg", Name: "InType3", Value: 1},
		{Group: "Icmp6", Name: "OutType129", Value: 1},
		{Group: "IpExt", Name: "ReasmOverlaps", Value: 0},
	} {
		if !slices.Contains(list, want) {
			t.Errorf("there is no %+v", want)
		}
	}
	seen := map[string]bool{}
	groups := []string{}
	for _, c := range list {
		if c.Name == "" || seen[c.Group+c.Name] {
			t.Errorf("%+v is listed twice or has no name", c)
		}
		seen[c.Group+c.Name] = true
		if len(groups) == 0 || groups[len(groups)-1] != c.Group {
			groups = append(groups, c.Group)
		}
	}
	want := []string{"Ip", "Icmp", "IcmpMsg", "Tcp", "Udp", "UdpLite", "Ip6", "Icmp6", "Udp6", "UdpLite6", "TcpExt", "IpExt"}
	if !slices.Equal(groups, want) {
		t.Errorf("groups %v, want %v", groups, want)
	}
}
