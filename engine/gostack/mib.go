package gostack

import (
	"net/netip"
	"slices"
	"strconv"

	"tcpdrill/engine"
)

// A counter is one of the stack's counters (RFC 4293, RFC 4022 and Linux's own).
type counter int

// A mib is the counters' values.
type mib [numCounters]uint64

// A counterName is a counter's name and the group that it is listed in.
type counterName struct{ group, name string }

// count counts something.
func (s *Stack) count(c counter) { s.mib[c]++ }

// countN adds to a counter. Of one that says how many there are now, n may be
// negative.
func (s *Stack) countN(c counter, n int) { s.mib[c] += uint64(n) }

// countUDP counts a datagram under one of Udp's counters or, if an end of it has an IPv6
// address, Udp6's, which are the same in the same order.
func (s *Stack) countUDP(c counter, end netip.Addr) {
	if end.Is6() {
		c += mibUdp6InDatagrams - mibUdpInDatagrams
	}
	s.count(c)
}

// Types of ICMP messages in the order in which their counters are.
var (
	icmpTypes  = []int{3, 11, 12, 4, 5, 8, 0, 13, 14, 17, 18}
	icmp6Types = []int{1, 2, 3, 4, 128, 129, 130, 131, 132, 133, 134, 135, 136, 137, 143}
)

// SNMP implements engine.Host.
func (s *Stack) SNMP() ([]engine.Counter, error) {
	values := s.mib
	values[mibIpForwarding] = 2 // no
	values[mibIpDefaultTTL] = uint64(s.sysctl.ipDefaultTtl)
	values[mibTcpRtoAlgorithm] = 1 // other than those of RFC 4022
	values[mibTcpRtoMin] = 200
	values[mibTcpRtoMax] = 120_000
	values[mibTcpMaxConn] = ^uint64(0) // -1: dynamic

	list := make([]engine.Counter, 0, numCounters+8)
	for i, c := range counterNames {
		switch counter(i) {
		case mibTcpRtoAlgorithm:
			// What came and went of each type is listed behind the counters with
			// names, if there was any.
			list = append(list, typeCounters("IcmpMsg", "Type", values[mibIcmpInDestUnreachs:], values[mibIcmpOutDestUnreachs:], icmpTypes)...)
		case mibUdp6InDatagrams:
			list = append(list, typeCounters("Icmp6", "Type", values[mibIcmp6InDestUnreachs:], values[mibIcmp6OutDestUnreachs:], icmp6Types)...)
		}
		list = append(list, engine.Counter{Group: c.group, Name: c.name, Value: values[i]})
	}
	return list, nil
}

// typeCounters lists ICMP messages by the number of their type.
func typeCounters(group, name string, in, out []uint64, types []int) []engine.Counter {
	sorted := slices.Sorted(slices.Values(types))
	var list []engine.Counter
	for _, d := range []struct {
		name   string
		values []uint64
	}{{"In", in}, {"Out", out}} {
		for _, t := range sorted {
			if n := d.values[slices.Index(types, t)]; n > 0 {
				list = append(list, engine.Counter{Group: group, Name: d.name + name + strconv.Itoa(t), Value: n})
			}
		}
	}
	return list
}

