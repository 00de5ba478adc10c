package fromcapture

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tcpdrill/engine/pcapng"
	"tcpdrill/engine/wire"
	"tcpdrill/script"
)

// Ends of captured connections, and their initial sequence numbers, which are about
// to wrap.
var (
	stack = netip.MustParseAddrPort("10.0.0.1:80")
	other = netip.MustParseAddrPort("10.9.9.9:40000")
)

const (
	stackISN = 0xfffffff0
	otherISN = 0xffffff00
	stackTS  = 5_000_000
	otherTS  = 0xfffffffe
)

// capture returns the packets that lines of a script would be, at absolute times,
// with live numbers.
func capture(t testing.TB, text string) []pcapng.Packet {
	t.Helper()
	s, err := script.Parse("capture", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	var all []pcapng.Packet
	for _, e := range s.Events {
		w, err := wire.FromScript(e.Packet, false)
		if err != nil {
			t.Fatal(err)
		}
		p := pcapng.Packet{Time: 1000*time.Hour + e.Time.Start, Link: pcapng.Raw, Direction: pcapng.Outbound}
		src, dst, own, peer, val, ecr := stack, other, uint32(stackISN), uint32(otherISN), uint32(stackTS), uint32(otherTS)
		if e.Packet.Direction == script.Inbound {
			src, dst, own, peer, val, ecr = dst, src, peer, own, ecr, val
			p.Direction = pcapng.Inbound
		}
		w.SetIP(src.Addr(), dst.Addr())
		if tcp := w.TCP(); tcp != nil {
			tcp.SrcPort, tcp.DstPort = src.Port(), dst.Port()
			tcp.Seq += own
			if e.Packet.TCP.Window == nil {
				tcp.Window = 1000
			}
			if tcp.Flags&wire.ACK != 0 {
				tcp.Ack += peer
			}
			blocks := tcp.SACKBlocks()
			for i := range blocks {
				blocks[i].Left += peer
				blocks[i].Right += peer
			}
			tcp.SetSACKBlocks(blocks)
			if v, e, ok := tcp.Timestamp(); ok {
				if e != 0 {
					e += ecr
				}
				tcp.SetTimestamp(v+val, e)
			}
		} else if q := w.Quoted(); q != nil {
			q.SetTuple(dst, src)
			q.SetSeq(q.Seq + peer)
		}
		if p.Data, err = w.Marshal(wire.MarshalOptions{}); err != nil {
			t.Fatal(err)
		}
		if e.Packet.BadSum != nil {
			wire.BreakChecksum(p.Data)
		}
		all = append(all, p)
	}
	return all
}

// file returns packets as pcapng, of one link type.
func file(t testing.TB, packets []pcapng.Packet) []byte {
	t.Helper()
	var b bytes.Buffer
	link := pcapng.Raw
	if len(packets) > 0 {
		link = packets[0].Link
	}
	w, err := pcapng.NewWriter(&b, pcapng.Section{Link: link})
	for _, p := range packets {
		if err == nil {
			err = w.Packet(p)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// imported returns the script of a capture, without the comments at its start.
func imported(t *testing.T, packets []pcapng.Packet, opt Options) string {
	t.Helper()
	opt.Name = "test.pcapng"
	res, err := Import(bytes.NewReader(file(t, packets)), opt)
	if err != nil {
		t.Fatal(err)
	}
	again, err := script.Format("test.pkt", res.Script)
	if err != nil || !bytes.Equal(again, res.Script) {
		t.Errorf("%v: its layout isn't fmt's:\n%s", err, res.Script)
	}
	_, text, _ := strings.Cut(string(res.Script), "a capture has none.\n\n")
	return text
}

// stripped returns lines without blanks at their ends, in their beginnings and twice.
func stripped(text string) string {
	var out []string
	for line := range strings.Lines(text) {
		if line = strings.Join(strings.Fields(line), " "); line != "" {
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}
