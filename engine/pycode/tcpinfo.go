package pycode

import "encoding/binary"

// Constants returns what a block may compare tcpi_state, tcpi_ca_state and
// tcpi_options with. They are assigned anew before each block.
func Constants() []Var { return constants }

var constants = []Var{
	// include/net/tcp_states.h
	{"TCP_ESTABLISHED", 1},
	{"TCP_SYN_SENT", 2},
	{"TCP_SYN_RECV", 3},
	{"TCP_FIN_WAIT1", 4},
	{"TCP_FIN_WAIT2", 5},
	{"TCP_TIME_WAIT", 6},
	{"TCP_CLOSE", 7},
	{"TCP_CLOSE_WAIT", 8},
	{"TCP_LAST_ACK", 9},
	{"TCP_LISTEN", 10},
	{"TCP_CLOSING", 11},
	// enum tcp_ca_state
	{"TCP_CA_Open", 0},
	{"TCP_CA_Disorder", 1},
	{"TCP_CA_CWR", 2},
	{"TCP_CA_Recovery", 3},
	{"TCP_CA_Loss", 4},
	// bits of tcpi_options
	{"TCPI_OPT_TIMESTAMPS", 1},
	{"TCPI_OPT_SACK", 2},
	{"TCPI_OPT_WSCALE", 4},
	{"TCPI_OPT_ECN", 8},
	{"TCPI_OPT_ECN_SEEN", 16},
	{"TCPI_OPT_SYN_DATA", 32},
	{"TCPI_OPT_USEC_TS", 64},
	{"TCPI_OPT_TFO_CHILD", 128},
}

// A field is a member of one of the kernel's structures; a bit-field if bits
// isn't 0.
type field struct {
	name         string
	offset, size int  // in bytes
	low, bits    uint // within the size bytes
}

func (f field) value(b []byte) uint64 {
	var v uint64
	switch b = b[f.offset:]; f.size {
	case 1:
		v = uint64(b[0])
	case 2:
		v = uint64(binary.LittleEndian.Uint16(b))
	case 4:
		v = uint64(binary.LittleEndian.Uint32(b))
	case 8:
		v = binary.LittleEndian.Uint64(b)
	}
	if f.bits > 0 {
		v = v >> f.low & (1<<f.bits - 1)
	}
	return v
}

// decode returns the fields that b holds to their last byte.
func decode(b []byte, fields []field) []Var {
	vars := make([]Var, 0, len(fields))
	for _, f := range fields {
		if f.offset+f.size <= len(b) {
			vars = append(vars, Var{f.name, f.value(b)})
		}
	}
	return vars
}

// TCPInfo decodes what getsockopt(TCP_INFO) returned: Linux's struct tcp_info in
// little-endian byte order. Kernels have added to its end ever since: only the
// fields that b covers are returned, under their names in the structure
// (tcpi_state). Times are in microseconds, tcpi_last_* and tcpi_total_rto_time
// in milliseconds, rates in bytes per second.
func TCPInfo(b []byte) []Var { return decode(b, tcpInfo) }

