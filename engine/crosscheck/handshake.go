package crosscheck

import (
	"fmt"
	"strings"
	"time"
)

const (
	// firstTS is what scripts call the stack's first timestamp.
	firstTS = 100
	// peerTS is the other end's at time 0.
	peerTS = 5000
	// setUp is when the handshake begins.
	setUp = 100 * time.Millisecond
)

// seconds writes a time of a script.
func seconds(t time.Duration) string { return fmt.Sprintf("%.6f", t.Seconds()) }

// peerTime is the other end's timestamp at a time.
func peerTime(at time.Duration) uint32 { return peerTS + uint32(at/time.Millisecond) }

// prefix writes the script to the end of the handshake and returns when that is.
func (s *setup) prefix(id ID) (string, time.Duration) {
	var b strings.Builder
	fmt.Fprintf(&b, "// tcpdrill crosscheck --seed=%d --show=%d: %s, %s\n", id.Seed, id.Index, s.theme.name, s.second.name)
	if s.ipv6 {
		b.WriteString("--ip_version=ipv6\n")
	}
	if s.ts {
		b.WriteString("--tcp_ts_ecr_scaled\n")
	}
	b.WriteString("`sysctl -q")
	for _, c := range s.sysctls {
		b.WriteString(" net.ipv4." + c)
	}
	b.WriteString("`\n")
	b.WriteString("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n")
	for _, o := range s.sockopts {
		b.WriteString("+0 " + o + "\n")
	}
	if s.active {
		return s.activeOpen(&b)
	}
	return s.passiveOpen(&b)
}

// flags returns the flags of a SYN with or without ECN's.
func (s *setup) flags(plain, ecn string) string {
	if s.ecn {
		return ecn
	}
	return plain
}

func (s *setup) passiveOpen(b *strings.Builder) (string, time.Duration) {
	b.WriteString("+0 bind(3, ..., ...) = 0\n+0 listen(3, 10) = 0\n")
	fmt.Fprintf(b, "%s < %s 0:0(0) win 65535 <%s>\n", seconds(setUp), s.flags("S", "SEW"), s.options(s.mss, peerTime(setUp), 0, s.wscale))
	fmt.Fprintf(b, "+0 > %s 0:0(0) ack 1 %s\n", s.flags("S.", "SE."), s.expected(peerTime(setUp)))
	at := setUp + s.handshakeDelay
	fmt.Fprintf(b, "%s < . 1:1(0) ack 1 win %d%s\n", seconds(at), min(s.window>>max(s.wscale, 0), 65535), s.tsOption(at, firstTS))
	at += 200 * time.Microsecond
	fmt.Fprintf(b, "%s accept(3, ..., ...) = 4\n", seconds(at))
	b.WriteString("+0 fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0\n")
	return b.String(), at
}

func (s *setup) activeOpen(b *strings.Builder) (string, time.Duration) {
	b.WriteString("+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0\n")
	fmt.Fprintf(b, "%s connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)\n", seconds(setUp))
	fmt.Fprintf(b, "+0 > %s 0:0(0) %s\n", s.flags("S", "SEW"), s.offered())
	at := setUp + s.handshakeDelay
	fmt.Fprintf(b, "%s < %s 0:0(0) ack 1 win 65535 <%s>\n", seconds(at), s.flags("S.", "SE."), s.options(s.mss, peerTime(at), firstTS, s.wscale))
	return b.String(), at
}

// offered writes the options of the stack's own SYN: what its settings allow,
// whatever the other end can do.
func (s *setup) offered() string {
	if !s.ts {
		return "<...>"
	}
	own := *s
	own.sack = !s.off("tcp_sack")
	w := 7
	if s.off("tcp_window_scaling") {
		w = -1
	}
	return "<" + own.options(s.stackMSS, firstTS, 0, w) + ">"
}

// off reports whether a setting is 0.
func (s *setup) off(name string) bool {
	for _, c := range s.sysctls {
		if c == name+"=0" {
			return true
		}
	}
	return false
}

// tsOption writes the timestamp option of a segment that has no other.
func (s *setup) tsOption(at time.Duration, ecr uint32) string {
	if !s.ts {
		return ""
	}
	return fmt.Sprintf(" <nop,nop,TS val %d ecr %d>", peerTime(at), ecr)
}
