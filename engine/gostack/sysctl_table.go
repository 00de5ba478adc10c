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

// table returns the sysctls with what becomes of a change.
func (c *sysctls) table() []sysctl {
	return []sysctl{
		{"net.core.busy_poll", &c.coreBusyPoll, ignored},
		{"net.core.busy_read", &c.coreBusyRead, ignored},
		{"net.core.default_qdisc", &c.coreDefaultQdisc, modelled},
		{"net.core.dev_weight", &c.coreDevWeight, ignored},
		{"net.core.dev_weight_rx_bias", &c.coreDevWeightRxBias, ignored},
		{"net.core.dev_weight_tx_bias", &c.coreDevWeightTxBias, ignored},
		{"net.core.devconf_inherit_init_net", &c.coreDevconfInheritInitNet, ignored},
		{"net.core.flow_limit_table_len", &c.coreFlowLimitTableLen, ignored},
		{"net.core.gro_normal_batch", &c.coreGroNormalBatch, ignored},
		{"net.core.high_order_alloc_disable", &c.coreHighOrderAllocDisable, ignored},
		{"net.core.max_skb_frags", &c.coreMaxSkbFrags, ignored},
		{"net.core.mem_pcpu_rsv", &c.coreMemPcpuRsv, ignored},
		{"net.core.message_burst", &c.coreMessageBurst, ignored},
		{"net.core.message_cost", &c.coreMessageCost, ignored},
		{"net.core.netdev_budget", &c.coreNetdevBudget, ignored},
		{"net.core.netdev_budget_usecs", &c.coreNetdevBudgetUsecs, ignored},
		{"net.core.netdev_max_backlog", &c.coreNetdevMaxBacklog, ignored},
		{"net.core.netdev_tstamp_prequeue", &c.coreNetdevTstampPrequeue, ignored},
		{"net.core.netdev_unregister_timeout_secs", &c.coreNetdevUnregisterTimeoutSecs, ignored},
		{"net.core.optmem_max", &c.coreOptmemMax, fixed},
		{"net.core.rmem_default", &c.coreRmemDefault, modelled},
		{"net.core.rmem_max", &c.coreRmemMax, modelled},
		{"net.core.rps_sock_flow_entries", &c.coreRpsSockFlowEntries, ignored},
		{"net.core.skb_defer_max", &c.coreSkbDeferMax, ignored},
		{"net.core.somaxconn", &c.coreSomaxconn, modelled},
		{"net.core.tstamp_allow_data", &c.coreTstampAllowData, ignored},
		{"net.core.txrehash", &c.coreTxrehash, ignored},
		{"net.core.warnings", &c.coreWarnings, ignored},
		{"net.core.wmem_default", &c.coreWmemDefault, modelled},
		{"net.core.wmem_max", &c.coreWmemMax, modelled},
		{"net.ipv4.fib_multipath_hash_fields", &c.fibMultipathHashFields, ignored},
		{"net.ipv4.fib_multipath_hash_policy", &c.fibMultipathHashPolicy, ignored},
		{"net.ipv4.fib_multipath_hash_seed", &c.fibMultipathHashSeed, fixed},
		{"net.ipv4.fib_multipath_use_neigh", &c.fibMultipathUseNeigh, ignored},
		{"net.ipv4.fib_notify_on_flag_change", &c.fibNotifyOnFlagChange, ignored},
		{"net.ipv4.fwmark_reflect", &c.fwmarkReflect, fixed},
		{"net.ipv4.icmp_echo_enable_probe", &c.icmpEchoEnableProbe, fixed},
		{"net.ipv4.icmp_echo_ignore_all", &c.icmpEchoIgnoreAll, fixed},
		{"net.ipv4.icmp_echo_ignore_broadcasts", &c.icmpEchoIgnoreBroadcasts, ignored},
		{"net.ipv4.icmp_errors_use_inbound_ifaddr", &c.icmpErrorsUseInboundIfaddr, fixed},
		{"net.ipv4.icmp_ignore_bogus_error_responses", &c.icmpIgnoreBogusErrorResponses, ignored},
		{"net.ipv4.icmp_msgs_burst", &c.icmpMsgsBurst, fixed},
		{"net.ipv4.icmp_msgs_per_sec", &c.icmpMsgsPerSec, fixed},
		{"net.ipv4.icmp_ratelimit", &c.icmpRatelimit, fixed},
		{"net.ipv4.icmp_ratemask", &c.icmpRatemask, fixed},
		{"net.ipv4.inet_peer_maxttl", &c.inetPeerMaxttl, ignored},
		{"net.ipv4.inet_peer_minttl", &c.inetPeerMinttl, ignored},
		{"net.ipv4.inet_peer_threshold", &c.inetPeerThreshold, ignored},
		{"net.ipv4.ip_autobind_reuse", &c.ipAutobindReuse, fixed},
		{"net.ipv4.ip_default_ttl", &c.ipDefaultTtl, modelled},
		{"net.ipv4.ip_dynaddr", &c.ipDynaddr, ignored},
		{"net.ipv4.ip_early_demux", &c.ipEarlyDemux, ignored},
		{"net.ipv4.ip_forward", &c.ipForward, fixed},
		{"net.ipv4.ip_forward_update_priority", &c.ipForwardUpdatePriority, ignored},
		{"net.ipv4.ip_forward_use_pmtu", &c.ipForwardUsePmtu, ignored},
		{"net.ipv4.ip_local_port_range", &c.ipLocalPortRange, modelled},
		{"net.ipv4.ip_local_reserved_ports", &c.ipLocalReservedPorts, fixed},
		{"net.ipv4.ip_no_pmtu_disc", &c.ipNoPmtuDisc, modelled},
		{"net.ipv4.ip_nonlocal_bind", &c.ipNonlocalBind, modelled},
		{"net.ipv4.ip_unprivileged_port_start", &c.ipUnprivilegedPortStart, ignored},
		{"net.ipv4.nexthop_compat_mode", &c.nexthopCompatMode, ignored},
		{"net.ipv4.ping_group_range", &c.pingGroupRange, ignored},
		{"net.ipv4.raw_l3mdev_accept", &c.rawL3mdevAccept, ignored},
		{"net.ipv4.route.min_adv_mss", &c.routeMinAdvMss, modelled},
		{"net.ipv4.route.min_pmtu", &c.routeMinPmtu, modelled},
		{"net.ipv4.route.mtu_expires", &c.routeMtuExpires, modelled},
		{"net.ipv4.tcp_abort_on_overflow", &c.tcpAbortOnOverflow, modelled},
		{"net.ipv4.tcp_adv_win_scale", &c.tcpAdvWinScale, ignored},
		{"net.ipv4.tcp_allowed_congestion_control", &c.tcpAllowedCongestionControl, modelled},
		{"net.ipv4.tcp_app_win", &c.tcpAppWin, modelled},
		{"net.ipv4.tcp_autocorking", &c.tcpAutocorking, modelled},
		{"net.ipv4.tcp_available_congestion_control", &c.tcpAvailableCongestionControl, readOnly},
		{"net.ipv4.tcp_available_ulp", &c.tcpAvailableUlp, readOnly},
		{"net.ipv4.tcp_backlog_ack_defer", &c.tcpBacklogAckDefer, ignored},
		{"net.ipv4.tcp_base_mss", &c.tcpBaseMss, modelled},
		{"net.ipv4.tcp_challenge_ack_limit", &c.tcpChallengeAckLimit, modelled},
		{"net.ipv4.tcp_child_ehash_entries", &c.tcpChildEhashEntries, ignored},
		{"net.ipv4.tcp_comp_sack_delay_ns", &c.tcpCompSackDelayNs, modelled},
		{"net.ipv4.tcp_comp_sack_nr", &c.tcpCompSackNr, modelled},
		{"net.ipv4.tcp_comp_sack_slack_ns", &c.tcpCompSackSlackNs, modelled},
		{"net.ipv4.tcp_congestion_control", &c.tcpCongestionControl, modelled},
		{"net.ipv4.tcp_dsack", &c.tcpDsack, modelled},
		{"net.ipv4.tcp_early_demux", &c.tcpEarlyDemux, ignored},
		{"net.ipv4.tcp_early_retrans", &c.tcpEarlyRetrans, modelled},
		{"net.ipv4.tcp_ecn", &c.tcpEcn, modelled},
		{"net.ipv4.tcp_ecn_fallback", &c.tcpEcnFallback, modelled},
		{"net.ipv4.tcp_ecn_option", &c.tcpEcnOption, fixed},
		{"net.ipv4.tcp_ecn_option_beacon", &c.tcpEcnOptionBeacon, fixed},
		{"net.ipv4.tcp_ehash_entries", &c.tcpEhashEntries, readOnly},
		{"net.ipv4.tcp_fack", &c.tcpFack, ignored},
		{"net.ipv4.tcp_fastopen", &c.tcpFastopen, modelled},
		{"net.ipv4.tcp_fastopen_blackhole_timeout_sec", &c.tcpFastopenBlackholeTimeoutSec, modelled},
		{"net.ipv4.tcp_fastopen_key", &c.tcpFastopenKey, modelled},
		{"net.ipv4.tcp_fin_timeout", &c.tcpFinTimeout, modelled},
		{"net.ipv4.tcp_frto", &c.tcpFrto, modelled},
		{"net.ipv4.tcp_fwmark_accept", &c.tcpFwmarkAccept, fixed},
		{"net.ipv4.tcp_invalid_ratelimit", &c.tcpInvalidRatelimit, modelled},
		{"net.ipv4.tcp_keepalive_intvl", &c.tcpKeepaliveIntvl, modelled},
		{"net.ipv4.tcp_keepalive_probes", &c.tcpKeepaliveProbes, modelled},
		{"net.ipv4.tcp_keepalive_time", &c.tcpKeepaliveTime, modelled},
		{"net.ipv4.tcp_l3mdev_accept", &c.tcpL3mdevAccept, ignored},
		{"net.ipv4.tcp_limit_output_bytes", &c.tcpLimitOutputBytes, modelled},
		{"net.ipv4.tcp_low_latency", &c.tcpLowLatency, ignored},
		{"net.ipv4.tcp_max_orphans", &c.tcpMaxOrphans, ignored},
		{"net.ipv4.tcp_max_reordering", &c.tcpMaxReordering, modelled},
		{"net.ipv4.tcp_max_syn_backlog", &c.tcpMaxSynBacklog, fixed},
		{"net.ipv4.tcp_max_tw_buckets", &c.tcpMaxTwBuckets, ignored},
		{"net.ipv4.tcp_mem", &c.tcpMem, ignored},
		{"net.ipv4.tcp_migrate_req", &c.tcpMigrateReq, fixed},
		{"net.ipv4.tcp_min_rtt_wlen", &c.tcpMinRttWlen, modelled},
		{"net.ipv4.tcp_min_snd_mss", &c.tcpMinSndMss, modelled},
		{"net.ipv4.tcp_min_tso_segs", &c.tcpMinTsoSegs, modelled},
		{"net.ipv4.tcp_moderate_rcvbuf", &c.tcpModerateRcvbuf, modelled},
		{"net.ipv4.tcp_mtu_probe_floor", &c.tcpMtuProbeFloor, modelled},
		{"net.ipv4.tcp_mtu_probing", &c.tcpMtuProbing, modelled},
		{"net.ipv4.tcp_no_metrics_save", &c.tcpNoMetricsSave, modelled},
		{"net.ipv4.tcp_no_ssthresh_metrics_save", &c.tcpNoSsthreshMetricsSave, modelled},
		{"net.ipv4.tcp_notsent_lowat", &c.tcpNotsentLowat, modelled},
		{"net.ipv4.tcp_orphan_retries", &c.tcpOrphanRetries, modelled},
		{"net.ipv4.tcp_pacing_ca_ratio", &c.tcpPacingCaRatio, modelled},
		{"net.ipv4.tcp_pacing_ss_ratio", &c.tcpPacingSsRatio, modelled},
		{"net.ipv4.tcp_pingpong_thresh", &c.tcpPingpongThresh, modelled},
		{"net.ipv4.tcp_plb_cong_thresh", &c.tcpPlbCongThresh, ignored},
		{"net.ipv4.tcp_plb_enabled", &c.tcpPlbEnabled, fixed},
		{"net.ipv4.tcp_plb_idle_rehash_rounds", &c.tcpPlbIdleRehashRounds, ignored},
		{"net.ipv4.tcp_plb_rehash_rounds", &c.tcpPlbRehashRounds, ignored},
		{"net.ipv4.tcp_plb_suspend_rto_sec", &c.tcpPlbSuspendRtoSec, ignored},
		{"net.ipv4.tcp_probe_interval", &c.tcpProbeInterval, modelled},
		{"net.ipv4.tcp_probe_threshold", &c.tcpProbeThreshold, modelled},
		{"net.ipv4.tcp_rcvbuf_low_rtt", &c.tcpRcvbufLowRtt, fixed},
		{"net.ipv4.tcp_recovery", &c.tcpRecovery, modelled},
		{"net.ipv4.tcp_reflect_tos", &c.tcpReflectTos, modelled},
		{"net.ipv4.tcp_reordering", &c.tcpReordering, modelled},
		{"net.ipv4.tcp_retrans_collapse", &c.tcpRetransCollapse, modelled},
		{"net.ipv4.tcp_retries1", &c.tcpRetries1, modelled},
		{"net.ipv4.tcp_retries2", &c.tcpRetries2, modelled},
		{"net.ipv4.tcp_rfc1337", &c.tcpRfc1337, modelled},
		{"net.ipv4.tcp_rmem", &c.tcpRmem, modelled},
		{"net.ipv4.tcp_rto_max_ms", &c.tcpRtoMaxMs, fixed},
		{"net.ipv4.tcp_rto_min_us", &c.tcpRtoMinUs, modelled},
		{"net.ipv4.tcp_sack", &c.tcpSack, modelled},
		{"net.ipv4.tcp_shrink_window", &c.tcpShrinkWindow, modelled},
		{"net.ipv4.tcp_slow_start_after_idle", &c.tcpSlowStartAfterIdle, modelled},
		{"net.ipv4.tcp_stdurg", &c.tcpStdurg, modelled},
		{"net.ipv4.tcp_syn_linear_timeouts", &c.tcpSynLinearTimeouts, modelled},
		{"net.ipv4.tcp_syn_retries", &c.tcpSynRetries, modelled},
		{"net.ipv4.tcp_synack_retries", &c.tcpSynackRetries, modelled},
		{"net.ipv4.tcp_syncookies", &c.tcpSyncookies, modelled},
		{"net.ipv4.tcp_thin_linear_timeouts", &c.tcpThinLinearTimeouts, modelled},
		{"net.ipv4.tcp_timestamps", &c.tcpTimestamps, modelled},
		{"net.ipv4.tcp_tso_rtt_log", &c.tcpTsoRttLog, modelled},
		{"net.ipv4.tcp_tso_win_divisor", &c.tcpTsoWinDivisor, modelled},
		{"net.ipv4.tcp_tw_reuse", &c.tcpTwReuse, fixed},
		{"net.ipv4.tcp_tw_reuse_delay", &c.tcpTwReuseDelay, fixed},
		{"net.ipv4.tcp_window_scaling", &c.tcpWindowScaling, modelled},
		{"net.ipv4.tcp_wmem", &c.tcpWmem, modelled},
		{"net.ipv4.tcp_workaround_signed_windows", &c.tcpWorkaroundSignedWindows, modelled},
		{"net.ipv4.udp_child_hash_entries", &c.udpChildHashEntries, ignored},
		{"net.ipv4.udp_early_demux", &c.udpEarlyDemux, ignored},
		{"net.ipv4.udp_hash_entries", &c.udpHashEntries, readOnly},
		{"net.ipv4.udp_l3mdev_accept", &c.udpL3mdevAccept, ignored},
		{"net.ipv4.udp_mem", &c.udpMem, ignored},
		{"net.ipv4.udp_rmem_min", &c.udpRmemMin, fixed},
		{"net.ipv4.udp_wmem_min", &c.udpWmemMin, fixed},
		{"net.ipv6.auto_flowlabels", &c.ipv6AutoFlowlabels, modelled},
		{"net.ipv6.bindv6only", &c.ipv6Bindv6only, modelled},
		{"net.ipv6.flowlabel_consistency", &c.ipv6FlowlabelConsistency, ignored},
		{"net.ipv6.flowlabel_reflect", &c.ipv6FlowlabelReflect, fixed},
		{"net.ipv6.flowlabel_state_ranges", &c.ipv6FlowlabelStateRanges, ignored},
		{"net.ipv6.fwmark_reflect", &c.ipv6FwmarkReflect, fixed},
		{"net.ipv6.icmp.echo_ignore_all", &c.ipv6IcmpEchoIgnoreAll, fixed},
		{"net.ipv6.icmp.ratelimit", &c.ipv6IcmpRatelimit, fixed},
		{"net.ipv6.idgen_delay", &c.ipv6IdgenDelay, ignored},
		{"net.ipv6.idgen_retries", &c.ipv6IdgenRetries, ignored},
		{"net.ipv6.ip_nonlocal_bind", &c.ipv6IpNonlocalBind, modelled},
		{"net.ipv6.route.min_adv_mss", &c.ipv6RouteMinAdvMss, modelled},
		{"net.ipv6.route.mtu_expires", &c.ipv6RouteMtuExpires, modelled},
	}
}
