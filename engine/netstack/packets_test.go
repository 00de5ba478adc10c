package netstack_test

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"tcpdrill/engine"
	"tcpdrill/engine/abi"
	"tcpdrill/engine/netstack"
	"tcpdrill/engine/wire"
)

// A peer is the other end of a connection, which may send anything.
type peer struct {
	t         *testing.T
	s         *netstack.Stack
	r         *rand.Rand
	seq, ack  uint32 // of the next segment
	listening int    // descriptors
	fd        int
}

// connect makes a connection from the peer.
func connect(t *testing.T, r *rand.Rand) *peer {
	t.Helper()
	p := &peer{t: t, s: configured(t), r: r, seq: 1000}
	name := abi.AppendSockaddr(nil, abi.AfInet, netip.MustParseAddrPort("0.0.0.0:8080"))
	p.listening, _ = result(p.s, "socket", abi.AfInet, abi.SockStream|abi.SockNonblock, 0)
	result(p.s, "bind", p.listening, name, len(name))
	result(p.s, "listen", p.listening, 5)
	p.send(wire.SYN, nil, []wire.TCPOption{{Kind: wire.OptMSS, Data: []byte{4, 0}}, {Kind: wire.OptSACKOK}, {Kind: wire.OptNOP}, {Kind: wire.OptNOP}})
	p.seq++
	p.receive()
	p.send(wire.ACK, nil, nil)
	p.fd, _ = result(p.s, "accept", p.listening, nil, nil)
	if p.fd != p.listening+1 {
		t.Fatalf("accept: %d", p.fd)
	}
	result(p.s, "fcntl", p.fd, abi.FSetfl, abi.ONonblock)
	return p
}

// send injects a segment.
func (p *peer) send(flags wire.TCPFlags, payload []byte, options []wire.TCPOption) {
	p.t.Helper()
	packet := &wire.Packet{Layers: []wire.Layer{
		&wire.IPv4{TTL: 64, Src: netip.MustParseAddr("192.0.2.1"), Dst: netip.MustParseAddr("192.168.0.1")},
		&wire.TCP{SrcPort: 5555, DstPort: 8080, Seq: p.seq, Ack: p.ack, Flags: flags, Window: uint16(p.r.IntN(65536)), Options: options},
	}, Payload: payload}
	b, err := packet.Marshal(wire.MarshalOptions{})
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.s.Inject(b, engine.GSO{}); err != nil {
		p.t.Fatal(err)
	}
}

// receive takes what the stack sent, and acknowledges it next.
func (p *peer) receive() {
	for {
		c, err := p.s.Receive(p.s.Now())
		if c == nil || err != nil {
			return
		}
		packet, err := wire.Parse(c.Data)
		if err != nil {
			p.t.Fatalf("what the stack sent can't be read: %v", err)
		}
		if t := packet.TCP(); t != nil && t.Flags&wire.RST == 0 {
			p.ack = t.Seq + uint32(len(packet.Payload))
			if t.Flags&(wire.SYN|wire.FIN) != 0 {
				p.ack++
			}
		}
	}
}

// options makes some up: SACK blocks somewhere, time stamps, a window scale.
func (p *peer) options() []wire.TCPOption {
	switch p.r.IntN(4) {
	case 0:
		var blocks []byte
		for range 1 + p.r.IntN(2) {
			at := p.ack + uint32(p.r.IntN(8000)) - 4000
			blocks = binary.BigEndian.AppendUint32(blocks, at)
			blocks = binary.BigEndian.AppendUint32(blocks, at+uint32(p.r.IntN(4000)))
		}
		return []wire.TCPOption{{Kind: wire.OptNOP}, {Kind: wire.OptNOP}, {Kind: wire.OptSACK, Data: blocks}}
	case 1:
		data := make([]byte, 8)
		binary.BigEndian.PutUint32(data, p.r.Uint32())
		return []wire.TCPOption{{Kind: wire.OptNOP}, {Kind: wire.OptNOP}, {Kind: wire.OptTimestamp, Data: data}}
	}
	return nil
}

// Whatever comes in, nothing panics.
func TestAnySegment(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	connections := 100
	if testing.Short() {
		connections = 20
	}
	for range connections {
		p := connect(t, r)
		for range 100 {
			switch r.IntN(12) {
			case 0, 1:
				result(p.s, "write", p.fd, make([]byte, 5000), 1+r.IntN(5000))
			case 2:
				result(p.s, "read", p.fd, make([]byte, 5000), 5000)
			case 3:
				p.s.WaitUntil(p.s.Now() + time.Duration(r.IntN(2000))*time.Millisecond)
			case 4:
				if r.IntN(20) == 0 {
					result(p.s, "shutdown", p.fd, r.IntN(3))
				}
			default:
				seq, ack := p.seq, p.ack
				if r.IntN(3) == 0 {
					p.seq += uint32(r.IntN(6000)) - 3000
				}
				if r.IntN(3) == 0 {
					p.ack += uint32(r.IntN(6000)) - 3000
				}
				flags := wire.ACK
				if r.IntN(4) == 0 {
					flags = wire.TCPFlags(r.IntN(256)) &^ (wire.RST * wire.TCPFlags(min(r.IntN(10), 1)))
				}
				payload := make([]byte, max(0, r.IntN(3000)-1500))
				p.send(flags, payload, p.options())
				if p.seq == seq {
					seq += uint32(len(payload))
				}
				p.seq, p.ack = seq, ack
			}
			p.receive()
		}
	}
}
