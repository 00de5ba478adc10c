package golden

import (
	"strings"
	"testing"
	"time"
)

// head is the header of a trace in these tests.
const head = `// tcpdrill trace
// script: a.pkt
// ip-version: ipv4
// stack: STACK
// version: Linux 6.12.9, HZ=1000
// tick: 1ms
// tolerance: 4ms
// verdict: pass
// until: 9.0000

0.0000 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
0.0000 < S 0:0(0) win 32792 <mss 1000,nop,wscale 7>
0.0000 > S. 0:0(0) ack 1 win 64240 <mss 1460,nop,wscale 7>
0.0200 < . 1:1(0) ack 1 win 257
0.0200 accept(3, ..., ...) = 4
`

// read makes a trace of lines after a handshake.
func read(t *testing.T, stack, lines string) *Trace {
	t.Helper()
	text := strings.Replace(head, "STACK", stack, 1) + strings.TrimLeft(lines, "\n")
	trace, err := Read("a.trace", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return trace
}

// What differs between two traces is told shortly.
func TestStatements(t *testing.T) {
	for _, tt := range []struct {
		name, ref, own string
		want           []string
	}{{
		name: "the same",
		ref:  "0.0200 write(4, ..., 1000) = 1000\n0.0200 > P. 1:1001(1000) ack 1 win 502\n0.0600 > P. 1:1001(1000) ack 1 win 502\n",
		own:  "0.0200 write(4, ..., 1000) = 1000\n0.0200 > P. 1:1001(1000) ack 1 win 502\n0.0630 > P. 1:1001(1000) ack 1 win 502\n",
	}, {
		name: "PSH",
		ref:  "0.0200 > . 1:1001(1000) ack 1 win 502\n0.0200 > P. 1001:2001(1000) ack 1 win 502\n",
		own:  "0.0200 > P. 1:1001(1000) ack 1 win 502\n0.0200 > . 1001:2001(1000) ack 1 win 502\n",
		want: []string{"PSH on 1:1001", "no PSH on 1001:2001"},
	}, {
		name: "PSH on several",
		ref:  "0.0200 > . 1:1001(1000) ack 1 win 502\n0.0200 > . 1001:2001(1000) ack 1 win 502\n",
		own:  "0.0200 > P. 1:1001(1000) ack 1 win 502\n0.0200 > P. 1001:2001(1000) ack 1 win 502\n",
		want: []string{"PSH on 1:1001, 1001:2001"},
	}, {
		name: "FIN on its own",
		ref:  "0.2200 > FP. 1:1361(1360) ack 1 win 502\n",
		own:  "0.2200 > P. 1:1361(1360) ack 1 win 502\n0.2200 > F. 1361:1361(0) ack 1 win 502\n",
		want: []string{"FIN not merged with 1:1361"},
	}, {
		name: "other cuts",
		ref:  "0.0200 > . 1:1449(1448) ack 1 win 502\n0.0200 > P. 1449:2001(552) ack 1 win 502\n",
		own:  "0.0200 > P. 1:2001(2000) ack 1 win 502\n",
		want: []string{"1:2001 as one segment where kernel sends 1448 + 552"},
	}, {
		name: "the same on the wire",
		ref:  "0.0200 > P. 1:2897(2896) ack 1 win 502 gso 1448\n",
		own:  "0.0200 > . 1:1449(1448) ack 1 win 502\n0.0200 > P. 1449:2897(1448) ack 1 win 502\n",
		want: []string{"1:2897 leaves as 1448 + 1448 where kernel has one segment, the same on the wire"},
	}, {
		name: "PSH inside a burst",
		ref:  "0.0200 > P. 1:2897(2896) ack 1 win 502 gso 1448\n",
		own:  "0.0200 > P. 1:1449(1448) ack 1 win 502\n0.0200 > P. 1449:2897(1448) ack 1 win 502\n",
		want: []string{"PSH on 1:1449", "1:2897 leaves as 1448 + 1448 where kernel has one segment"},
	}, {
		name: "later, and why",
		ref:  "0.0200 > P. 1:6(5) ack 1 win 502\n0.0700 > P. 1:6(5) ack 1 win 502 cause \"tlp\"\n",
		own:  "0.0200 > P. 1:6(5) ack 1 win 502\n0.2260 > P. 1:6(5) ack 1 win 502 cause \"rto\"\n",
		want: []string{"retransmits 1:6 156 ms later: rto, not tlp"},
	}, {
		name: "no delayed ACK",
		ref:  "0.0300 < P. 1:11(10) ack 1 win 257\n0.0700 > . 1:1(0) ack 11 win 502 cause \"delack\"\n",
		own:  "0.0300 < P. 1:11(10) ack 1 win 257\n0.0300 > . 1:1(0) ack 11 win 502\n",
		want: []string{"sends ACK 11 40 ms earlier than kernel's delack"},
	}, {
		name: "one ACK for two",
		ref:  "0.0300 > . 1:1(0) ack 1001 win 502\n0.0300 > . 1:1(0) ack 2001 win 502\n",
		own:  "0.0300 > . 1:1(0) ack 2001 win 502\n",
		want: []string{"no ACK 1001"},
	}, {
		name: "a probe that isn't sent",
		ref:  "0.0200 > P. 1:1001(1000) ack 1 win 502\n0.0600 > P. 1:1001(1000) ack 1 win 502 cause \"tlp\"\n0.2600 > P. 1:1001(1000) ack 1 win 502 cause \"rto\"\n",
		own:  "0.0200 > P. 1:1001(1000) ack 1 win 502\n0.2600 > P. 1:1001(1000) ack 1 win 502 cause \"rto\"\n",
		want: []string{"one retransmission of 1:1001 less (tlp)"},
	}, {
		name: "fields",
		ref:  "0.0200 > P. 1:1001(1000) ack 1 win 502 <nop,nop,TS val 100 ecr 1>\n",
		own:  "0.0200 > [ect0] P. 1:1001(1000) ack 2 win 501 <nop,nop,TS val 100 ecr 2>\n",
		want: []string{"ack 2 on 1:1001 where kernel has ack 1", "ect0 on 1:1001 where kernel has none",
			"win 64128 on 1:1001 where kernel has 64256", "TS val 100 ecr 2 on 1:1001 where kernel has 100 1"},
	}, {
		name: "PSH inside a burst of the reference",
		ref:  "0.0200 > P. 1:1449(1448) ack 1 win 502\n0.0200 > P. 1449:2897(1448) ack 1 win 502\n",
		own:  "0.0200 > P. 1:2897(2896) ack 1 win 502 gso 1448\n",
		want: []string{"no PSH on 1:1449", "1:2897 leaves as one segment where kernel has 1448 + 1448"},
	}, {
		name: "a RST with an ACK",
		ref:  "0.0200 > R 1:1(0) win 0\n",
		own:  "0.0200 > R. 1:1(0) ack 1 win 0\n",
		want: []string{"ACK on the RST", "ack 1 on the RST where kernel has none"},
	}, {
		name: "no FIN at all",
		ref:  "0.0200 > FP. 1:101(100) ack 1 win 502\n",
		own:  "0.0200 > P. 1:101(100) ack 1 win 502\n",
		want: []string{"no FIN on 1:101"},
	}, {
		name: "a call that isn't there",
		ref:  "0.0200 write(4, ..., 1000) = 1000\n",
		own:  "0.0200 write(4, ..., 1000) = ... // isn't supported\n",
		want: []string{"write isn't supported"},
	}, {
		name: "readings",
		ref:  "// state: 0.0300 tcpi_a = 1, tcpi_b = 2\n// state: 0.0400 tcpi_a = 1\n",
		own:  "// state: 0.0300 tcpi_b = 3\n",
		want: []string{"no tcpi_a where kernel has 1, tcpi_b = 3 where kernel has 2", "nothing read where kernel has tcpi_a = 1"},
	}, {
		name: "an input that could not be made",
		ref:  "0.0200 < . 1:1(0) ack 1 win 5\n0.0300 write(4, ..., 1) = 1\n",
		own:  "0.0300 write(4, ..., 1) = 1\n",
		want: []string{"isn't given . 1:1(0) ack 1 win 5"},
	}, {
		name: "the end before the end",
		ref:  "0.0200 < . 1:1(0) ack 1 win 5\n0.0300 write(4, ..., 1) = 1\n",
		own:  "0.0200 < . 1:1(0) ack 1 win 5\n",
		want: []string{"stops before write(4, ..., 1) = 1"},
	}, {
		name: "calls",
		ref:  "0.0200 write(4, ..., 1000) = 1000\n0.0300...0.2000 read(4, ..., 10) = 0\n",
		own:  "0.0200 write(4, ..., 1000) = -1 EAGAIN (Resource temporarily unavailable)\n0.0300 read(4, ..., 10) = ... // hasn't returned\n",
		want: []string{"write = -1 EAGAIN where kernel has 1000", "read doesn't return"},
	}, {
		name: "another script",
		ref:  "0.0200 write(4, ..., 1000) = 1000\n",
		own:  "0.0200 write(4, ..., 2000) = 2000\n",
		want: []string{"another script: write(4, ..., 2000) = 2000 where kernel has write(4, ..., 1000) = 1000"},
	}} {
		t.Run(tt.name, func(t *testing.T) {
			ref, own := read(t, "kernel", tt.ref), read(t, "gostack", tt.own)
			c := Compare(ref, []*Trace{own}, Options{})[0]
			got := Brief(c.Differences)
			if strings.Join(got, "\n") != strings.Join(tt.want, "\n") {
				t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(tt.want, "\n  "))
			}
		})
	}
}

