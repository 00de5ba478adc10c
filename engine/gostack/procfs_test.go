package gostack

import (
	"net/netip"
	"testing"
)

func TestProcAddr(t *testing.T) {
	for _, tt := range []struct {
		addr string
		v6   bool
		want string
	}{
		{"192.168.0.1:8080", false, "0100A8C0:1F90"},
		{"192.168.0.1:8080", true, "0000000000000000FFFF00000100A8C0:1F90"},
		{"[fd3d:a0b:17d6::1]:80", true, "0B0A3DFD0000D6170000000001000000:0050"},
	} {
		if got := procAddr(netip.MustParseAddrPort(tt.addr), tt.v6); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.addr, got, tt.want)
		}
	}
	if got := procAddr(netip.AddrPort{}, false); got != "00000000:0000" {
		t.Errorf("none: %s", got)
	}
}

func TestProcTCP(t *testing.T) {
	s := New(Options{})
	b, err := s.ReadFile("/proc/net/tcp")
	const want = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode" +
		"                                                     \n"
	if string(b) != want || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := s.ReadFile("/proc/net/route"); err == nil {
		t.Error("there is a /proc/net/route")
	}
}
