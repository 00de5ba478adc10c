package causes

import "slices"

// Linux's functions that send, and why they do. The first that is found counts: those
// that are called by others come first. Some send for several reasons. Functions may be
// missing among others: the compiler inlines them, or makes their last call a jump.
var functions = []struct {
	name  string
	words []string
}{
	{"tcp_send_active_reset", []string{abort}},
	{"tcp_send_loss_probe", []string{tlp}},
	{"tcp_rack_reo_timeout", []string{rack}},
	{"tcp_send_probe0", []string{probe, corkTimer}},
	{"tcp_probe_timer", []string{probe, corkTimer}},
	{"tcp_keepalive_timer", []string{keepalive}},
	{"tcp_fastopen_synack_timer", []string{synTimer}},
	{"tcp_retransmit_timer", []string{rto, synTimer}},
	{"reqsk_timer_handler", []string{synTimer}},
	{"tcp_delack_timer_handler", []string{delack}},
	{"tcp_delack_timer", []string{delack}},
	{"tcp_compressed_ack_kick", []string{compressedAck}},
	{"tcp_pace_kick", []string{pacing}},
	{"tcp_v4_send_reset", []string{reset}},
	{"tcp_v6_send_reset", []string{reset}},
	{"tcp_v4_timewait_ack", []string{timeWait}},
	{"tcp_v6_timewait_ack", []string{timeWait}},
	{"tcp_timewait_state_process", []string{timeWait}},
	{"tcp_v4_reqsk_send_ack", packetWords},
	{"tcp_check_req", packetWords},
	{"tcp_v4_send_ack", []string{timeWait}}, // if tcp_v4_timewait_ack was inlined
	{"tcp_send_challenge_ack", []string{challenge}},
	{"tcp_send_dupack", []string{dupAck}},
	{"tcp_mtu_probe", []string{mtuProbe}},
	{"tcp_xmit_retransmit_queue", []string{fastRetransmit, lossRecovery}},
	{"tcp_v4_send_synack", []string{synAck}},
	{"tcp_v6_send_synack", []string{synAck}},
	{"tcp_connect", []string{syn}},
	{"tcp_sendmsg", []string{write, nagle, cork, urgent}},
	{"tcp_sendmsg_locked", []string{write, nagle, cork, urgent}},
	{"tcp_shutdown", []string{fin, nagle, cork}},
	{"__tcp_close", []string{fin, nagle, cork}},
	{"tcp_cleanup_rbuf", []string{windowUpdate, ackNow}},
	{"tcp_v4_rcv", packetWords},
	{"tcp_v6_rcv", packetWords},
	{"tcp_write_timer", []string{tlp, rto, rack, probe, corkTimer, synTimer}},
}

// packetWords are the causes of what is sent when a packet has come, by none of those
// functions.
var packetWords = []string{ack, nagle, cork, fin, ackNow, dupAck, handshake, synAck, challenge, windowUpdate, fastRetransmit, lossRecovery, reset}

// OfFunctions is the cause of a segment that these functions of the kernel sent, the
// innermost first, if it can be only one. word is what is known of it otherwise, "" for
// nothing, and maybe what it could be then. What contradicts each other isn't known.
func OfFunctions(names []string, word string, maybe []string) string {
	for _, f := range functions {
		if !slices.Contains(names, f.name) {
			continue
		}
		switch {
		case word != "" && slices.Contains(f.words, word):
			return word
		case word != "":
			return ""
		case len(f.words) == 1:
			return f.words[0]
		}
		for _, m := range maybe {
			if slices.Contains(f.words, m) {
				if word != "" && word != m {
					return ""
				}
				word = m
			}
		}
		return word
	}
	return word
}
