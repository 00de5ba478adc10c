package tracefs

import (
	"fmt"
	"strings"
	"testing"
)

// Of two processors, whose lines mix; a stack that a timer's interrupt began; some that
// are missing.
const pipe = `             exe-171     [000] b..1.   394.860667: net_dev_start_xmit: dev=tun0 queue_mapping=0 skbaddr=0000 len=60 data_len=0 gso_size=0 gso_segs=0 gso_type=0x0
          <idle>-0       [001] b.s1.   394.860669: net_dev_start_xmit: dev=tun0 queue_mapping=0 skbaddr=0000 len=4052 data_len=4000 gso_size=1000 gso_segs=4 gso_type=0x1
             exe-171     [000] b..1.   394.860671: <stack trace>
 => dev_hard_start_xmit
 => ip_output
 => tcp_v4_send_synack
 => tcp_conn_request
 => tcp_rcv_state_process
 => tun_get_user
 => entry_SYSCALL_64_after_hwframe
          <idle>-0       [001] b.s1.   394.860672: <stack trace>
 => __ip_queue_xmit
 => __tcp_transmit_skb
 => tcp_write_xmit.part.0
 => tcp_send_loss_probe
 => tcp_write_timer
 => call_timer_fn
 => tcp_sendmsg
          <idle>-0       [001] b.s1.   394.860680: net_dev_start_xmit: dev=tun0 len=52 gso_size=0
CPU:0 [LOST 7 EVENTS]
             exe-171     [000] b..1.  1394.000001: net_dev_start_xmit: dev=tun0 len=52 gso_size=0
          a [b] c-171     [000] b..1.  1394.000009: net_dev_start_xmit: dev=tun0 len=53 gso_size=0
             exe-171     [000] b..1.  1394.000010: <stack trace>
 => __tcp_push_pending_frames
             exe-171     [000] b..1.  1394.000011: net_dev_start_xmit: dev=tun0 len=54 gso_size=0
             exe-171     [000] b..1.  1394.000012: <stack trace>
 => sch_direct_xmit
 => __qdisc_run
 => tcp_sendmsg
          <idle>-0       [001] ..s1.  1395.000001: timer_expire_entry: timer=00000000f1 function=tcp_write_timer now=4295 baseclk=4295
          <idle>-0       [001] b.s1.  1395.000002: net_dev_start_xmit: dev=tun0 len=55 gso_size=0
          <idle>-0       [001] ..s1.  1395.000003: timer_expire_exit: timer=00000000f1
          <idle>-0       [001] b.s1.  1395.000004: net_dev_start_xmit: dev=tun0 len=56 gso_size=0
          <idle>-0       [001] b.s1.  1395.000005: net_dev_start_xmit: dev=tun0 len=57 gso_size=0
`

func TestParse(t *testing.T) {
	for _, size := range []int{1, 7, len(pipe)} {
		var got []string
		p := newParser(func(s Sending) {
			got = append(got, fmt.Sprintf("%v %d %v", s.At, s.Length, s.Functions))
		}, func() { got = append(got, "lost") })
		for at := 0; at < len(pipe); at += size {
			p.parse([]byte(pipe[at:min(len(pipe), at+size)]))
		}
		p.parse([]byte("x\n")) // whatever follows
		want := []string{
			"6m34.860667s 60 [tcp_v4_send_synack tcp_conn_request tcp_rcv_state_process]",
			"6m34.860669s 4052 [tcp_write_xmit tcp_send_loss_probe tcp_write_timer]",
			"lost",
			"23m14.000001s 52 []",
			"23m14.000009s 53 [__tcp_push_pending_frames]",
			"23m14.000011s 54 []",
			"23m15.000002s 55 [tcp_write_timer]",
			"23m15.000004s 56 []",
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("in pieces of %d:\n%s\nwant\n%s", size, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

func BenchmarkParse(b *testing.B) {
	p := newParser(func(Sending) {}, func() {})
	for b.Loop() {
		p.parse([]byte(pipe))
	}
}
