package wire

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"
)

func TestCutTCP(t *testing.T) {
	p := &Packet{
		Layers: []Layer{
			&IPv4{TTL: 64, ID: 0xffff, DF: true, Src: addr4a, Dst: addr4b},
			&TCP{Seq: 0xfffffff0, Ack: 9, Flags: FIN | PSH | ACK | CWR | ECE, Window: 5, Options: []TCPOption{{OptTimestamp, timestampData(1, 2)}, {OptNOP, nil}, {OptNOP, nil}}},
		},
		Payload: []byte("abcdefghijklmnopqrstuvwxyz"),
	}
	before := p.Clone()
	tests := []struct {
		accECN bool
		want   []string
	}{
		{false, []string{
			"EW. 4294967280:4294967290(10) ack 9 win 5",
			"E. 4294967290:4(10) ack 9 win 5",
			"FPE. 4:10(6) ack 9 win 5",
		}},
		{true, []string{
			"EW. 4294967280:4294967290(10) ack 9 win 5",
			"EW. 4294967290:4(10) ack 9 win 5",
			"FPEW. 4:10(6) ack 9 win 5",
		}},
	}
	for _, tt := range tests {
		segments := Cut(p, 10, tt.accECN)
		var payload []byte
		for i, s := range segments {
			if i < len(tt.want) && Format(s, FormatOptions{}) != tt.want[i]+" <TS val 1 ecr 2,nop,nop>" {
				t.Errorf("segment %d is %s", i, Format(s, FormatOptions{}))
			}
			if id := s.V4().ID; id != 0xffff+uint16(i) {
				t.Errorf("segment %d has ID %d", i, id)
			}
			payload = append(payload, s.Payload...)
			filledIn(t, s)
		}
		if len(segments) != len(tt.want) || !bytes.Equal(payload, p.Payload) {
			t.Errorf("%d segments with %q", len(segments), payload)
		}
	}
	if !reflect.DeepEqual(p, before) {
		t.Error("Cut changed the packet")
	}
}

// filledIn checks that a packet's lengths and checksums are what its bytes
// parse to.
func filledIn(t *testing.T, p *Packet) {
	t.Helper()
	b, err := p.Clone().Marshal(MarshalOptions{})
	if err != nil {
		t.Fatal(err)
	}
	q, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range p.Layers {
		if !reflect.DeepEqual(l, q.Layers[i]) {
			t.Fatalf("%+v isn't filled in as %+v", l, q.Layers[i])
		}
	}
}

func TestCutUDPInGRE(t *testing.T) {
	p := &Packet{
		Layers: []Layer{
			&IPv4{TTL: 64, ID: 7, Src: addr4a, Dst: addr4b},
			&GRE{Flags: GREChecksum},
			&IPv4{TTL: 64, ID: 70, Src: addr4a, Dst: addr4b},
			&UDP{SrcPort: 1, DstPort: 2},
		},
		Payload: make([]byte, 25),
	}
	segments := Cut(p, 10, false)
	for i, s := range segments {
		filledIn(t, s)
		want := fmt.Sprintf("[7:%d 70:%d len %d]", i, i, 8+[]int{10, 10, 5}[i])
		got := fmt.Sprintf("[7:%d 70:%d len %d]", s.Layers[0].(*IPv4).ID-7, s.V4().ID-70, s.UDP().Len)
		if got != want {
			t.Errorf("segment %d is %s, want %s", i, got, want)
		}
		b, err := s.Marshal(MarshalOptions{})
		if err != nil || checksum(b[20:]) != 0 {
			t.Errorf("segment %d: the sum over GRE is %x, %v", i, checksum(b[20:]), err)
		}
	}
	if len(segments) != 3 {
		t.Errorf("%d segments", len(segments))
	}
}

func TestCutJumbo(t *testing.T) {
	p := &Packet{
		Layers: []Layer{
			&IPv6{HopLimit: 64, Src: addr6a, Dst: addr6b, Extensions: []byte{6, 0, 0xc2, 4, 0, 1, 0x86, 0xbc}},
			&TCP{Flags: ACK},
		},
		Payload: make([]byte, 100000),
	}
	for _, s := range Cut(p, 1000, false) {
		filledIn(t, s)
		if ip := s.V6(); ip.Extensions != nil || ip.NextHeader != protoTCP || ip.PayloadLen != 1020 {
			t.Fatalf("IPv6 header %+v", ip)
		}
	}
	if whole := Cut(p, 0, false); len(whole) != 1 || len(whole[0].V6().Extensions) != 8 {
		t.Errorf("uncut: %+v", whole)
	}
}

func TestCutNothing(t *testing.T) {
	tcp := &Packet{Layers: []Layer{v4(), &TCP{Flags: FIN | ACK}}}
	for name, p := range map[string]*Packet{
		"no payload": tcp,
		"exactly":    {Layers: tcp.Layers, Payload: make([]byte, 10)},
		"ICMP":       {Layers: []Layer{v4(), &ICMP{}}, Payload: make([]byte, 100)},
		"no headers": {Payload: make([]byte, 100)},
	} {
		segments := Cut(p, 10, false)
		if len(segments) != 1 || len(segments[0].Payload) != len(p.Payload) {
			t.Errorf("%s: %d segments", name, len(segments))
		}
	}
	if n := len(Cut(&Packet{Layers: tcp.Layers, Payload: make([]byte, 100)}, -1, false)); n != 1 {
		t.Errorf("size -1: %d segments", n)
	}
}

func v4() *IPv4 { return &IPv4{TTL: 64, Src: addr4a, Dst: addr4b} }
