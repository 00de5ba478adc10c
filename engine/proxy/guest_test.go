package proxy

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"

	"tcpdrill/engine/wire"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func newGuest(addr, router string) *guest {
	return &guest{mac: hwAddr{2, 0, 0, 0, 0, 1}, addr: netip.MustParseAddr(addr), router: netip.MustParseAddr(router)}
}

// A guest asks for its router, and answers who asks for it.
func TestARP(t *testing.T) {
	g := newGuest("192.0.2.1", "192.0.2.2")
	want := unhex(t, "ffffffffffff 020000000001 0806 0001 0800 06 04 0001 020000000001 c0000201 000000000000 c0000202")
	if got := g.ask(); !bytes.Equal(got, want) {
		t.Errorf("asks\n%x, want\n%x", got, want)
	}
	packet, answer := g.receive(unhex(t, "020000000001 9a5500000001 0806 0001 0800 06 04 0002 9a5500000001 c0000202 020000000001 c0000201"))
	if packet != nil || answer != nil || g.via != (hwAddr{0x9a, 0x55, 0, 0, 0, 1}) {
		t.Errorf("after the answer: %x, %x, the router is %x", packet, answer, g.via)
	}
	packet, answer = g.receive(unhex(t, "ffffffffffff 9a5500000001 0806 0001 0800 06 04 0001 9a5500000001 c0000202 000000000000 c0000201"))
	want = unhex(t, "9a5500000001 020000000001 0806 0001 0800 06 04 0002 020000000001 c0000201 9a5500000001 c0000202")
	if packet != nil || !bytes.Equal(answer, want) {
		t.Errorf("answers\n%x, want\n%x", answer, want)
	}
	// For another's address, and of another's address, it is silent.
	for _, frame := range []string{
		"ffffffffffff 9a5500000001 0806 0001 0800 06 04 0001 9a5500000001 c0000202 000000000000 c0000209",
		"020000000001 9a5500000009 0806 0001 0800 06 04 0002 9a5500000009 c0000209 020000000001 c0000201",
	} {
		if packet, answer = g.receive(unhex(t, frame)); packet != nil || answer != nil || g.via[5] != 1 {
			t.Errorf("%s: %x, %x, the router is %x", frame, packet, answer, g.via)
		}
	}
}

// The same by Neighbor Discovery, whose messages have right checksums.
func TestNeighborDiscovery(t *testing.T) {
	g := newGuest("2001:db8::1", "2001:db8::2")
	ask := g.ask()
	if want := unhex(t, "3333ff000002 020000000001 86dd"); !bytes.HasPrefix(ask, want) {
		t.Errorf("asks %x", ask)
	}
	checkMessage(t, ask, "2001:db8::1", "ff02::1:ff00:2")

	// The router's side of it is the same, the other way round.
	router := newGuest("2001:db8::2", "2001:db8::1")
	router.mac = hwAddr{0x9a, 0x55, 0, 0, 0, 1}
	packet, answer := router.receive(ask)
	if packet != nil || answer == nil {
		t.Fatalf("the router answers %x, %x", packet, answer)
	}
	checkMessage(t, answer, "2001:db8::2", "2001:db8::1")
	if packet, more := g.receive(answer); packet != nil || more != nil || g.via != router.mac {
		t.Errorf("after the answer: %x, %x, the router is %x", packet, more, g.via)
	}
	// A router that advertises itself isn't the script's affair.
	advertisement := bytes.Clone(ask)
	advertisement[ethernetHeader+40] = 134
	if packet, answer := g.receive(advertisement); packet != nil || answer != nil {
		t.Errorf("an advertisement: %x, %x", packet, answer)
	}
}

// checkMessage checks a frame's addresses and the checksum of its ICMPv6 message.
func checkMessage(t *testing.T, frame []byte, src, dst string) {
	t.Helper()
	p := frame[ethernetHeader:]
	w, err := wire.Parse(p)
	if err != nil {
		t.Fatal(err)
	}
	a, b := w.IP()
	if a.String() != src || b.String() != dst || w.ICMP() == nil {
		t.Errorf("from %s to %s, want %s to %s", a, b, src, dst)
	}
	if s := icmpChecksum(p[40:], a, b); s != 0 {
		t.Errorf("the checksum is off by %x: %x", s, p)
	}
}

// IP packets are the script's; what is cut short or of another protocol is nobody's.
func TestFrames(t *testing.T) {
	g := newGuest("192.0.2.1", "192.0.2.2")
	g.via = hwAddr{0x9a, 0x55, 0, 0, 0, 1}
	for version, etherType := range map[byte]string{0x45: "0800", 0x60: "86dd"} {
		ip := append([]byte{version}, make([]byte, 39)...)
		frame := g.frame(ip)
		if want := append(unhex(t, "9a5500000001 020000000001"+etherType), ip...); !bytes.Equal(frame, want) {
			t.Errorf("got %x, want %x", frame, want)
		}
		if packet, answer := g.receive(frame); !bytes.Equal(packet, ip) || answer != nil {
			t.Errorf("received %x, %x", packet, answer)
		}
	}
	for _, frame := range []string{"", "0102", "020000000001 9a5500000001 0806 0001", "020000000001 9a5500000001 88cc 0102"} {
		if packet, answer := g.receive(unhex(t, frame)); packet != nil || answer != nil {
			t.Errorf("%s: %x, %x", frame, packet, answer)
		}
	}
}