// The counters, in the order of /proc/net/snmp, snmp6 and netstat. Those of TcpExt
// and IpExt have no group in their names here.
const (
	// Ip.
	mibIpForwarding counter = iota
	mibIpDefaultTTL
	mibIpInReceives
	mibIpInHdrErrors
	mibIpInAddrErrors
	mibIpForwDatagrams
	mibIpInUnknownProtos
	mibIpInDiscards
	mibIpInDelivers
	mibIpOutRequests
	mibIpOutDiscards
	mibIpOutNoRoutes
	mibIpReasmTimeout
	mibIpReasmReqds
	mibIpReasmOKs
	mibIpReasmFails
	mibIpFragOKs
	mibIpFragFails
	mibIpFragCreates
	mibIpOutTransmits

	// Icmp.
	mibIcmpInMsgs
	mibIcmpInErrors
	mibIcmpInCsumErrors
	mibIcmpInDestUnreachs
	mibIcmpInTimeExcds
	mibIcmpInParmProbs
	mibIcmpInSrcQuenchs
	mibIcmpInRedirects
	mibIcmpInEchos
	mibIcmpInEchoReps
	mibIcmpInTimestamps
	mibIcmpInTimestampReps
	mibIcmpInAddrMasks
	mibIcmpInAddrMaskReps
	mibIcmpOutMsgs
	mibIcmpOutErrors
	mibIcmpOutRateLimitGlobal
	mibIcmpOutRateLimitHost
	mibIcmpOutDestUnreachs
	mibIcmpOutTimeExcds
	mibIcmpOutParmProbs
	mibIcmpOutSrcQuenchs
	mibIcmpOutRedirects
	mibIcmpOutEchos
	mibIcmpOutEchoReps
	mibIcmpOutTimestamps
	mibIcmpOutTimestampReps
	mibIcmpOutAddrMasks
	mibIcmpOutAddrMaskReps

	// Tcp.
	mibTcpRtoAlgorithm
	mibTcpRtoMin
	mibTcpRtoMax
	mibTcpMaxConn
	mibTcpActiveOpens
	mibTcpPassiveOpens
	mibTcpAttemptFails
	mibTcpEstabResets
	mibTcpCurrEstab
	mibTcpInSegs
	mibTcpOutSegs
	mibTcpRetransSegs
	mibTcpInErrs
	mibTcpOutRsts
	mibTcpInCsumErrors

	// Udp.
	mibUdpInDatagrams
	mibUdpNoPorts
	mibUdpInErrors
	mibUdpOutDatagrams
	mibUdpRcvbufErrors
	mibUdpSndbufErrors
	mibUdpInCsumErrors
	mibUdpIgnoredMulti
	mibUdpMemErrors

	// UdpLite.
	mibUdpLiteInDatagrams
	mibUdpLiteNoPorts
	mibUdpLiteInErrors
	mibUdpLiteOutDatagrams
	mibUdpLiteRcvbufErrors
	mibUdpLiteSndbufErrors
	mibUdpLiteInCsumErrors
	mibUdpLiteIgnoredMulti
	mibUdpLiteMemErrors

	// Ip6.
	mibIp6InReceives
	mibIp6InHdrErrors
	mibIp6InTooBigErrors
	mibIp6InNoRoutes
	mibIp6InAddrErrors
	mibIp6InUnknownProtos
	mibIp6InTruncatedPkts
	mibIp6InDiscards
	mibIp6InDelivers
	mibIp6OutForwDatagrams
	mibIp6OutRequests
	mibIp6OutDiscards
	mibIp6OutNoRoutes
	mibIp6ReasmTimeout
	mibIp6ReasmReqds
	mibIp6ReasmOKs
	mibIp6ReasmFails
	mibIp6FragOKs
	mibIp6FragFails
	mibIp6FragCreates
	mibIp6InMcastPkts
	mibIp6OutMcastPkts
	mibIp6InOctets
	mibIp6OutOctets
	mibIp6InMcastOctets
	mibIp6OutMcastOctets
	mibIp6InBcastOctets
	mibIp6OutBcastOctets
	mibIp6InNoECTPkts
	mibIp6InECT1Pkts
	mibIp6InECT0Pkts
	mibIp6InCEPkts
	mibIp6OutTransmits

	// Icmp6.
	mibIcmp6InMsgs
	mibIcmp6InErrors
	mibIcmp6OutMsgs
	mibIcmp6OutErrors
	mibIcmp6InCsumErrors
	mibIcmp6OutRateLimitHost
	mibIcmp6InDestUnreachs
	mibIcmp6InPktTooBigs
	mibIcmp6InTimeExcds
	mibIcmp6InParmProblems
	mibIcmp6InEchos
	mibIcmp6InEchoReplies
	mibIcmp6InGroupMembQueries
	mibIcmp6InGroupMembResponses
	mibIcmp6InGroupMembReductions
	mibIcmp6InRouterSolicits
	mibIcmp6InRouterAdvertisements
	mibIcmp6InNeighborSolicits
	mibIcmp6InNeighborAdvertisements
	mibIcmp6InRedirects
	mibIcmp6InMLDv2Reports
	mibIcmp6OutDestUnreachs
	mibIcmp6OutPktTooBigs
	mibIcmp6OutTimeExcds
	mibIcmp6OutParmProblems
	mibIcmp6OutEchos
	mibIcmp6OutEchoReplies
	mibIcmp6OutGroupMembQueries
	mibIcmp6OutGroupMembResponses
	mibIcmp6OutGroupMembReductions
	mibIcmp6OutRouterSolicits
	mibIcmp6OutRouterAdvertisements
	mibIcmp6OutNeighborSolicits
	mibIcmp6OutNeighborAdvertisements
	mibIcmp6OutRedirects
	mibIcmp6OutMLDv2Reports

	// Udp6.
	mibUdp6InDatagrams
	mibUdp6NoPorts
	mibUdp6InErrors
	mibUdp6OutDatagrams
	mibUdp6RcvbufErrors
	mibUdp6SndbufErrors
	mibUdp6InCsumErrors
	mibUdp6IgnoredMulti
	mibUdp6MemErrors

	// UdpLite6.
	mibUdpLite6InDatagrams
	mibUdpLite6NoPorts
	mibUdpLite6InErrors
	mibUdpLite6OutDatagrams
	mibUdpLite6RcvbufErrors
	mibUdpLite6SndbufErrors
	mibUdpLite6InCsumErrors
	mibUdpLite6MemErrors

	// TcpExt.
	mibSyncookiesSent
	mibSyncookiesRecv
	mibSyncookiesFailed
	mibEmbryonicRsts
	mibPruneCalled
	mibRcvPruned
	mibOfoPruned
	mibOutOfWindowIcmps
	mibLockDroppedIcmps
	mibArpFilter
	mibTW
	mibTWRecycled
	mibTWKilled
	mibPAWSActive
	mibPAWSEstab
	mibDelayedACKs
	mibDelayedACKLocked
	mibDelayedACKLost
	mibListenOverflows
	mibListenDrops
	mibTCPHPHits
	mibTCPPureAcks
	mibTCPHPAcks
	mibTCPRenoRecovery
	mibTCPSackRecovery
	mibTCPSACKReneging
	mibTCPSACKReorder
	mibTCPRenoReorder
	mibTCPTSReorder
	mibTCPFullUndo
	mibTCPPartialUndo
	mibTCPDSACKUndo
	mibTCPLossUndo
	mibTCPLostRetransmit
	mibTCPRenoFailures
	mibTCPSackFailures
	mibTCPLossFailures
	mibTCPFastRetrans
	mibTCPSlowStartRetrans
	mibTCPTimeouts
	mibTCPLossProbes
	mibTCPLossProbeRecovery
	mibTCPRenoRecoveryFail
	mibTCPSackRecoveryFail
	mibTCPRcvCollapsed
	mibTCPBacklogCoalesce
	mibTCPDSACKOldSent
	mibTCPDSACKOfoSent
	mibTCPDSACKRecv
	mibTCPDSACKOfoRecv
	mibTCPAbortOnData
	mibTCPAbortOnClose
	mibTCPAbortOnMemory
	mibTCPAbortOnTimeout
	mibTCPAbortOnLinger
	mibTCPAbortFailed
	mibTCPMemoryPressures
	mibTCPMemoryPressuresChrono
	mibTCPSACKDiscard
	mibTCPDSACKIgnoredOld
	mibTCPDSACKIgnoredNoUndo
	mibTCPSpuriousRTOs
	mibTCPMD5NotFound
	mibTCPMD5Unexpected
	mibTCPMD5Failure
	mibTCPSackShifted
	mibTCPSackMerged
	mibTCPSackShiftFallback
	mibTCPBacklogDrop
	mibPFMemallocDrop
	mibTCPMinTTLDrop
	mibTCPDeferAcceptDrop
	mibIPReversePathFilter
	mibTCPTimeWaitOverflow
	mibTCPReqQFullDoCookies
	mibTCPReqQFullDrop
	mibTCPRetransFail
	mibTCPRcvCoalesce
	mibTCPOFOQueue
	mibTCPOFODrop
	mibTCPOFOMerge
	mibTCPChallengeACK
	mibTCPSYNChallenge
	mibTCPFastOpenActive
	mibTCPFastOpenActiveFail
	mibTCPFastOpenPassive
	mibTCPFastOpenPassiveFail
	mibTCPFastOpenListenOverflow
	mibTCPFastOpenCookieReqd
	mibTCPFastOpenBlackhole
	mibTCPSpuriousRtxHostQueues
	mibBusyPollRxPackets
	mibTCPAutoCorking
	mibTCPFromZeroWindowAdv
	mibTCPToZeroWindowAdv
	mibTCPWantZeroWindowAdv
	mibTCPSynRetrans
	mibTCPOrigDataSent
	mibTCPHystartTrainDetect
	mibTCPHystartTrainCwnd
	mibTCPHystartDelayDetect
	mibTCPHystartDelayCwnd
	mibTCPACKSkippedSynRecv
	mibTCPACKSkippedPAWS
	mibTCPACKSkippedSeq
	mibTCPACKSkippedFinWait2
	mibTCPACKSkippedTimeWait
	mibTCPACKSkippedChallenge
	mibTCPWinProbe
	mibTCPKeepAlive
	mibTCPMTUPFail
	mibTCPMTUPSuccess
	mibTCPDelivered
	mibTCPDeliveredCE
	mibTCPAckCompressed
	mibTCPZeroWindowDrop
	mibTCPRcvQDrop
	mibTCPWqueueTooBig
	mibTCPFastOpenPassiveAltKey
	mibTcpTimeoutRehash
	mibTcpDuplicateDataRehash
	mibTCPDSACKRecvSegs
	mibTCPDSACKIgnoredDubious
	mibTCPMigrateReqSuccess
	mibTCPMigrateReqFailure
	mibTCPPLBRehash
	mibTCPAORequired
	mibTCPAOBad
	mibTCPAOKeyNotFound
	mibTCPAOGood
	mibTCPAODroppedIcmps

	// IpExt.
	mibInNoRoutes
	mibInTruncatedPkts
	mibInMcastPkts
	mibOutMcastPkts
	mibInBcastPkts
	mibOutBcastPkts
	mibInOctets
	mibOutOctets
	mibInMcastOctets
	mibOutMcastOctets
	mibInBcastOctets
	mibOutBcastOctets
	mibInCsumErrors
	mibInNoECTPkts
	mibInECT1Pkts
	mibInECT0Pkts
	mibInCEPkts
	mibReasmOverlaps

	numCounters int = iota
)

