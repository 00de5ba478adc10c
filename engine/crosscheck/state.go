package crosscheck

import (
	"fmt"
	"strings"
)

// stateFields are what scripts print of TCP_INFO. Times are left out but for the
// retransmission timeout: the others vary by microseconds.
var stateFields = []string{
	"state", "ca_state", "retransmits", "probes", "backoff", "options", "snd_wscale", "rcv_wscale",
	"rto", "snd_mss", "rcv_mss", "unacked", "sacked", "lost", "retrans", "pmtu", "rcv_ssthresh",
	"snd_ssthresh", "snd_cwnd", "advmss", "reordering", "total_retrans", "notsent_bytes",
	"bytes_acked", "bytes_received", "segs_out", "segs_in", "data_segs_in", "data_segs_out",
	"delivered", "delivered_ce", "bytes_sent", "bytes_retrans", "dsack_dups", "reord_seen",
}

// statePrint writes the code block that prints them. Each has a number of its
// own, so that lines of two runs are found by it.
func statePrint(n int) string {
	var format, values []string
	for _, f := range stateFields {
		format = append(format, f+"=%d")
		values = append(values, "tcpi_"+f)
	}
	return fmt.Sprintf("%%{ print('state %d %s' %% (%s)) }%%", n, strings.Join(format, " "), strings.Join(values, ", "))
}
