package fromcapture

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"tcpdrill/engine/wire"
)

// text writes the script.
func (b *builder) text() string {
	var out strings.Builder
	settings, options := b.settings(), b.options()
	for _, n := range b.notes {
		fmt.Fprintf(&out, "// %s\n", n)
	}
	out.WriteString("// Calls are guesses: a capture has none.\n\n")
	for _, o := range options {
		out.WriteString(o + "\n")
	}
	var commands []string
	if b.cut() {
		commands = append(commands, "ethtool -K tun0 tso off gso off")
	}
	if len(settings) > 0 {
		commands = append(commands, "sysctl -q "+strings.Join(settings, " "))
	}
	if len(commands) > 0 {
		fmt.Fprintf(&out, "// guess: what the packets show of the settings\n`%s`\n", strings.Join(commands, "\n"))
	}
	var clock time.Duration
	for i, s := range b.steps {
		if i == 0 {
			clock = s.at
			out.WriteString("\n0 ")
		} else {
			d := rounded(s.at-clock, s.exact)
			clock += d
			out.WriteString(secondsText(d) + " ")
		}
		out.WriteString(s.text)
		if s.remark != "" {
			out.WriteString("  // " + s.remark)
		}
		out.WriteByte('\n')
	}
	return out.String()
}

// rounded is a time between two events as people write it. What the stack and
// the application do at once takes no time.
func rounded(d time.Duration, exact bool) time.Duration {
	switch {
	case d <= 0 || !exact && d < together:
		return 0
	case d < 10*time.Millisecond:
		return d.Round(100 * time.Microsecond)
	}
	return d.Round(time.Millisecond)
}

// secondsText returns a relative time in seconds: +.02.
func secondsText(d time.Duration) string {
	text := strconv.FormatFloat(d.Seconds(), 'f', -1, 64)
	if strings.HasPrefix(text, "0.") {
		text = text[1:]
	}
	return "+" + text
}

// cut reports whether segments were captured as the wire has them: full ones in a row,
// and none that a device would cut.
func (b *builder) cut() bool {
	row := false
	data := b.newData()
	for i, d := range data {
		if b.mss == 0 || uint32(d.payload()) > b.mss {
			return false
		}
		row = row || i > 0 && d.at == data[i-1].at+1 && uint32(data[i-1].payload()) == b.mss &&
			d.segment.at-data[i-1].segment.at <= together
	}
	return row
}

// maxMTU is a tun device's.
const maxMTU = 65535

// mtu is the device's MTU, as the stack's own MSS shows; 0 if it doesn't.
func (b *builder) mtu() int {
	if b.ownSYN == nil {
		return 0
	}
	o := b.ownSYN.Option(wire.OptMSS)
	switch {
	case o == nil || len(o.Data) != 2:
		return 0
	case b.v6:
		return int(mssOf(b.ownSYN)) + 60
	}
	return int(mssOf(b.ownSYN)) + 40
}

// smallMTU reports whether that is less than a device has: the application set the
// MSS.
func (b *builder) smallMTU() bool {
	mtu := b.mtu()
	return mtu != 0 && (mtu < 68 || b.v6 && mtu < 1280)
}

// options are the script's option lines.
func (b *builder) options() (out []string) {
	if b.v6 {
		out = append(out, "--ip_version=ipv6")
	}
	switch mtu := b.mtu(); {
	case mtu > maxMTU:
		b.note("No device here has an MTU of %d, as the stack's MSS shows: the SYN will differ.", mtu)
	case mtu != 0 && mtu != 1500 && !b.smallMTU():
		out = append(out, fmt.Sprintf("--mtu=%d", mtu))
	}
	if b.pinned() {
		b.note("The FIN wasn't merged into the data before it when that was sent again: something held the packets.")
		out = append(out, "--capture=packet")
	}
	if b.scaledTS {
		out = append(out, "--tcp_ts_ecr_scaled")
	}
	return out
}

// settings are the sysctls that the handshake shows, where they aren't Linux's
// defaults or those vary.
func (b *builder) settings() (out []string) {
	set := func(name, value string) { out = append(out, "net.ipv4."+name+"="+value) }
	own, peer := b.ownSYN, b.peerSYN
	if own == nil || peer == nil {
		return nil
	}
	for _, o := range []struct {
		kind uint8
		name string
	}{{wire.OptTimestamp, "tcp_timestamps"}, {wire.OptSACKOK, "tcp_sack"}, {wire.OptWScale, "tcp_window_scaling"}} {
		// A server that isn't offered it says nothing either way.
		if own.Option(o.kind) == nil && (b.active || peer.Option(o.kind) != nil) {
			set(o.name, "0")
		}
	}
	if o := own.Option(wire.OptWScale); o != nil && len(o.Data) == 1 && o.Data[0] <= 14 {
		// tcp_select_initial_window: as many shifts as bring the largest buffer
		// below 64 KB.
		set("tcp_rmem", fmt.Sprintf(`"4096 131072 %d"`, 3<<(o.Data[0]+14)))
	}
	const bits = wire.ECE | wire.CWR | wire.AE
	switch {
	case b.active && own.Flags&bits == bits:
		set("tcp_ecn", "3")
	case b.active && own.Flags&bits == wire.ECE|wire.CWR:
		set("tcp_ecn", "1")
	case !b.active && peer.Flags&bits == wire.ECE|wire.CWR && own.Flags&bits == 0:
		set("tcp_ecn", "0")
	case b.accECN:
		set("tcp_ecn", "3")
	}
	switch {
	case b.fastOpen:
		set("tcp_fastopen", "1539") // for all listeners, whatever the cookie
		b.note("It uses Fast Open: the cookie depends on the stack's key, which a capture doesn't tell. Here any will do.")
	case own.Option(wire.OptFastOpen) != nil && b.active:
		b.note("It uses Fast Open: the script would have to get a cookie first, and send by sendto.")
	}
	if own.Option(wire.OptMD5) != nil {
		b.note("It uses TCP MD5: without the key the stack can't send the same digests.")
	}
	return out
}