// counterNames are the counters' groups and names, in the same order.
var counterNames = [numCounters]counterName{
	mibIpForwarding:                   {"Ip", "Forwarding"},
	mibIpDefaultTTL:                   {"Ip", "DefaultTTL"},
	mibIpInReceives:                   {"Ip", "InReceives"},
	mibIpInHdrErrors:                  {"Ip", "InHdrErrors"},
	mibIpInAddrErrors:                 {"Ip", "InAddrErrors"},
	mibIpForwDatagrams:                {"Ip", "ForwDatagrams"},
	mibIpInUnknownProtos:              {"Ip", "InUnknownProtos"},
	mibIpInDiscards:                   {"Ip", "InDiscards"},
	mibIpInDelivers:                   {"Ip", "InDelivers"},
	mibIpOutRequests:                  {"Ip", "OutRequests"},
	mibIpOutDiscards:                  {"Ip", "OutDiscards"},
	mibIpOutNoRoutes:                  {"Ip", "OutNoRoutes"},
	mibIpReasmTimeout:                 {"Ip", "ReasmTimeout"},
	mibIpReasmReqds:                   {"Ip", "ReasmReqds"},
	mibIpReasmOKs:                     {"Ip", "ReasmOKs"},
	mibIpReasmFails:                   {"Ip", "ReasmFails"},
	mibIpFragOKs:                      {"Ip", "FragOKs"},
	mibIpFragFails:                    {"Ip", "FragFails"},
	mibIpFragCreates:                  {"Ip", "FragCreates"},
	mibIpOutTransmits:                 {"Ip", "OutTransmits"},
	mibIcmpInMsgs:                     {"Icmp", "InMsgs"},
	mibIcmpInErrors:                   {"Icmp", "InErrors"},
	mibIcmpInCsumErrors:               {"Icmp", "InCsumErrors"},
	mibIcmpInDestUnreachs:             {"Icmp", "InDestUnreachs"},
	mibIcmpInTimeExcds:                {"Icmp", "InTimeExcds"},
	mibIcmpInParmProbs:                {"Icmp", "InParmProbs"},
	mibIcmpInSrcQuenchs:               {"Icmp", "InSrcQuenchs"},
	mibIcmpInRedirects:                {"Icmp", "InRedirects"},
	mibIcmpInEchos:                    {"Icmp", "InEchos"},
	mibIcmpInEchoReps:                 {"Icmp", "InEchoReps"},
	mibIcmpInTimestamps:               {"Icmp", "InTimestamps"},
	mibIcmpInTimestampReps:            {"Icmp", "InTimestampReps"},
	mibIcmpInAddrMasks:                {"Icmp", "InAddrMasks"},
	mibIcmpInAddrMaskReps:             {"Icmp", "InAddrMaskReps"},
	mibIcmpOutMsgs:                    {"Icmp", "OutMsgs"},
	mibIcmpOutErrors:                  {"Icmp", "OutErrors"},
	mibIcmpOutRateLimitGlobal:         {"Icmp", "OutRateLimitGlobal"},
	mibIcmpOutRateLimitHost:           {"Icmp", "OutRateLimitHost"},
	mibIcmpOutDestUnreachs:            {"Icmp", "OutDestUnreachs"},
	mibIcmpOutTimeExcds:               {"Icmp", "OutTimeExcds"},
	mibIcmpOutParmProbs:               {"Icmp", "OutParmProbs"},
	mibIcmpOutSrcQuenchs:              {"Icmp", "OutSrcQuenchs"},
	mibIcmpOutRedirects:               {"Icmp", "OutRedirects"},
	mibIcmpOutEchos:                   {"Icmp", "OutEchos"},
	mibIcmpOutEchoReps:                {"Icmp", "OutEchoReps"},
	mibIcmpOutTimestamps:              {"Icmp", "OutTimestamps"},
	mibIcmpOutTimestampReps:           {"Icmp", "OutTimestampReps"},
	mibIcmpOutAddrMasks:               {"Icmp", "OutAddrMasks"},
	mibIcmpOutAddrMaskReps:            {"Icmp", "OutAddrMaskReps"},
	mibTcpRtoAlgorithm:                {"Tcp", "RtoAlgorithm"},
	mibTcpRtoMin:                      {"Tcp", "RtoMin"},
	mibTcpRtoMax:                      {"Tcp", "RtoMax"},
	mibTcpMaxConn:                     {"Tcp", "MaxConn"},
	mibTcpActiveOpens:                 {"Tcp", "ActiveOpens"},
	mibTcpPassiveOpens:                {"Tcp", "PassiveOpens"},
	mibTcpAttemptFails:                {"Tcp", "AttemptFails"},
	mibTcpEstabResets:                 {"Tcp", "EstabResets"},
	mibTcpCurrEstab:                   {"Tcp", "CurrEstab"},
	mibTcpInSegs:                      {"Tcp", "InSegs"},
	mibTcpOutSegs:                     {"Tcp", "OutSegs"},
	mibTcpRetransSegs:                 {"Tcp", "RetransSegs"},
	mibTcpInErrs:                      {"Tcp", "InErrs"},
	mibTcpOutRsts:                     {"Tcp", "OutRsts"},
	mibTcpInCsumErrors:                {"Tcp", "InCsumErrors"},
	mibUdpInDatagrams:                 {"Udp", "InDatagrams"},
	mibUdpNoPorts:                     {"Udp", "NoPorts"},
	mibUdpInErrors:                    {"Udp", "InErrors"},
	mibUdpOutDatagrams:                {"Udp", "OutDatagrams"},
	mibUdpRcvbufErrors:                {"Udp", "RcvbufErrors"},
	mibUdpSndbufErrors:                {"Udp", "SndbufErrors"},
	mibUdpInCsumErrors:                {"Udp", "InCsumErrors"},
	mibUdpIgnoredMulti:                {"Udp", "IgnoredMulti"},
	mibUdpMemErrors:                   {"Udp", "MemErrors"},
	mibUdpLiteInDatagrams:             {"UdpLite", "InDatagrams"},
	mibUdpLiteNoPorts:                 {"UdpLite", "NoPorts"},
	mibUdpLiteInErrors:                {"UdpLite", "InErrors"},
	mibUdpLiteOutDatagrams:            {"UdpLite", "OutDatagrams"},
	mibUdpLiteRcvbufErrors:            {"UdpLite", "RcvbufErrors"},
	mibUdpLiteSndbufErrors:            {"UdpLite", "SndbufErrors"},
	mibUdpLiteInCsumErrors:            {"UdpLite", "InCsumErrors"},
	mibUdpLiteIgnoredMulti:            {"UdpLite", "IgnoredMulti"},
	mibUdpLiteMemErrors:               {"UdpLite", "MemErrors"},
	mibIp6InReceives:                  {"Ip6", "InReceives"},
	mibIp6InHdrErrors:                 {"Ip6", "InHdrErrors"},
	mibIp6InTooBigErrors:              {"Ip6", "InTooBigErrors"},
	mibIp6InNoRoutes:                  {"Ip6", "InNoRoutes"},
	mibIp6InAddrErrors:                {"Ip6", "InAddrErrors"},
	mibIp6InUnknownProtos:             {"Ip6", "InUnknownProtos"},
	mibIp6InTruncatedPkts:             {"Ip6", "InTruncatedPkts"},
	mibIp6InDiscards:                  {"Ip6", "InDiscards"},
	mibIp6InDelivers:                  {"Ip6", "InDelivers"},
	mibIp6OutForwDatagrams:            {"Ip6", "OutForwDatagrams"},
	mibIp6OutRequests:                 {"Ip6", "OutRequests"},
	mibIp6OutDiscards:                 {"Ip6", "OutDiscards"},
	mibIp6OutNoRoutes:                 {"Ip6", "OutNoRoutes"},
	mibIp6ReasmTimeout:                {"Ip6", "ReasmTimeout"},
	mibIp6ReasmReqds:                  {"Ip6", "ReasmReqds"},
	mibIp6ReasmOKs:                    {"Ip6", "ReasmOKs"},
	mibIp6ReasmFails:                  {"Ip6", "ReasmFails"},
	mibIp6FragOKs:                     {"Ip6", "FragOKs"},
	mibIp6FragFails:                   {"Ip6", "FragFails"},
	mibIp6FragCreates:                 {"Ip6", "FragCreates"},
	mibIp6InMcastPkts:                 {"Ip6", "InMcastPkts"},
	mibIp6OutMcastPkts:                {"Ip6", "OutMcastPkts"},
	mibIp6InOctets:                    {"Ip6", "InOctets"},
	mibIp6OutOctets:                   {"Ip6", "OutOctets"},
	mibIp6InMcastOctets:               {"Ip6", "InMcastOctets"},
	mibIp6OutMcastOctets:              {"Ip6", "OutMcastOctets"},
	mibIp6InBcastOctets:               {"Ip6", "InBcastOctets"},
	mibIp6OutBcastOctets:              {"Ip6", "OutBcastOctets"},
	mibIp6InNoECTPkts:                 {"Ip6", "InNoECTPkts"},
	mibIp6InECT1Pkts:                  {"Ip6", "InECT1Pkts"},
	mibIp6InECT0Pkts:                  {"Ip6", "InECT0Pkts"},
	mibIp6InCEPkts:                    {"Ip6", "InCEPkts"},
	mibIp6OutTransmits:                {"Ip6", "OutTransmits"},
	mibIcmp6InMsgs:                    {"Icmp6", "InMsgs"},
	mibIcmp6InErrors:                  {"Icmp6", "InErrors"},
	mibIcmp6OutMsgs:                   {"Icmp6", "OutMsgs"},
	mibIcmp6OutErrors:                 {"Icmp6", "OutErrors"},
	mibIcmp6InCsumErrors:              {"Icmp6", "InCsumErrors"},
	mibIcmp6OutRateLimitHost:          {"Icmp6", "OutRateLimitHost"},
	mibIcmp6InDestUnreachs:            {"Icmp6", "InDestUnreachs"},
	mibIcmp6InPktTooBigs:              {"Icmp6", "InPktTooBigs"},
	mibIcmp6InTimeExcds:               {"Icmp6", "InTimeExcds"},
	mibIcmp6InParmProblems:            {"Icmp6", "InParmProblems"},
	mibIcmp6InEchos:                   {"Icmp6", "InEchos"},
	mibIcmp6InEchoReplies:             {"Icmp6", "InEchoReplies"},
	mibIcmp6InGroupMembQueries:        {"Icmp6", "InGroupMembQueries"},
	mibIcmp6InGroupMembResponses:      {"Icmp6", "InGroupMembResponses"},
	mibIcmp6InGroupMembReductions:     {"Icmp6", "InGroupMembReductions"},
	mibIcmp6InRouterSolicits:          {"Icmp6", "InRouterSolicits"},
	mibIcmp6InRouterAdvertisements:    {"Icmp6", "InRouterAdvertisements"},
	mibIcmp6InNeighborSolicits:        {"Icmp6", "InNeighborSolicits"},
	mibIcmp6InNeighborAdvertisements:  {"Icmp6", "InNeighborAdvertisements"},
	mibIcmp6InRedirects:               {"Icmp6", "InRedirects"},
	mibIcmp6InMLDv2Reports:            {"Icmp6", "InMLDv2Reports"},
	mibIcmp6OutDestUnreachs:           {"Icmp6", "OutDestUnreachs"},
	mibIcmp6OutPktTooBigs:             {"Icmp6", "OutPktTooBigs"},
	mibIcmp6OutTimeExcds:              {"Icmp6", "OutTimeExcds"},
	mibIcmp6OutParmProblems:           {"Icmp6", "OutParmProblems"},
	mibIcmp6OutEchos:                  {"Icmp6", "OutEchos"},
	mibIcmp6OutEchoReplies:            {"Icmp6", "OutEchoReplies"},
	mibIcmp6OutGroupMembQueries:       {"Icmp6", "OutGroupMembQueries"},
	mibIcmp6OutGroupMembResponses:     {"Icmp6", "OutGroupMembResponses"},
	mibIcmp6OutGroupMembReductions:    {"Icmp6", "OutGroupMembReductions"},
	mibIcmp6OutRouterSolicits:         {"Icmp6", "OutRouterSolicits"},
	mibIcmp6OutRouterAdvertisements:   {"Icmp6", "OutRouterAdvertisements"},
	mibIcmp6OutNeighborSolicits:       {"Icmp6", "OutNeighborSolicits"},
	mibIcmp6OutNeighborAdvertisements: {"Icmp6", "OutNeighborAdvertisements"},
	mibIcmp6OutRedirects:              {"Icmp6", "OutRedirects"},
	mibIcmp6OutMLDv2Reports:           {"Icmp6", "OutMLDv2Reports"},
	mibUdp6InDatagrams:                {"Udp6", "InDatagrams"},
	mibUdp6NoPorts:                    {"Udp6", "NoPorts"},
	mibUdp6InErrors:                   {"Udp6", "InErrors"},
	mibUdp6OutDatagrams:               {"Udp6", "OutDatagrams"},
	mibUdp6RcvbufErrors:               {"Udp6", "RcvbufErrors"},
	mibUdp6SndbufErrors:               {"Udp6", "SndbufErrors"},
	mibUdp6InCsumErrors:               {"Udp6", "InCsumErrors"},
	mibUdp6IgnoredMulti:               {"Udp6", "IgnoredMulti"},
	mibUdp6MemErrors:                  {"Udp6", "MemErrors"},
	mibUdpLite6InDatagrams:            {"UdpLite6", "InDatagrams"},
	mibUdpLite6NoPorts:                {"UdpLite6", "NoPorts"},
	mibUdpLite6InErrors:               {"UdpLite6", "InErrors"},
	mibUdpLite6OutDatagrams:           {"UdpLite6", "OutDatagrams"},
	mibUdpLite6RcvbufErrors:           {"UdpLite6", "RcvbufErrors"},
	mibUdpLite6SndbufErrors:           {"UdpLite6", "SndbufErrors"},
	mibUdpLite6InCsumErrors:           {"UdpLite6", "InCsumErrors"},
	mibUdpLite6MemErrors:              {"UdpLite6", "MemErrors"},
	mibSyncookiesSent:                 {"TcpExt", "SyncookiesSent"},
	mibSyncookiesRecv:                 {"TcpExt", "SyncookiesRecv"},
	mibSyncookiesFailed:               {"TcpExt", "SyncookiesFailed"},
	mibEmbryonicRsts:                  {"TcpExt", "EmbryonicRsts"},
	mibPruneCalled:                    {"TcpExt", "PruneCalled"},
	mibRcvPruned:                      {"TcpExt", "RcvPruned"},
	mibOfoPruned:                      {"TcpExt", "OfoPruned"},
	mibOutOfWindowIcmps:               {"TcpExt", "OutOfWindowIcmps"},
	mibLockDroppedIcmps:               {"TcpExt", "LockDroppedIcmps"},
	mibArpFilter:                      {"TcpExt", "ArpFilter"},
	mibTW:                             {"TcpExt", "TW"},
	mibTWRecycled:                     {"TcpExt", "TWRecycled"},
	mibTWKilled:                       {"TcpExt", "TWKilled"},
	mibPAWSActive:                     {"TcpExt", "PAWSActive"},
	mibPAWSEstab:                      {"TcpExt", "PAWSEstab"},
	mibDelayedACKs:                    {"TcpExt", "DelayedACKs"},
	mibDelayedACKLocked:               {"TcpExt", "DelayedACKLocked"},
	mibDelayedACKLost:                 {"TcpExt", "DelayedACKLost"},
	mibListenOverflows:                {"TcpExt", "ListenOverflows"},
	mibListenDrops:                    {"TcpExt", "ListenDrops"},
	mibTCPHPHits:                      {"TcpExt", "TCPHPHits"},
	mibTCPPureAcks:                    {"TcpExt", "TCPPureAcks"},
	mibTCPHPAcks:                      {"TcpExt", "TCPHPAcks"},
	mibTCPRenoRecovery:                {"TcpExt", "TCPRenoRecovery"},
	mibTCPSackRecovery:                {"TcpExt", "TCPSackRecovery"},
	mibTCPSACKReneging:                {"TcpExt", "TCPSACKReneging"},
	mibTCPSACKReorder:                 {"TcpExt", "TCPSACKReorder"},
	mibTCPRenoReorder:                 {"TcpExt", "TCPRenoReorder"},
	mibTCPTSReorder:                   {"TcpExt", "TCPTSReorder"},
	mibTCPFullUndo:                    {"TcpExt", "TCPFullUndo"},
	mibTCPPartialUndo:                 {"TcpExt", "TCPPartialUndo"},
	mibTCPDSACKUndo:                   {"TcpExt", "TCPDSACKUndo"},
	mibTCPLossUndo:                    {"TcpExt", "TCPLossUndo"},
	mibTCPLostRetransmit:              {"TcpExt", "TCPLostRetransmit"},
	mibTCPRenoFailures:                {"TcpExt", "TCPRenoFailures"},
	mibTCPSackFailures:                {"TcpExt", "TCPSackFailures"},
	mibTCPLossFailures:                {"TcpExt", "TCPLossFailures"},
	mibTCPFastRetrans:                 {"TcpExt", "TCPFastRetrans"},
	mibTCPSlowStartRetrans:            {"TcpExt", "TCPSlowStartRetrans"},
	mibTCPTimeouts:                    {"TcpExt", "TCPTimeouts"},
	mibTCPLossProbes:                  {"TcpExt", "TCPLossProbes"},
	mibTCPLossProbeRecovery:           {"TcpExt", "TCPLossProbeRecovery"},
	mibTCPRenoRecoveryFail:            {"TcpExt", "TCPRenoRecoveryFail"},
	mibTCPSackRecoveryFail:            {"TcpExt", "TCPSackRecoveryFail"},
	mibTCPRcvCollapsed:                {"TcpExt", "TCPRcvCollapsed"},
	mibTCPBacklogCoalesce:             {"TcpExt", "TCPBacklogCoalesce"},
	mibTCPDSACKOldSent:                {"TcpExt", "TCPDSACKOldSent"},
	mibTCPDSACKOfoSent:                {"TcpExt", "TCPDSACKOfoSent"},
	mibTCPDSACKRecv:                   {"TcpExt", "TCPDSACKRecv"},
	mibTCPDSACKOfoRecv:                {"TcpExt", "TCPDSACKOfoRecv"},
	mibTCPAbortOnData:                 {"TcpExt", "TCPAbortOnData"},
	mibTCPAbortOnClose:                {"TcpExt", "TCPAbortOnClose"},
	mibTCPAbortOnMemory:               {"TcpExt", "TCPAbortOnMemory"},
	mibTCPAbortOnTimeout:              {"TcpExt", "TCPAbortOnTimeout"},
	mibTCPAbortOnLinger:               {"TcpExt", "TCPAbortOnLinger"},
	mibTCPAbortFailed:                 {"TcpExt", "TCPAbortFailed"},
	mibTCPMemoryPressures:             {"TcpExt", "TCPMemoryPressures"},
	mibTCPMemoryPressuresChrono:       {"TcpExt", "TCPMemoryPressuresChrono"},
	mibTCPSACKDiscard:                 {"TcpExt", "TCPSACKDiscard"},
	mibTCPDSACKIgnoredOld:             {"TcpExt", "TCPDSACKIgnoredOld"},
	mibTCPDSACKIgnoredNoUndo:          {"TcpExt", "TCPDSACKIgnoredNoUndo"},
	mibTCPSpuriousRTOs:                {"TcpExt", "TCPSpuriousRTOs"},
	mibTCPMD5NotFound:                 {"TcpExt", "TCPMD5NotFound"},
	mibTCPMD5Unexpected:               {"TcpExt", "TCPMD5Unexpected"},
	mibTCPMD5Failure:                  {"TcpExt", "TCPMD5Failure"},
	mibTCPSackShifted:                 {"TcpExt", "TCPSackShifted"},
	mibTCPSackMerged:                  {"TcpExt", "TCPSackMerged"},
	mibTCPSackShiftFallback:           {"TcpExt", "TCPSackShiftFallback"},
	mibTCPBacklogDrop:                 {"TcpExt", "TCPBacklogDrop"},
	mibPFMemallocDrop:                 {"TcpExt", "PFMemallocDrop"},
	mibTCPMinTTLDrop:                  {"TcpExt", "TCPMinTTLDrop"},
	mibTCPDeferAcceptDrop:             {"TcpExt", "TCPDeferAcceptDrop"},
	mibIPReversePathFilter:            {"TcpExt", "IPReversePathFilter"},
	mibTCPTimeWaitOverflow:            {"TcpExt", "TCPTimeWaitOverflow"},
	mibTCPReqQFullDoCookies:           {"TcpExt", "TCPReqQFullDoCookies"},
	mibTCPReqQFullDrop:                {"TcpExt", "TCPReqQFullDrop"},
	mibTCPRetransFail:                 {"TcpExt", "TCPRetransFail"},
	mibTCPRcvCoalesce:                 {"TcpExt", "TCPRcvCoalesce"},
	mibTCPOFOQueue:                    {"TcpExt", "TCPOFOQueue"},
	mibTCPOFODrop:                     {"TcpExt", "TCPOFODrop"},
	mibTCPOFOMerge:                    {"TcpExt", "TCPOFOMerge"},
	mibTCPChallengeACK:                {"TcpExt", "TCPChallengeACK"},
	mibTCPSYNChallenge:                {"TcpExt", "TCPSYNChallenge"},
	mibTCPFastOpenActive:              {"TcpExt", "TCPFastOpenActive"},
	mibTCPFastOpenActiveFail:          {"TcpExt", "TCPFastOpenActiveFail"},
	mibTCPFastOpenPassive:             {"TcpExt", "TCPFastOpenPassive"},
	mibTCPFastOpenPassiveFail:         {"TcpExt", "TCPFastOpenPassiveFail"},
	mibTCPFastOpenListenOverflow:      {"TcpExt", "TCPFastOpenListenOverflow"},
	mibTCPFastOpenCookieReqd:          {"TcpExt", "TCPFastOpenCookieReqd"},
	mibTCPFastOpenBlackhole:           {"TcpExt", "TCPFastOpenBlackhole"},
	mibTCPSpuriousRtxHostQueues:       {"TcpExt", "TCPSpuriousRtxHostQueues"},
	mibBusyPollRxPackets:              {"TcpExt", "BusyPollRxPackets"},
	mibTCPAutoCorking:                 {"TcpExt", "TCPAutoCorking"},
	mibTCPFromZeroWindowAdv:           {"TcpExt", "TCPFromZeroWindowAdv"},
	mibTCPToZeroWindowAdv:             {"TcpExt", "TCPToZeroWindowAdv"},
	mibTCPWantZeroWindowAdv:           {"TcpExt", "TCPWantZeroWindowAdv"},
	mibTCPSynRetrans:                  {"TcpExt", "TCPSynRetrans"},
	mibTCPOrigDataSent:                {"TcpExt", "TCPOrigDataSent"},
	mibTCPHystartTrainDetect:          {"TcpExt", "TCPHystartTrainDetect"},
	mibTCPHystartTrainCwnd:            {"TcpExt", "TCPHystartTrainCwnd"},
	mibTCPHystartDelayDetect:          {"TcpExt", "TCPHystartDelayDetect"},
	mibTCPHystartDelayCwnd:            {"TcpExt", "TCPHystartDelayCwnd"},
	mibTCPACKSkippedSynRecv:           {"TcpExt", "TCPACKSkippedSynRecv"},
	mibTCPACKSkippedPAWS:              {"TcpExt", "TCPACKSkippedPAWS"},
	mibTCPACKSkippedSeq:               {"TcpExt", "TCPACKSkippedSeq"},
	mibTCPACKSkippedFinWait2:          {"TcpExt", "TCPACKSkippedFinWait2"},
	mibTCPACKSkippedTimeWait:          {"TcpExt", "TCPACKSkippedTimeWait"},
	mibTCPACKSkippedChallenge:         {"TcpExt", "TCPACKSkippedChallenge"},
	mibTCPWinProbe:                    {"TcpExt", "TCPWinProbe"},
	mibTCPKeepAlive:                   {"TcpExt", "TCPKeepAlive"},
	mibTCPMTUPFail:                    {"TcpExt", "TCPMTUPFail"},
	mibTCPMTUPSuccess:                 {"TcpExt", "TCPMTUPSuccess"},
	mibTCPDelivered:                   {"TcpExt", "TCPDelivered"},
	mibTCPDeliveredCE:                 {"TcpExt", "TCPDeliveredCE"},
	mibTCPAckCompressed:               {"TcpExt", "TCPAckCompressed"},
	mibTCPZeroWindowDrop:              {"TcpExt", "TCPZeroWindowDrop"},
	mibTCPRcvQDrop:                    {"TcpExt", "TCPRcvQDrop"},
	mibTCPWqueueTooBig:                {"TcpExt", "TCPWqueueTooBig"},
	mibTCPFastOpenPassiveAltKey:       {"TcpExt", "TCPFastOpenPassiveAltKey"},
	mibTcpTimeoutRehash:               {"TcpExt", "TcpTimeoutRehash"},
	mibTcpDuplicateDataRehash:         {"TcpExt", "TcpDuplicateDataRehash"},
	mibTCPDSACKRecvSegs:               {"TcpExt", "TCPDSACKRecvSegs"},
	mibTCPDSACKIgnoredDubious:         {"TcpExt", "TCPDSACKIgnoredDubious"},
	mibTCPMigrateReqSuccess:           {"TcpExt", "TCPMigrateReqSuccess"},
	mibTCPMigrateReqFailure:           {"TcpExt", "TCPMigrateReqFailure"},
	mibTCPPLBRehash:                   {"TcpExt", "TCPPLBRehash"},
	mibTCPAORequired:                  {"TcpExt", "TCPAORequired"},
	mibTCPAOBad:                       {"TcpExt", "TCPAOBad"},
	mibTCPAOKeyNotFound:               {"TcpExt", "TCPAOKeyNotFound"},
	mibTCPAOGood:                      {"TcpExt", "TCPAOGood"},
	mibTCPAODroppedIcmps:              {"TcpExt", "TCPAODroppedIcmps"},
	mibInNoRoutes:                     {"IpExt", "InNoRoutes"},
	mibInTruncatedPkts:                {"IpExt", "InTruncatedPkts"},
	mibInMcastPkts:                    {"IpExt", "InMcastPkts"},
	mibOutMcastPkts:                   {"IpExt", "OutMcastPkts"},
	mibInBcastPkts:                    {"IpExt", "InBcastPkts"},
	mibOutBcastPkts:                   {"IpExt", "OutBcastPkts"},
	mibInOctets:                       {"IpExt", "InOctets"},
	mibOutOctets:                      {"IpExt", "OutOctets"},
	mibInMcastOctets:                  {"IpExt", "InMcastOctets"},
	mibOutMcastOctets:                 {"IpExt", "OutMcastOctets"},
	mibInBcastOctets:                  {"IpExt", "InBcastOctets"},
	mibOutBcastOctets:                 {"IpExt", "OutBcastOctets"},
	mibInCsumErrors:                   {"IpExt", "InCsumErrors"},
	mibInNoECTPkts:                    {"IpExt", "InNoECTPkts"},
	mibInECT1Pkts:                     {"IpExt", "InECT1Pkts"},
	mibInECT0Pkts:                     {"IpExt", "InECT0Pkts"},
	mibInCEPkts:                       {"IpExt", "InCEPkts"},
	mibReasmOverlaps:                  {"IpExt", "ReasmOverlaps"},
}