// Where an input came later, so may what it brought about; and nothing is said of a
// time in which nobody watched.
func TestShifted(t *testing.T) {
	ref := read(t, "kernel", "0.1000 < P. 1:11(10) ack 1 win 257\n0.1400 > . 1:1(0) ack 11 win 502\n0.9000 > P. 1:6(5) ack 11 win 502\n")
	own := read(t, "gostack", "0.3000 < P. 1:11(10) ack 1 win 257\n0.3400 > . 1:1(0) ack 11 win 502\n")
	own.Until = 400 * time.Millisecond
	if c := Compare(ref, []*Trace{own}, Options{})[0]; !c.Agree() {
		t.Errorf("shifted: %v", Brief(c.Differences))
	}
	own.Until = 2 * time.Second
	if c := Compare(ref, []*Trace{own}, Options{})[0]; c.Agree() {
		t.Error("it is the same though a segment is missing")
	}
}

// A stack that did the same and says why explains what the reference did.
func TestExplained(t *testing.T) {
	ref := read(t, "kernel", "0.0200 > P. 1:6(5) ack 1 win 502\n0.0700 > P. 1:6(5) ack 1 win 502\n")
	knows := read(t, "gostack", "0.0200 > P. 1:6(5) ack 1 win 502\n0.0700 > P. 1:6(5) ack 1 win 502 cause \"tlp\"\n")
	own := read(t, "netstack", "0.0200 > P. 1:6(5) ack 1 win 502\n0.2260 > P. 1:6(5) ack 1 win 502\n")
	all := Compare(ref, []*Trace{knows, own}, Options{})
	if !all[0].Agree() {
		t.Error(Brief(all[0].Differences))
	}
	if got := Brief(all[1].Differences); len(got) != 1 || got[0] != "retransmits 1:6 156 ms later than kernel's tlp" {
		t.Error(got)
	}
}