var tcpInfo = []field{
	{"tcpi_state", 0, 1, 0, 0},
	{"tcpi_ca_state", 1, 1, 0, 0},
	{"tcpi_retransmits", 2, 1, 0, 0},
	{"tcpi_probes", 3, 1, 0, 0},
	{"tcpi_backoff", 4, 1, 0, 0},
	{"tcpi_options", 5, 1, 0, 0},
	{"tcpi_snd_wscale", 6, 1, 0, 4},
	{"tcpi_rcv_wscale", 6, 1, 4, 4},
	{"tcpi_delivery_rate_app_limited", 7, 1, 0, 1},
	{"tcpi_fastopen_client_fail", 7, 1, 1, 2},
	{"tcpi_rto", 8, 4, 0, 0},
	{"tcpi_ato", 12, 4, 0, 0},
	{"tcpi_snd_mss", 16, 4, 0, 0},
	{"tcpi_rcv_mss", 20, 4, 0, 0},
	{"tcpi_unacked", 24, 4, 0, 0},
	{"tcpi_sacked", 28, 4, 0, 0},
	{"tcpi_lost", 32, 4, 0, 0},
	{"tcpi_retrans", 36, 4, 0, 0},
	{"tcpi_fackets", 40, 4, 0, 0},
	{"tcpi_last_data_sent", 44, 4, 0, 0},
	{"tcpi_last_ack_sent", 48, 4, 0, 0},
	{"tcpi_last_data_recv", 52, 4, 0, 0},
	{"tcpi_last_ack_recv", 56, 4, 0, 0},
	{"tcpi_pmtu", 60, 4, 0, 0},
	{"tcpi_rcv_ssthresh", 64, 4, 0, 0},
	{"tcpi_rtt", 68, 4, 0, 0},
	{"tcpi_rttvar", 72, 4, 0, 0},
	{"tcpi_snd_ssthresh", 76, 4, 0, 0},
	{"tcpi_snd_cwnd", 80, 4, 0, 0},
	{"tcpi_advmss", 84, 4, 0, 0},
	{"tcpi_reordering", 88, 4, 0, 0},
	{"tcpi_rcv_rtt", 92, 4, 0, 0},
	{"tcpi_rcv_space", 96, 4, 0, 0},
	{"tcpi_total_retrans", 100, 4, 0, 0},
	{"tcpi_pacing_rate", 104, 8, 0, 0},
	{"tcpi_max_pacing_rate", 112, 8, 0, 0},
	{"tcpi_bytes_acked", 120, 8, 0, 0},
	{"tcpi_bytes_received", 128, 8, 0, 0},
	{"tcpi_segs_out", 136, 4, 0, 0},
	{"tcpi_segs_in", 140, 4, 0, 0},
	{"tcpi_notsent_bytes", 144, 4, 0, 0},
	{"tcpi_min_rtt", 148, 4, 0, 0},
	{"tcpi_data_segs_in", 152, 4, 0, 0},
	{"tcpi_data_segs_out", 156, 4, 0, 0},
	{"tcpi_delivery_rate", 160, 8, 0, 0},
	{"tcpi_busy_time", 168, 8, 0, 0},
	{"tcpi_rwnd_limited", 176, 8, 0, 0},
	{"tcpi_sndbuf_limited", 184, 8, 0, 0},
	{"tcpi_delivered", 192, 4, 0, 0},
	{"tcpi_delivered_ce", 196, 4, 0, 0},
	{"tcpi_bytes_sent", 200, 8, 0, 0},
	{"tcpi_bytes_retrans", 208, 8, 0, 0},
	{"tcpi_dsack_dups", 216, 4, 0, 0},
	{"tcpi_reord_seen", 220, 4, 0, 0},
	{"tcpi_rcv_ooopack", 224, 4, 0, 0},
	{"tcpi_snd_wnd", 228, 4, 0, 0},
	{"tcpi_rcv_wnd", 232, 4, 0, 0},
	{"tcpi_rehash", 236, 4, 0, 0},
	{"tcpi_total_rto", 240, 2, 0, 0},
	{"tcpi_total_rto_recoveries", 242, 2, 0, 0},
	{"tcpi_total_rto_time", 244, 4, 0, 0},
	{"tcpi_received_ce", 248, 4, 0, 0},
	{"tcpi_delivered_e1_bytes", 252, 4, 0, 0},
	{"tcpi_delivered_e0_bytes", 256, 4, 0, 0},
	{"tcpi_delivered_ce_bytes", 260, 4, 0, 0},
	{"tcpi_received_e1_bytes", 264, 4, 0, 0},
	{"tcpi_received_e0_bytes", 268, 4, 0, 0},
	{"tcpi_received_ce_bytes", 272, 4, 0, 0},
	{"tcpi_ecn_mode", 276, 4, 0, 2},
	{"tcpi_accecn_opt_seen", 276, 4, 2, 2},
	{"tcpi_accecn_fail_mode", 276, 4, 4, 4},
	{"tcpi_options2", 276, 4, 8, 24},
}

// CCInfo decodes what getsockopt(TCP_CC_INFO) returned: Linux's union
// tcp_cc_info in little-endian byte order. The kernel doesn't say whose member
// it is, so all are returned that b is long enough for: bbr_*, dctcp_* and
// tcpv_* (Vegas). Most congestion controls return no bytes, and so no variables.
//
// As in packetdrill, bbr_bw is put together from its halves, and the RTTs of
// Vegas are tcp_rtt and tcp_minrtt.
func CCInfo(b []byte) []Var {
	var vars []Var
	for _, fields := range [][]field{bbrInfo, dctcpInfo, vegasInfo} {
		last := fields[len(fields)-1]
		if len(b) >= last.offset+last.size {
			vars = append(vars, decode(b, fields)...)
		}
	}
	return vars
}

var bbrInfo = []field{
	{"bbr_bw_lo", 0, 4, 0, 0},
	{"bbr_bw_hi", 4, 4, 0, 0},
	{"bbr_bw", 0, 8, 0, 0},
	{"bbr_min_rtt", 8, 4, 0, 0},
	{"bbr_pacing_gain", 12, 4, 0, 0},
	{"bbr_cwnd_gain", 16, 4, 0, 0},
}

var dctcpInfo = []field{
	{"dctcp_enabled", 0, 2, 0, 0},
	{"dctcp_ce_state", 2, 2, 0, 0},
	{"dctcp_alpha", 4, 4, 0, 0},
	{"dctcp_ab_ecn", 8, 4, 0, 0},
	{"dctcp_ab_tot", 12, 4, 0, 0},
}

var vegasInfo = []field{
	{"tcpv_enabled", 0, 4, 0, 0},
	{"tcpv_rttcnt", 4, 4, 0, 0},
	{"tcp_rtt", 8, 4, 0, 0},
	{"tcp_minrtt", 12, 4, 0, 0},
}

// MemInfo decodes what getsockopt(SO_MEMINFO) returned: the socket's memory in
// bytes, as 32-bit numbers in little-endian byte order; SK_MEMINFO_BACKLOG is in
// bytes too, SK_MEMINFO_DROPS counts packets.
func MemInfo(b []byte) []Var { return decode(b, memInfo) }

var memInfo = []field{
	{"SK_MEMINFO_RMEM_ALLOC", 0, 4, 0, 0},
	{"SK_MEMINFO_RCVBUF", 4, 4, 0, 0},
	{"SK_MEMINFO_WMEM_ALLOC", 8, 4, 0, 0},
	{"SK_MEMINFO_SNDBUF", 12, 4, 0, 0},
	{"SK_MEMINFO_FWD_ALLOC", 16, 4, 0, 0},
	{"SK_MEMINFO_WMEM_QUEUED", 20, 4, 0, 0},
	{"SK_MEMINFO_OPTMEM", 24, 4, 0, 0},
	{"SK_MEMINFO_BACKLOG", 28, 4, 0, 0},
	{"SK_MEMINFO_DROPS", 32, 4, 0, 0},
}
