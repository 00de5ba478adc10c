package gostack

// sysctls are the sysctls' values, in the units that sysctls have. A field is
// named after its sysctl, without "net.ipv4." or "net.".
type sysctls struct {
	coreBusyPoll                    int64
	coreBusyRead                    int64
	coreDefaultQdisc                string
	coreDevWeight                   int64
	coreDevWeightRxBias             int64
	coreDevWeightTxBias             int64
	coreDevconfInheritInitNet       int64
	coreFlowLimitTableLen           int64
	coreGroNormalBatch              int64
	coreHighOrderAllocDisable       int64
	coreMaxSkbFrags                 int64
	coreMemPcpuRsv                  int64
	coreMessageBurst                int64
	coreMessageCost                 int64
	coreNetdevBudget                int64
	coreNetdevBudgetUsecs           int64
	coreNetdevMaxBacklog            int64
	coreNetdevTstampPrequeue        int64
	coreNetdevUnregisterTimeoutSecs int64
	coreOptmemMax                   int64
	coreRmemDefault                 int64
	coreRmemMax                     int64
	coreRpsSockFlowEntries          int64
	coreSkbDeferMax                 int64
	coreSomaxconn                   int64
	coreTstampAllowData             int64
	coreTxrehash                    int64
	coreWarnings                    int64
	coreWmemDefault                 int64
	coreWmemMax                     int64
	fibMultipathHashFields          int64
	fibMultipathHashPolicy          int64
	fibMultipathHashSeed            int64
	fibMultipathUseNeigh            int64
	fibNotifyOnFlagChange           int64
	fwmarkReflect                   int64
	icmpEchoEnableProbe             int64
	icmpEchoIgnoreAll               int64
	icmpEchoIgnoreBroadcasts        int64
	icmpErrorsUseInboundIfaddr      int64
	icmpIgnoreBogusErrorResponses   int64
	icmpMsgsBurst                   int64
	icmpMsgsPerSec                  int64
	icmpRatelimit                   int64
	icmpRatemask                    int64
	inetPeerMaxttl                  int64
	inetPeerMinttl                  int64
	inetPeerThreshold               int64
	ipAutobindReuse                 int64
	ipDefaultTtl                    int64
	ipDynaddr                       int64
	ipEarlyDemux                    int64
	ipForward                       int64
	ipForwardUpdatePriority         int64
	ipForwardUsePmtu                int64
	ipLocalPortRange                [2]int64
	ipLocalReservedPorts            string
	ipNoPmtuDisc                    int64
	ipNonlocalBind                  int64
	ipUnprivilegedPortStart         int64
	ipv6AutoFlowlabels              int64
	ipv6Bindv6only                  int64
	ipv6FlowlabelConsistency        int64
	ipv6FlowlabelReflect            int64
	ipv6FlowlabelStateRanges        int64
	ipv6FwmarkReflect               int64
	ipv6IcmpEchoIgnoreAll           int64
	ipv6IcmpRatelimit               int64
	ipv6IdgenDelay                  int64
	ipv6IdgenRetries                int64
	ipv6IpNonlocalBind              int64
	ipv6RouteMinAdvMss              int64
	ipv6RouteMtuExpires             int64
	nexthopCompatMode               int64
	pingGroupRange                  string
	rawL3mdevAccept                 int64
	routeMinAdvMss                  int64
	routeMinPmtu                    int64
	routeMtuExpires                 int64
	tcpAbortOnOverflow              int64
	tcpAdvWinScale                  int64
	tcpAllowedCongestionControl     string
	tcpAppWin                       int64
	tcpAutocorking                  int64
	tcpAvailableCongestionControl   string
	tcpAvailableUlp                 string
	tcpBacklogAckDefer              int64
	tcpBaseMss                      int64
	tcpChallengeAckLimit            int64
	tcpChildEhashEntries            int64
	tcpCompSackDelayNs              int64
	tcpCompSackNr                   int64
	tcpCompSackSlackNs              int64
	tcpCongestionControl            string
	tcpDsack                        int64
	tcpEarlyDemux                   int64
	tcpEarlyRetrans                 int64
	tcpEcn                          int64
	tcpEcnFallback                  int64
	tcpEcnOption                    int64
	tcpEcnOptionBeacon              int64
	tcpEhashEntries                 int64
	tcpFack                         int64
	tcpFastopen                     int64
	tcpFastopenBlackholeTimeoutSec  int64
	tcpFastopenKey                  string
	tcpFinTimeout                   int64
	tcpFrto                         int64
	tcpFwmarkAccept                 int64
	tcpInvalidRatelimit             int64
	tcpKeepaliveIntvl               int64
	tcpKeepaliveProbes              int64
	tcpKeepaliveTime                int64
	tcpL3mdevAccept                 int64
	tcpLimitOutputBytes             int64
	tcpLowLatency                   int64
	tcpMaxOrphans                   int64
	tcpMaxReordering                int64
	tcpMaxSynBacklog                int64
	tcpMaxTwBuckets                 int64
	tcpMem                          [3]int64
	tcpMigrateReq                   int64
	tcpMinRttWlen                   int64
	tcpMinSndMss                    int64
	tcpMinTsoSegs                   int64
	tcpModerateRcvbuf               int64
	tcpMtuProbeFloor                int64
	tcpMtuProbing                   int64
	tcpNoMetricsSave                int64
	tcpNoSsthreshMetricsSave        int64
	tcpNotsentLowat                 int64
	tcpOrphanRetries                int64
	tcpPacingCaRatio                int64
	tcpPacingSsRatio                int64
	tcpPingpongThresh               int64
	tcpPlbCongThresh                int64
	tcpPlbEnabled                   int64
	tcpPlbIdleRehashRounds          int64
	tcpPlbRehashRounds              int64
	tcpPlbSuspendRtoSec             int64
	tcpProbeInterval                int64
	tcpProbeThreshold               int64
	tcpRcvbufLowRtt                 int64
	tcpRecovery                     int64
	tcpReflectTos                   int64
	tcpReordering                   int64
	tcpRetransCollapse              int64
	tcpRetries1                     int64
	tcpRetries2                     int64
	tcpRfc1337                      int64
	tcpRmem                         [3]int64
	tcpRtoMaxMs                     int64
	tcpRtoMinUs                     int64
	tcpSack                         int64
	tcpShrinkWindow                 int64
	tcpSlowStartAfterIdle           int64
	tcpStdurg                       int64
	tcpSynLinearTimeouts            int64
	tcpSynRetries                   int64
	tcpSynackRetries                int64
	tcpSyncookies                   int64
	tcpThinLinearTimeouts           int64
	tcpTimestamps                   int64
	tcpTsoRttLog                    int64
	tcpTsoWinDivisor                int64
	tcpTwReuse                      int64
	tcpTwReuseDelay                 int64
	tcpWindowScaling                int64
	tcpWmem                         [3]int64
	tcpWorkaroundSignedWindows      int64
	udpChildHashEntries             int64
	udpEarlyDemux                   int64
	udpHashEntries                  int64
	udpL3mdevAccept                 int64
	udpMem                          [3]int64
	udpRmemMin                      int64
	udpWmemMin                      int64

	conf []int64  // of the settings of devices, in the order of confSysctls
	vars []sysctl // nil until somebody asks for one by name
}

