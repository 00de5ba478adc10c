package pycode

import (
	"fmt"
	"testing"

	"tcpdrill/script/linux"
)

func find(vars []Var, name string) any {
	for _, v := range vars {
		if v.Name == name {
			return v.Value
		}
	}
	return nil
}

func TestTCPInfo(t *testing.T) {
	b := make([]byte, 280)
	for i := range b {
		b[i] = byte(i)
	}
	b[6], b[7] = 0x72, 0x05
	b[276], b[277] = 0xb6, 0x03
	vars := TCPInfo(b)
	for name, want := range map[string]uint64{
		"tcpi_state":                     0,
		"tcpi_options":                   5,
		"tcpi_snd_wscale":                2,
		"tcpi_rcv_wscale":                7,
		"tcpi_delivery_rate_app_limited": 1,
		"tcpi_fastopen_client_fail":      2,
		"tcpi_rto":                       0x0b0a0908,
		"tcpi_max_pacing_rate":           0x7776757473727170,
		"tcpi_total_rto":                 0xf1f0,
		"tcpi_ecn_mode":                  2,
		"tcpi_accecn_opt_seen":           1,
		"tcpi_accecn_fail_mode":          0xb,
		"tcpi_options2":                  0x171603,
	} {
		if got := find(vars, name); got != want {
			t.Errorf("%s = %v, want %#x", name, got, want)
		}
	}
	if len(vars) != len(tcpInfo) {
		t.Errorf("got %d variables, want %d", len(vars), len(tcpInfo))
	}
}

// Older kernels return less.
func TestTCPInfoCut(t *testing.T) {
	for _, test := range []struct {
		bytes      int
		last, next string
	}{
		{104, "tcpi_total_retrans", "tcpi_pacing_rate"},
		{111, "tcpi_total_retrans", "tcpi_pacing_rate"},
		{112, "tcpi_pacing_rate", "tcpi_max_pacing_rate"},
		{248, "tcpi_total_rto_time", "tcpi_received_ce"},
		{1000, "tcpi_options2", ""},
	} {
		vars := TCPInfo(make([]byte, test.bytes))
		if vars[len(vars)-1].Name != test.last || find(vars, test.next) != nil {
			t.Errorf("%d bytes end with %s, want %s", test.bytes, vars[len(vars)-1].Name, test.last)
		}
	}
	if vars := TCPInfo(nil); len(vars) != 0 {
		t.Errorf("no bytes gave %v", vars)
	}
}

func TestCCInfo(t *testing.T) {
	b := []byte{1, 0, 2, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0}
	for _, test := range []struct {
		bytes int
		want  string
	}{
		{0, "[]"},
		{15, "[]"},
		{16, "[{dctcp_enabled 1} {dctcp_ce_state 2} {dctcp_alpha 3} {dctcp_ab_ecn 4} {dctcp_ab_tot 5}" +
			" {tcpv_enabled 131073} {tcpv_rttcnt 3} {tcp_rtt 4} {tcp_minrtt 5}]"},
		{20, "[{bbr_bw_lo 131073} {bbr_bw_hi 3} {bbr_bw 12885032961} {bbr_min_rtt 4} {bbr_pacing_gain 5} {bbr_cwnd_gain 6}" +
			" {dctcp_enabled 1} {dctcp_ce_state 2} {dctcp_alpha 3} {dctcp_ab_ecn 4} {dctcp_ab_tot 5}" +
			" {tcpv_enabled 131073} {tcpv_rttcnt 3} {tcp_rtt 4} {tcp_minrtt 5}]"},
	} {
		if got := fmt.Sprint(CCInfo(b[:test.bytes])); got != test.want {
			t.Errorf("%d bytes:\ngot  %s\nwant %s", test.bytes, got, test.want)
		}
	}
}

func TestMemInfo(t *testing.T) {
	b := make([]byte, 36)
	for i := range 9 {
		b[4*i] = byte(i)
	}
	vars := MemInfo(b)
	for _, v := range vars {
		if want, ok := linux.Value(v.Name); !ok || v.Value != uint64(want) {
			t.Errorf("%s = %v, want %d", v.Name, v.Value, want)
		}
	}
	if len(vars) != 9 {
		t.Errorf("got %d variables, want 9", len(vars))
	}
}

func TestConstants(t *testing.T) {
	for _, c := range Constants() {
		if want, ok := linux.Value(c.Name); !ok || c.Value != int(want) {
			t.Errorf("%s = %v, want %d", c.Name, c.Value, want)
		}
	}
}