// Exactly means to the last letter; otherwise times may be off as timers are.
func TestCheck(t *testing.T) {
	lines := "0.0200 write(4, ..., 1000) = 1000\n0.0200 > P. 1:1001(1000) ack 1 win 502\n0.2240 > P. 1:1001(1000) ack 1 win 502 cause \"rto\"\n"
	for _, tt := range []struct {
		old, new string
		exact    bool // found where time is virtual
		real     bool // found where it isn't
	}{
		{"", "", false, false},
		{"> P. 1:1001", "> . 1:1001", true, true},
		{"1:1001(1000)", "1:1002(1001)", true, true},
		{"0.0200 > P. 1:1001(1000) ack 1 win 502", "0.0200 > . 1:501(500) ack 1 win 502\n0.0200 > P. 501:1001(500) ack 1 win 502", true, true},
		{"0.2240", "0.2250", true, false},
		{"0.2240", "0.2440", true, true},
		{`"rto"`, `"tlp"`, true, true},
		{` cause "rto"`, "", false, false},                       // not known any more
		{"win 502\n", "win 502 cause \"write\"\n", false, false}, // known now
	} {
		was, is := read(t, "gostack", lines), read(t, "gostack", strings.Replace(lines, tt.old, tt.new, 1))
		if c := Check(was, is); c.Agree() == tt.exact {
			t.Errorf("%s → %s: %v", tt.old, tt.new, Brief(c.Differences))
		}
		was.Virtual, is.Virtual = false, false
		if c := Check(was, is); c.Agree() == tt.real {
			t.Errorf("%s → %s, in real time: %v", tt.old, tt.new, Brief(c.Differences))
		}
	}
}

