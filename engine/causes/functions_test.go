package causes

import (
	"strings"
	"testing"
)

func TestOfFunctions(t *testing.T) {
	for _, tt := range []struct {
		names, word, maybe, want string
	}{
		{"tcp_write_xmit tcp_send_loss_probe tcp_write_timer", "", "", tlp},
		{"tcp_write_xmit tcp_send_loss_probe tcp_write_timer", rto, "", ""}, // one of both is wrong
		{"tcp_write_wakeup tcp_send_probe0 tcp_write_timer", "", "", ""},
		{"tcp_write_wakeup tcp_send_probe0 tcp_write_timer", corkTimer, "", corkTimer},
		{"tcp_write_timer", rto, "", rto},
		{"tcp_write_timer", "", "", ""},
		{"tcp_write_xmit tcp_sendmsg_locked tcp_sendmsg", "", "ack write", write},
		{"tcp_write_xmit tcp_sendmsg_locked tcp_sendmsg", "", "ack", ""},
		{"tcp_write_xmit tcp_sendmsg_locked tcp_sendmsg", "", "nagle write", ""},
		{"tcp_write_xmit tcp_rcv_established tcp_v4_do_rcv tcp_v4_rcv", "", "ack write", ack},
		{"tcp_write_xmit tcp_send_loss_probe tcp_write_timer tcp_release_cb tcp_sendmsg", "", "write", tlp},
		{"tcp_send_active_reset tcp_write_err tcp_retransmit_timer tcp_write_timer", abort, "", abort},
		{"tcp_v4_send_ack tcp_v4_rcv", "", "", timeWait},
		{"tcp_v4_send_ack tcp_check_req tcp_v4_rcv", "", "", ""},
		{"", write, "", write},
		{"something_else", write, "", write},
	} {
		if got := OfFunctions(strings.Fields(tt.names), tt.word, strings.Fields(tt.maybe)); got != tt.want {
			t.Errorf("%s, %q, maybe %q: %q, want %q", tt.names, tt.word, tt.maybe, got, tt.want)
		}
	}
}
