package netstack

import "tcpdrill/engine"

// SNMP implements engine.Host: of Linux's counters, those that netstack has, by Linux's
// names.
func (s *Stack) SNMP() ([]engine.Counter, error) {
	t := s.stack.Stats().TCP
	var list []engine.Counter
	for _, c := range []struct {
		group, name string
		value       uint64
	}{
		{"Tcp", "ActiveOpens", t.ActiveConnectionOpenings.Value()},
		{"Tcp", "PassiveOpens", t.PassiveConnectionOpenings.Value()},
		{"Tcp", "AttemptFails", t.FailedConnectionAttempts.Value()},
		{"Tcp", "EstabResets", t.EstablishedResets.Value()},
		{"Tcp", "CurrEstab", t.CurrentEstablished.Value()},
		{"Tcp", "InSegs", t.ValidSegmentsReceived.Value() + t.InvalidSegmentsReceived.Value() + t.ChecksumErrors.Value()},
		{"Tcp", "OutSegs", t.SegmentsSent.Value()},
		{"Tcp", "RetransSegs", t.Retransmits.Value()},
		{"Tcp", "InErrs", t.InvalidSegmentsReceived.Value() + t.ChecksumErrors.Value()},
		{"Tcp", "OutRsts", t.ResetsSent.Value()},
		{"Tcp", "InCsumErrors", t.ChecksumErrors.Value()},
		{"TcpExt", "TCPRenoRecovery", t.FastRecovery.Value()},
		{"TcpExt", "TCPSackRecovery", t.SACKRecovery.Value()},
		{"TcpExt", "TCPFastRetrans", t.FastRetransmit.Value()},
		{"TcpExt", "TCPSlowStartRetrans", t.SlowStartRetransmits.Value()},
		{"TcpExt", "TCPTimeouts", t.Timeouts.Value()},
		{"TcpExt", "TCPLossProbeRecovery", t.TLPRecovery.Value()},
	} {
		list = append(list, engine.Counter{Group: c.group, Name: c.name, Value: c.value})
	}
	return list, nil
}