// table returns the sysctls with what Linux 6.12 sets them to in a network
// namespace of its own, on a machine where nobody changed anything.
func (c *sysctls) table() []sysctl {
	return []sysctl{
		{"net.core.busy_poll", &c.coreBusyPoll, "0", notNegative, ignored},
		{"net.core.busy_read", &c.coreBusyRead, "0", notNegative, ignored},
		{"net.core.default_qdisc", &c.coreDefaultQdisc, "pfifo_fast", numbers{}, modelled},
		{"net.core.dev_weight", &c.coreDevWeight, "64", positive, ignored},
		{"net.core.dev_weight_rx_bias", &c.coreDevWeightRxBias, "1", positive, ignored},
		{"net.core.dev_weight_tx_bias", &c.coreDevWeightTxBias, "1", positive, ignored},
		{"net.core.devconf_inherit_init_net", &c.coreDevconfInheritInitNet, "0", numbers{0, 3}, ignored},
		{"net.core.flow_limit_table_len", &c.coreFlowLimitTableLen, "4096", whole, ignored},
		{"net.core.gro_normal_batch", &c.coreGroNormalBatch, "8", positive, ignored},
		{"net.core.high_order_alloc_disable", &c.coreHighOrderAllocDisable, "0", flag, ignored},
		{"net.core.max_skb_frags", &c.coreMaxSkbFrags, "17", numbers{1, 17}, ignored},
		{"net.core.mem_pcpu_rsv", &c.coreMemPcpuRsv, "256", numbers{64, 2147483647}, ignored},
		{"net.core.message_burst", &c.coreMessageBurst, "10", whole, ignored},
		{"net.core.message_cost", &c.coreMessageCost, "5", seconds, ignored},
		{"net.core.netdev_budget", &c.coreNetdevBudget, "300", whole, ignored},
		{"net.core.netdev_budget_usecs", &c.coreNetdevBudgetUsecs, "8000", numbers{2000, 2147483647}, ignored},
		{"net.core.netdev_max_backlog", &c.coreNetdevMaxBacklog, "1000", whole, ignored},
		{"net.core.netdev_tstamp_prequeue", &c.coreNetdevTstampPrequeue, "1", whole, ignored},
		{"net.core.netdev_unregister_timeout_secs", &c.coreNetdevUnregisterTimeoutSecs, "10", numbers{1, 3600}, ignored},
		{"net.core.optmem_max", &c.coreOptmemMax, "131072", notNegative, fixed},
		{"net.core.rmem_default", &c.coreRmemDefault, "212992", numbers{2304, 2147483647}, modelled},
		{"net.core.rmem_max", &c.coreRmemMax, "212992", numbers{2304, 2147483647}, modelled},
		{"net.core.rps_sock_flow_entries", &c.coreRpsSockFlowEntries, "0", whole, ignored},
		{"net.core.skb_defer_max", &c.coreSkbDeferMax, "64", notNegative, ignored},
		{"net.core.somaxconn", &c.coreSomaxconn, "4096", notNegative, modelled},
		{"net.core.tstamp_allow_data", &c.coreTstampAllowData, "1", flag, ignored},
		{"net.core.txrehash", &c.coreTxrehash, "1", flag, ignored},
		{"net.core.warnings", &c.coreWarnings, "0", whole, ignored},
		{"net.core.wmem_default", &c.coreWmemDefault, "212992", numbers{4608, 2147483647}, modelled},
		{"net.core.wmem_max", &c.coreWmemMax, "212992", numbers{4608, 2147483647}, modelled},
		{"net.ipv4.fib_multipath_hash_fields", &c.fibMultipathHashFields, "7", numbers{1, 4095}, ignored},
		{"net.ipv4.fib_multipath_hash_policy", &c.fibMultipathHashPolicy, "0", numbers{0, 3}, ignored},
		{"net.ipv4.fib_multipath_hash_seed", &c.fibMultipathHashSeed, "0", whole, fixed},
		{"net.ipv4.fib_multipath_use_neigh", &c.fibMultipathUseNeigh, "0", flag, ignored},
		{"net.ipv4.fib_notify_on_flag_change", &c.fibNotifyOnFlagChange, "0", numbers{0, 2}, ignored},
		{"net.ipv4.fwmark_reflect", &c.fwmarkReflect, "0", u8, fixed},
		{"net.ipv4.icmp_echo_enable_probe", &c.icmpEchoEnableProbe, "0", flag, fixed},
		{"net.ipv4.icmp_echo_ignore_all", &c.icmpEchoIgnoreAll, "0", flag, fixed},
		{"net.ipv4.icmp_echo_ignore_broadcasts", &c.icmpEchoIgnoreBroadcasts, "1", flag, ignored},
		{"net.ipv4.icmp_errors_use_inbound_ifaddr", &c.icmpErrorsUseInboundIfaddr, "0", flag, fixed},
		{"net.ipv4.icmp_ignore_bogus_error_responses", &c.icmpIgnoreBogusErrorResponses, "1", flag, ignored},
		{"net.ipv4.icmp_msgs_burst", &c.icmpMsgsBurst, "50", notNegative, fixed},
		{"net.ipv4.icmp_msgs_per_sec", &c.icmpMsgsPerSec, "1000", notNegative, fixed},
		{"net.ipv4.icmp_ratelimit", &c.icmpRatelimit, "1000", notNegative, fixed},
		{"net.ipv4.icmp_ratemask", &c.icmpRatemask, "6168", whole, fixed},
		{"net.ipv4.inet_peer_maxttl", &c.inetPeerMaxttl, "600", seconds, ignored},
		{"net.ipv4.inet_peer_minttl", &c.inetPeerMinttl, "120", seconds, ignored},
		{"net.ipv4.inet_peer_threshold", &c.inetPeerThreshold, "65664", whole, ignored},
		{"net.ipv4.ip_autobind_reuse", &c.ipAutobindReuse, "0", flag, fixed},
		{"net.ipv4.ip_default_ttl", &c.ipDefaultTtl, "64", numbers{1, 255}, modelled},
		{"net.ipv4.ip_dynaddr", &c.ipDynaddr, "0", u8, ignored},
		{"net.ipv4.ip_early_demux", &c.ipEarlyDemux, "1", u8, ignored},
		{"net.ipv4.ip_forward", &c.ipForward, "0", whole, fixed},
		{"net.ipv4.ip_forward_update_priority", &c.ipForwardUpdatePriority, "1", flag, ignored},
		{"net.ipv4.ip_forward_use_pmtu", &c.ipForwardUsePmtu, "0", u8, ignored},
		{"net.ipv4.ip_local_port_range", &c.ipLocalPortRange, "32768 60999", numbers{1, 65535}, modelled},
		{"net.ipv4.ip_local_reserved_ports", &c.ipLocalReservedPorts, "", numbers{}, fixed},
		{"net.ipv4.ip_no_pmtu_disc", &c.ipNoPmtuDisc, "0", u8, modelled},
		{"net.ipv4.ip_nonlocal_bind", &c.ipNonlocalBind, "0", u8, modelled},
		{"net.ipv4.ip_unprivileged_port_start", &c.ipUnprivilegedPortStart, "1024", numbers{0, 65535}, ignored},
		{"net.ipv4.nexthop_compat_mode", &c.nexthopCompatMode, "1", flag, ignored},
		{"net.ipv4.ping_group_range", &c.pingGroupRange, "1 0", numbers{}, ignored},
		{"net.ipv4.raw_l3mdev_accept", &c.rawL3mdevAccept, "1", flag, ignored},
		{"net.ipv4.route.min_adv_mss", &c.routeMinAdvMss, "256", whole, modelled},
		{"net.ipv4.route.min_pmtu", &c.routeMinPmtu, "552", numbers{68, 2147483647}, modelled},
		{"net.ipv4.route.mtu_expires", &c.routeMtuExpires, "600", seconds, modelled},
		{"net.ipv4.tcp_abort_on_overflow", &c.tcpAbortOnOverflow, "0", u8, modelled},
		{"net.ipv4.tcp_adv_win_scale", &c.tcpAdvWinScale, "1", numbers{-31, 31}, ignored},
		{"net.ipv4.tcp_allowed_congestion_control", &c.tcpAllowedCongestionControl, "reno cubic", numbers{}, modelled},
		{"net.ipv4.tcp_app_win", &c.tcpAppWin, "31", numbers{0, 31}, modelled},
		{"net.ipv4.tcp_autocorking", &c.tcpAutocorking, "1", flag, modelled},
		{"net.ipv4.tcp_available_congestion_control", &c.tcpAvailableCongestionControl, "reno cubic", numbers{}, readOnly},
		{"net.ipv4.tcp_available_ulp", &c.tcpAvailableUlp, "", numbers{}, readOnly},
		{"net.ipv4.tcp_backlog_ack_defer", &c.tcpBacklogAckDefer, "1", flag, ignored},
		{"net.ipv4.tcp_base_mss", &c.tcpBaseMss, "1024", whole, modelled},
		{"net.ipv4.tcp_challenge_ack_limit", &c.tcpChallengeAckLimit, "2147483647", whole, modelled},
		{"net.ipv4.tcp_child_ehash_entries", &c.tcpChildEhashEntries, "0", numbers{0, 16777216}, ignored},
		{"net.ipv4.tcp_comp_sack_delay_ns", &c.tcpCompSackDelayNs, "1000000", u64, modelled},
		{"net.ipv4.tcp_comp_sack_nr", &c.tcpCompSackNr, "44", u8, modelled},
		{"net.ipv4.tcp_comp_sack_slack_ns", &c.tcpCompSackSlackNs, "100000", u64, modelled},
		{"net.ipv4.tcp_congestion_control", &c.tcpCongestionControl, "cubic", numbers{}, modelled},
		{"net.ipv4.tcp_dsack", &c.tcpDsack, "1", u8, modelled},
		{"net.ipv4.tcp_early_demux", &c.tcpEarlyDemux, "1", u8, ignored},
		{"net.ipv4.tcp_early_retrans", &c.tcpEarlyRetrans, "3", numbers{0, 4}, modelled},
		{"net.ipv4.tcp_ecn", &c.tcpEcn, "2", numbers{0, 2}, modelled},
		{"net.ipv4.tcp_ecn_fallback", &c.tcpEcnFallback, "1", flag, modelled},
		{"net.ipv4.tcp_ecn_option", &c.tcpEcnOption, "2", numbers{0, 2}, fixed},
		{"net.ipv4.tcp_ecn_option_beacon", &c.tcpEcnOptionBeacon, "3", numbers{0, 3}, fixed},
		{"net.ipv4.tcp_ehash_entries", &c.tcpEhashEntries, "262144", whole, readOnly},
		{"net.ipv4.tcp_fack", &c.tcpFack, "0", u8, ignored},
		{"net.ipv4.tcp_fastopen", &c.tcpFastopen, "1", whole, modelled},
		{"net.ipv4.tcp_fastopen_blackhole_timeout_sec", &c.tcpFastopenBlackholeTimeoutSec, "0", notNegative, modelled},
		{"net.ipv4.tcp_fastopen_key", &c.tcpFastopenKey, "00000000-00000000-00000000-00000000", numbers{}, modelled},
		{"net.ipv4.tcp_fin_timeout", &c.tcpFinTimeout, "60", seconds, modelled},
		{"net.ipv4.tcp_frto", &c.tcpFrto, "2", u8, modelled},
		{"net.ipv4.tcp_fwmark_accept", &c.tcpFwmarkAccept, "0", u8, fixed},
		{"net.ipv4.tcp_invalid_ratelimit", &c.tcpInvalidRatelimit, "500", notNegative, modelled},
		{"net.ipv4.tcp_keepalive_intvl", &c.tcpKeepaliveIntvl, "75", seconds, modelled},
		{"net.ipv4.tcp_keepalive_probes", &c.tcpKeepaliveProbes, "9", u8, modelled},
		{"net.ipv4.tcp_keepalive_time", &c.tcpKeepaliveTime, "7200", seconds, modelled},
		{"net.ipv4.tcp_l3mdev_accept", &c.tcpL3mdevAccept, "0", flag, ignored},
		{"net.ipv4.tcp_limit_output_bytes", &c.tcpLimitOutputBytes, "4194304", whole, modelled},
		{"net.ipv4.tcp_low_latency", &c.tcpLowLatency, "0", whole, ignored},
		{"net.ipv4.tcp_max_orphans", &c.tcpMaxOrphans, "131072", whole, ignored},
		{"net.ipv4.tcp_max_reordering", &c.tcpMaxReordering, "300", positive, modelled},
		{"net.ipv4.tcp_max_syn_backlog", &c.tcpMaxSynBacklog, "2048", whole, fixed},
		{"net.ipv4.tcp_max_tw_buckets", &c.tcpMaxTwBuckets, "131072", whole, ignored},
		{"net.ipv4.tcp_mem", &c.tcpMem, "188319 251094 376638", u64, ignored},
		{"net.ipv4.tcp_migrate_req", &c.tcpMigrateReq, "0", flag, fixed},
		{"net.ipv4.tcp_min_rtt_wlen", &c.tcpMinRttWlen, "300", numbers{0, 86400}, modelled},
		{"net.ipv4.tcp_min_snd_mss", &c.tcpMinSndMss, "48", numbers{48, 65535}, modelled},
		{"net.ipv4.tcp_min_tso_segs", &c.tcpMinTsoSegs, "2", numbers{1, 255}, modelled},
		{"net.ipv4.tcp_moderate_rcvbuf", &c.tcpModerateRcvbuf, "1", u8, modelled},
		{"net.ipv4.tcp_mtu_probe_floor", &c.tcpMtuProbeFloor, "48", numbers{48, 65535}, modelled},
		{"net.ipv4.tcp_mtu_probing", &c.tcpMtuProbing, "0", u8, modelled},
		{"net.ipv4.tcp_no_metrics_save", &c.tcpNoMetricsSave, "0", u8, modelled},
		{"net.ipv4.tcp_no_ssthresh_metrics_save", &c.tcpNoSsthreshMetricsSave, "1", flag, modelled},
		{"net.ipv4.tcp_notsent_lowat", &c.tcpNotsentLowat, "4294967295", u32, modelled},
		{"net.ipv4.tcp_orphan_retries", &c.tcpOrphanRetries, "0", u8, modelled},
		{"net.ipv4.tcp_pacing_ca_ratio", &c.tcpPacingCaRatio, "120", numbers{0, 1000}, modelled},
		{"net.ipv4.tcp_pacing_ss_ratio", &c.tcpPacingSsRatio, "200", numbers{0, 1000}, modelled},
		{"net.ipv4.tcp_pingpong_thresh", &c.tcpPingpongThresh, "1", numbers{1, 255}, modelled},
		{"net.ipv4.tcp_plb_cong_thresh", &c.tcpPlbCongThresh, "128", numbers{0, 256}, ignored},
		{"net.ipv4.tcp_plb_enabled", &c.tcpPlbEnabled, "0", flag, fixed},
		{"net.ipv4.tcp_plb_idle_rehash_rounds", &c.tcpPlbIdleRehashRounds, "3", numbers{0, 31}, ignored},
		{"net.ipv4.tcp_plb_rehash_rounds", &c.tcpPlbRehashRounds, "12", numbers{0, 31}, ignored},
		{"net.ipv4.tcp_plb_suspend_rto_sec", &c.tcpPlbSuspendRtoSec, "60", u8, ignored},
		{"net.ipv4.tcp_probe_interval", &c.tcpProbeInterval, "600", numbers{0, 4294967}, modelled},
		{"net.ipv4.tcp_probe_threshold", &c.tcpProbeThreshold, "8", whole, modelled},
		{"net.ipv4.tcp_rcvbuf_low_rtt", &c.tcpRcvbufLowRtt, "1000", notNegative, fixed},
		{"net.ipv4.tcp_recovery", &c.tcpRecovery, "1", u8, modelled},
		{"net.ipv4.tcp_reflect_tos", &c.tcpReflectTos, "0", flag, modelled},
		{"net.ipv4.tcp_reordering", &c.tcpReordering, "3", numbers{1, 300}, modelled},
		{"net.ipv4.tcp_retrans_collapse", &c.tcpRetransCollapse, "1", u8, modelled},
		{"net.ipv4.tcp_retries1", &c.tcpRetries1, "3", u8, modelled},
		{"net.ipv4.tcp_retries2", &c.tcpRetries2, "15", u8, modelled},
		{"net.ipv4.tcp_rfc1337", &c.tcpRfc1337, "0", u8, modelled},
		{"net.ipv4.tcp_rmem", &c.tcpRmem, "4096 131072 6291456", numbers{4096, 2147483647}, modelled},
		{"net.ipv4.tcp_rto_max_ms", &c.tcpRtoMaxMs, "120000", numbers{1000, 120000}, fixed},
		{"net.ipv4.tcp_rto_min_us", &c.tcpRtoMinUs, "200000", positive, modelled},
		{"net.ipv4.tcp_sack", &c.tcpSack, "1", u8, modelled},
		{"net.ipv4.tcp_shrink_window", &c.tcpShrinkWindow, "0", flag, modelled},
		{"net.ipv4.tcp_slow_start_after_idle", &c.tcpSlowStartAfterIdle, "1", u8, modelled},
		{"net.ipv4.tcp_stdurg", &c.tcpStdurg, "0", u8, modelled},
		{"net.ipv4.tcp_syn_linear_timeouts", &c.tcpSynLinearTimeouts, "4", numbers{0, 127}, modelled},
		{"net.ipv4.tcp_syn_retries", &c.tcpSynRetries, "6", numbers{1, 127}, modelled},
		{"net.ipv4.tcp_synack_retries", &c.tcpSynackRetries, "5", u8, modelled},
		{"net.ipv4.tcp_syncookies", &c.tcpSyncookies, "1", u8, modelled},
		{"net.ipv4.tcp_thin_linear_timeouts", &c.tcpThinLinearTimeouts, "0", u8, modelled},
		{"net.ipv4.tcp_timestamps", &c.tcpTimestamps, "1", u8, modelled},
		{"net.ipv4.tcp_tso_rtt_log", &c.tcpTsoRttLog, "9", numbers{0, 31}, modelled},
		{"net.ipv4.tcp_tso_win_divisor", &c.tcpTsoWinDivisor, "3", u8, modelled},
		{"net.ipv4.tcp_tw_reuse", &c.tcpTwReuse, "2", numbers{0, 2}, fixed},
		{"net.ipv4.tcp_tw_reuse_delay", &c.tcpTwReuseDelay, "1000", notNegative, fixed},
		{"net.ipv4.tcp_window_scaling", &c.tcpWindowScaling, "1", u8, modelled},
		{"net.ipv4.tcp_wmem", &c.tcpWmem, "4096 16384 4194304", positive, modelled},
		{"net.ipv4.tcp_workaround_signed_windows", &c.tcpWorkaroundSignedWindows, "0", u8, modelled},
		{"net.ipv4.udp_child_hash_entries", &c.udpChildHashEntries, "0", numbers{0, 65536}, ignored},
		{"net.ipv4.udp_early_demux", &c.udpEarlyDemux, "1", u8, ignored},
		{"net.ipv4.udp_hash_entries", &c.udpHashEntries, "16384", whole, readOnly},
		{"net.ipv4.udp_l3mdev_accept", &c.udpL3mdevAccept, "0", flag, ignored},
		{"net.ipv4.udp_mem", &c.udpMem, "376641 502189 753282", u64, ignored},
		{"net.ipv4.udp_rmem_min", &c.udpRmemMin, "4096", positive, fixed},
		{"net.ipv4.udp_wmem_min", &c.udpWmemMin, "4096", positive, fixed},
		{"net.ipv6.auto_flowlabels", &c.ipv6AutoFlowlabels, "1", numbers{0, 3}, modelled},
		{"net.ipv6.bindv6only", &c.ipv6Bindv6only, "0", u8, modelled},
		{"net.ipv6.flowlabel_consistency", &c.ipv6FlowlabelConsistency, "1", u8, ignored},
		{"net.ipv6.flowlabel_reflect", &c.ipv6FlowlabelReflect, "0", numbers{0, 7}, fixed},
		{"net.ipv6.flowlabel_state_ranges", &c.ipv6FlowlabelStateRanges, "0", u8, ignored},
		{"net.ipv6.fwmark_reflect", &c.ipv6FwmarkReflect, "0", u8, fixed},
		{"net.ipv6.icmp.echo_ignore_all", &c.ipv6IcmpEchoIgnoreAll, "0", u8, fixed},
		{"net.ipv6.icmp.ratelimit", &c.ipv6IcmpRatelimit, "1000", notNegative, fixed},
		{"net.ipv6.idgen_delay", &c.ipv6IdgenDelay, "1", seconds, ignored},
		{"net.ipv6.idgen_retries", &c.ipv6IdgenRetries, "3", whole, ignored},
		{"net.ipv6.ip_nonlocal_bind", &c.ipv6IpNonlocalBind, "0", u8, modelled},
		{"net.ipv6.route.min_adv_mss", &c.ipv6RouteMinAdvMss, "1220", whole, modelled},
		{"net.ipv6.route.mtu_expires", &c.ipv6RouteMtuExpires, "600", seconds, modelled},
	}
}
