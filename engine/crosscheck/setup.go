package crosscheck

import (
	"fmt"
	"strings"
	"time"
)

// A setup is what a script decides before its first event: which of the stack's
// settings it changes, how the connection is made, and what the network and
// the other end are like.
type setup struct {
	theme  *theme
	second *theme // whose actions are mixed in

	ipv6, active bool
	fd           int
	sysctls      []string
	sockopts     []string // before listen or connect

	mss            int // the other end's
	stackMSS       int // what the stack offers
	sack, ts, ecn  bool
	wscale         int // the other end's; -1: none
	stackWScale    int // the stack's, as negotiated
	handshakeDelay time.Duration
	window         int // the other end's buffer

	rtt        time.Duration
	loss       float64 // percent of segments, of retransmissions, of the other end's
	lossAgain  float64
	lossBack   float64
	reorder    float64
	reorderBy  time.Duration
	ce         float64
	ackEvery   int
	delack     time.Duration
	dsack      bool
	slowReader bool // the other end's application reads late
	shrinks    bool // its window does

	events int           // at least so many
	span   time.Duration // but no longer than that, if there are enough
}

// base are settings that hosts have different defaults of.
var base = []string{
	`tcp_rmem="4096 131072 6291456"`, `tcp_wmem="4096 16384 4194304"`,
}

// newSetup draws a setup.
func newSetup(d dice) *setup {
	s := &setup{
		theme: draw(d, themes), second: draw(d, themes),
		ipv6: d.chance(12), active: d.chance(25), fd: 4,
		mss:  draw(d, []weighted[int]{{30, 1460}, {30, 1000}, {10, 1400}, {8, 536}, {6, 8960}, {4, 256}, {4, 88}, {8, 1200}}),
		sack: d.chance(88), ts: d.chance(50), wscale: -1, stackMSS: 1460, stackWScale: 7,
		rtt:      draw(d, []weighted[time.Duration]{{3, ms(1)}, {4, ms(4)}, {20, ms(10)}, {25, ms(20)}, {20, ms(40)}, {10, ms(100)}, {5, ms(200)}, {2, ms(350)}}),
		loss:     draw(d, []weighted[float64]{{35, 0}, {20, 2}, {20, 5}, {15, 12}, {8, 25}, {2, 50}}),
		lossBack: draw(d, []weighted[float64]{{70, 0}, {15, 5}, {15, 20}}),
		reorder:  draw(d, []weighted[float64]{{70, 0}, {15, 5}, {15, 20}}),
		ackEvery: draw(d, []weighted[int]{{30, 1}, {45, 2}, {10, 3}, {10, 6}, {5, 16}}),
		delack:   draw(d, []weighted[time.Duration]{{30, ms(40)}, {30, ms(25)}, {20, ms(5)}, {10, ms(100)}, {10, ms(200)}}),
		dsack:    d.chance(70), shrinks: d.chance(5),
		events: fewest + d.IntN(20), span: ms(d.between(1000, 15000)),
	}
	if d.chance(25) {
		s.events += d.IntN(60)
	}
	s.lossAgain = pick(d, 0.0, s.loss, s.loss, 30)
	s.reorderBy = pick(d, ms(1), ms(3), s.rtt/4, s.rtt/2, s.rtt)
	if d.chance(85) {
		s.wscale = draw(d, []weighted[int]{{20, 0}, {10, 2}, {50, 7}, {10, 8}, {5, 10}, {5, 14}})
	}
	s.window = draw(d, []weighted[int]{{30, 65535}, {30, 1 << 20}, {10, 32768}, {10, 10000}, {5, 4000}, {5, 3 * s.mss}, {10, 20000}})
	if s.theme.smallWindow {
		s.window = pick(d, 2*s.mss, 3*s.mss+100, 5000, 10000, 20000)
		s.slowReader = true
	}
	s.slowReader = s.slowReader || d.chance(6)
	if s.active {
		s.fd = 3
	}
	if s.ipv6 {
		s.stackMSS = 1440
	}
	s.handshakeDelay = s.rtt
	if d.chance(6) {
		s.handshakeDelay = d.ms(1100, 3600)
	}
	s.handshakeDelay += grain + d.offset()
	s.drawSysctls(d)
	s.drawSockopts(d)
	return s
}

func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }

