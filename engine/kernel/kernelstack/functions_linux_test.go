package kernelstack

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tcpdrill/engine/drill"
	"tcpdrill/engine/kernel/tracefs"
)

// trace has the kernel's functions traced for a test.
func trace(t *testing.T) {
	t.Helper()
	stop, err := TraceFunctions()
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(stop)
}

// The kernel's functions say which timer sent what: a loss probe, and the timeout.
func TestFunctions(t *testing.T) {
	s := open(t)
	trace(t)
	const source = "`sysctl -q net.ipv4.tcp_congestion_control=reno net.ipv4.tcp_early_retrans=4 net.ipv4.tcp_sack=1`" + `
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 32792 <mss 1000,nop,nop,sackOK>
+0 > S. 0:0(0) ack 1 <mss 1460,nop,nop,sackOK>
+.02 < . 1:1(0) ack 1 win 32792
+0 accept(3, ..., ...) = 4
+0 write(4, ..., 2000) = 2000
+0 > P. 1:2001(2000) ack 1
+.03~+.09 > P. 1001:2001(1000) ack 1
+.1~+.4 > . 1:1001(1000) ack 1
`
	o, err := s.Run(context.Background(), drill.NewJob("test.pkt", []byte(source), nil))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	seen := 0
	for _, e := range o.Timeline {
		if e.Length == 0 {
			continue
		}
		got = append(got, e.Cause)
		seen += min(len(e.Functions), 1)
		want := map[string][]string{
			"synack": {"tcp_conn_request"}, "write": {"tcp_sendmsg"},
			// The second where the stack of an idle processor can't be unwound.
			"tlp": {"tcp_send_loss_probe", "tcp_write_timer"}, "rto": {"tcp_retransmit_timer", "tcp_write_timer"},
		}[e.Cause]
		if len(e.Functions) > 0 && !slices.ContainsFunc(want, func(f string) bool { return slices.Contains(e.Functions, f) }) {
			t.Errorf("%s (%s) by %v, want some of %v", e.Text, e.Cause, e.Functions, want)
		}
	}
	// One whose length and time are another test's, too, has none.
	if seen == 0 {
		t.Error("no packet has functions")
	}
	if strings.Join(got, " ") != "synack write tlp rto" {
		t.Errorf("%q, %+v", got, o.Failures)
	}
}

// What may be another script's packet isn't taken.
func TestMatch(t *testing.T) {
	const us = time.Microsecond
	a, b := []string{"tcp_sendmsg"}, []string{"tcp_write_timer"}
	traced := []tracefs.Sending{
		{At: 1005 * us, Length: 40, Functions: a},
		{At: 1006 * us, Length: 52, Functions: b}, // another's length
		{At: 2004 * us, Length: 40, Functions: a},
		{At: 2030 * us, Length: 40, Functions: b}, // may be it, too
		{At: 3004 * us, Length: 40, Functions: a}, // two of one burst
		{At: 3012 * us, Length: 40, Functions: b},
		{At: 4500 * us, Length: 40, Functions: a}, // too late
		{At: 5004 * us, Length: 40, Functions: a}, // either is as good
		{At: 5005 * us, Length: 40, Functions: a},
	}
	at := func(d time.Duration) sent { return sent{d * us, 40} }
	all := []sent{at(3008), at(1000), at(1000), at(2000), at(3000), at(4000), at(5000)}
	want := map[sent]string{at(1000): "tcp_sendmsg", at(3000): "tcp_sendmsg", at(3008): "tcp_write_timer", at(5000): "tcp_sendmsg"}
	got := map[sent]string{}
	for p, s := range match(all, traced) {
		got[p] = s.Functions[0]
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}