// A recording learns causes, and is else left as it is.
func TestRenewCauses(t *testing.T) {
	const old = "0.0200 write(4, ..., 1000) = 1000\n0.0200 > P. 1:1001(1000) ack 1 win 502\n"
	was := read(t, "kernel", old)
	is := read(t, "kernel", strings.Replace(strings.Replace(old, "win 502", "win 502 cause \"write\"", 1), "0.0200", "0.0201", 2))
	was.Virtual, is.Virtual = false, false
	want := `0.020 > P. 1:1001(1000) ack 1 win 502 cause "write"`
	for range 2 { // known now, and not known any more
		if was = Renew(was, is); !strings.Contains(string(was.Bytes(".")), want) {
			t.Errorf("%s isn't in\n%s", want, was.Bytes("."))
		}
		is = read(t, "kernel", old)
		is.Virtual = false
	}
}

// A trace that is written and read is the same.
func TestRoundTrip(t *testing.T) {
	trace := read(t, "gostack", strings.ReplaceAll(`
0.0200 setsockopt(4, SOL_TCP, TCP_NODELAY, [1], 4) = 0
0.0300...0.2000 read(4, ..., 10) = 0
0.0300 > P. 1:2897(2896) ack 1 win 502 <nop,nop,TS val 100 ecr 1> gso 1448 cause "push"
// other: 0.0300 > . 5:6(1) ack 1 win 5
// state: 0.0400 tcpi_snd_cwnd = 10, tcpi_rto = 204000
0.0500 > [ect0] P. 1:2897(2896) ack 1 win 502
0.0600 < icmp unreachable frag_needed mtu 1200 [1:1461(1460)]
0.0600 < P. 1:3001(3000) ack 1 win 257 gso 1000 badsum
0.0600 device stall
// state: 0.0600 tx_dropped = 5
0.0610 ^nstat | grep -q "TcpInSegs  *3 "^
0.0700 write(4, ..., 5) = ... // hasn't returned
`, "^", "`"))
	text := trace.Bytes(".")
	again, err := Read("a.trace", text)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if second := again.Bytes("."); string(second) != string(text) {
		t.Errorf("written\n%s\nread and written\n%s", text, second)
	}
	for _, want := range []string{"gso 1000 badsum", "0.0600 device stall", `TcpInSegs  *3`, `gso 1448 cause "push"`, "// other: ", "// state: ", "// hasn't returned", "0.0300...0.2000 read(4, ..., 10) = 0"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s isn't in\n%s", want, text)
		}
	}
}