// rare are settings that a script may change, with the values worth trying.
var rare = []struct {
	name   string
	values []string
}{
	{"tcp_recovery", []string{"0", "3"}},
	{"tcp_early_retrans", []string{"0"}},
	{"tcp_slow_start_after_idle", []string{"0"}},
	{"tcp_frto", []string{"0"}},
	{"tcp_dsack", []string{"0"}},
	{"tcp_autocorking", []string{"0"}},
	{"tcp_reordering", []string{"1", "5", "10"}},
	{"tcp_retrans_collapse", []string{"0"}},
	{"tcp_moderate_rcvbuf", []string{"0"}},
	{"tcp_comp_sack_nr", []string{"0"}},
	{"tcp_thin_linear_timeouts", []string{"1"}},
	{"tcp_notsent_lowat", []string{"4000"}},
	{"tcp_invalid_ratelimit", []string{"0"}},
	{"tcp_fin_timeout", []string{"2"}},
	{"tcp_retries2", []string{"3"}},
	{"tcp_orphan_retries", []string{"2"}},
	{"tcp_limit_output_bytes", []string{"20000"}},
	{"tcp_tso_win_divisor", []string{"1", "8"}},
	{"tcp_min_tso_segs", []string{"1", "4"}},
}

func (s *setup) drawSysctls(d dice) {
	s.sysctls = append(s.sysctls, base...)
	for _, r := range rare {
		if d.chance(2.5) {
			s.sysctls = append(s.sysctls, r.name+"="+pick(d, r.values...))
		}
	}
	off := func(percent float64, name string) bool {
		if !d.chance(percent) {
			return false
		}
		s.sysctls = append(s.sysctls, name+"=0")
		return true
	}
	if off(4, "tcp_sack") {
		s.sack = false
	}
	if off(3, "tcp_timestamps") {
		s.ts = false
	}
	if off(3, "tcp_window_scaling") {
		s.wscale = -1
	}
	// The default, 2, takes ECN when it is offered.
	if s.ecn = d.chance(12); s.ecn {
		s.sysctls = append(s.sysctls, "tcp_ecn=1")
		s.ce = pick(d, 0.0, 3, 10)
	}
	if s.wscale < 0 {
		s.stackWScale = 0
	}
}

func (s *setup) drawSockopts(d dice) {
	add := func(level, name, value string, size int) {
		s.sockopts = append(s.sockopts, fmt.Sprintf("setsockopt(3, %s, %s, %s, %d) = ...", level, name, value, size))
	}
	add("SOL_SOCKET", "SO_REUSEADDR", "[1]", 4)
	cc := pick(d, "cubic", "cubic", "cubic", "reno")
	add("SOL_TCP", "TCP_CONGESTION", fmt.Sprintf("%q", cc), len(cc))
	if d.chance(12) {
		add("SOL_TCP", "TCP_NODELAY", "[1]", 4)
	}
	if d.chance(3) {
		add("SOL_TCP", "TCP_CORK", "[1]", 4)
	}
	if d.chance(6) {
		add("SOL_SOCKET", "SO_SNDBUF", pick(d, "[5000]", "[20000]", "[100000]"), 4)
	}
	// The buffer decides the window scale, which the handshake's expectation
	// has only with timestamps.
	if !s.ts && d.chance(10) {
		add("SOL_SOCKET", "SO_RCVBUF", pick(d, "[3000]", "[10000]", "[60000]"), 4)
		s.stackWScale = 0 // or more: windows are taken for smaller than they are
	}
	if d.chance(3) {
		add("SOL_TCP", "TCP_MAXSEG", pick(d, "[500]", "[1200]"), 4)
		// The stack's offer follows it.
		var n int
		fmt.Sscanf(s.sockopts[len(s.sockopts)-1][len("setsockopt(3, SOL_TCP, TCP_MAXSEG, ["):], "%d", &n)
		s.stackMSS = min(s.stackMSS, n)
	}
}

// options writes the options of a SYN as Linux orders them.
func (s *setup) options(mss int, val, ecr uint32, wscale int) string {
	opts := []string{fmt.Sprintf("mss %d", mss)}
	switch {
	case s.ts && s.sack:
		opts = append(opts, "sackOK", fmt.Sprintf("TS val %d ecr %d", val, ecr))
	case s.ts:
		opts = append(opts, "nop,nop", fmt.Sprintf("TS val %d ecr %d", val, ecr))
	case s.sack:
		opts = append(opts, "nop,nop,sackOK")
	}
	if wscale >= 0 {
		opts = append(opts, fmt.Sprintf("nop,wscale %d", wscale))
	}
	return strings.Join(opts, ",")
}

// expected writes the options of the stack's SYN or SYN-ACK. They matter if its
// timestamps are to be learned.
func (s *setup) expected(ecr uint32) string {
	if !s.ts {
		return "<...>"
	}
	w := 7
	if s.wscale < 0 {
		w = -1
	}
	return "<" + s.options(s.stackMSS, firstTS, ecr, w) + ">"
}
