package pcapng

import (
	"bytes"
	"encoding/binary"
	"io"
	"reflect"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
)

var section = Section{
	OS: "plan9", Application: "test", Comment: "why", Interface: "tun0", Description: "a device", Link: Raw,
}

var packets = []Packet{
	{Time: 1700000000123456789, Data: []byte("in"), Direction: Inbound, Comment: "line 1: injected"},
	{Time: 1700000000123456790, Data: []byte("outbound"), Direction: Outbound, Comment: "größer"},
	{Time: 1700000001000000000, Data: []byte{}},
	{Time: 1700000002000000000, Data: []byte("cut"), Len: 1000},
}

func written(t testing.TB) []byte {
	var b bytes.Buffer
	w, err := NewWriter(&b, section)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range packets {
		if err := w.Packet(p); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func readAll(t *testing.T, b []byte) (all []Packet, comment string) {
	t.Helper()
	r, err := NewReader(bytes.NewReader(b))
	for err == nil {
		var p Packet
		if p, err = r.Next(); err == nil {
			all = append(all, p)
		}
	}
	if err != io.EOF {
		t.Fatal(err)
	}
	return all, r.Comment()
}

func TestRoundTrip(t *testing.T) {
	got, comment := readAll(t, written(t))
	if comment != section.Comment {
		t.Errorf("the section says %q", comment)
	}
	for i, want := range packets {
		want.Link, want.Len = Raw, max(want.Len, len(want.Data))
		if !reflect.DeepEqual(got[i], want) {
			t.Errorf("got  %+v\nwant %+v", got[i], want)
		}
	}
	if len(got) != len(packets) {
		t.Errorf("%d packets, want %d", len(got), len(packets))
	}
}

// Another implementation reads the same.
func TestOtherReader(t *testing.T) {
	r, err := pcapgo.NewNgReader(bytes.NewReader(written(t)), pcapgo.DefaultNgReaderOptions)
	if err != nil {
		t.Fatal(err)
	}
	if i, err := r.Interface(0); err != nil || i.Name != "tun0" || i.Description != "a device" || i.LinkType != layers.LinkTypeRaw || i.SnapLength != snapLen {
		t.Errorf("%+v, %v", i, err)
	}
	if s := r.SectionInfo(); s.Application != "test" || s.OS != "plan9" || s.Comment != "why" {
		t.Errorf("%+v", s)
	}
	for _, want := range packets {
		data, info, err := r.ReadPacketData()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(data, want.Data) || info.Timestamp.UnixNano() != int64(want.Time) || info.Length != max(want.Len, len(want.Data)) {
			t.Errorf("%q at %v of %d bytes: %+v", data, info.Timestamp, info.Length, want)
		}
	}
	if _, _, err := r.ReadPacketData(); err != io.EOF {
		t.Error(err)
	}
}

// What another implementation writes is read.
func TestOtherWriter(t *testing.T) {
	info := func(p Packet) gopacket.CaptureInfo {
		return gopacket.CaptureInfo{Timestamp: time.Unix(0, int64(p.Time)), CaptureLength: len(p.Data), Length: max(p.Len, len(p.Data))}
	}
	check := func(name string, b []byte, unit time.Duration) {
		got, _ := readAll(t, b)
		for i, want := range packets {
			want.Link, want.Len, want.Comment, want.Direction = Ethernet, max(want.Len, len(want.Data)), "", Unknown
			want.Time = want.Time.Truncate(unit)
			if i >= len(got) || !reflect.DeepEqual(got[i], want) {
				t.Errorf("%s: got %+v, want %+v", name, got, want)
				break
			}
		}
	}
	var ng bytes.Buffer
	w, err := pcapgo.NewNgWriter(&ng, layers.LinkTypeEthernet)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range packets {
		if err := w.WritePacket(info(p), p.Data); err != nil {
			t.Fatal(err)
		}
	}
	w.Flush()
	check("pcapng", ng.Bytes(), 1)
	for _, unit := range []time.Duration{time.Microsecond, time.Nanosecond} {
		var classic bytes.Buffer
		w := pcapgo.NewWriter(&classic)
		if unit == time.Nanosecond {
			w = pcapgo.NewWriterNanos(&classic)
		}
		if err := w.WriteFileHeader(65536, layers.LinkTypeEthernet); err != nil {
			t.Fatal(err)
		}
		for _, p := range packets {
			if err := w.WritePacket(info(p), p.Data); err != nil {
				t.Fatal(err)
			}
		}
		check("pcap in "+unit.String(), classic.Bytes(), unit)
	}
}

// A section in the other byte order, with an interface that counts in 1/2^10 s
// from 1000 s on, a block that isn't known, and a file that ends within a packet.
func TestBigEndian(t *testing.T) {
	var b []byte
	block := func(kind uint32, words ...uint32) {
		n := uint32(12 + 4*len(words))
		for _, w := range append([]uint32{kind, n}, append(words, n)...) {
			b = binary.BigEndian.AppendUint32(b, w)
		}
	}
	block(blockSection, byteOrderMagic, 1<<16, 0xffffffff, 0xffffffff)
	block(blockInterface, uint32(Raw)<<16, 0, optResolution<<16|1, 0x8a<<24, optOffset<<16|8, 0, 1000, 0)
	block(0xbad, 1, 2, 3)
	block(blockPacket, 0, 0, 512, 2, 2, 0x41420000, optFlags<<16|4, uint32(Outbound), 0)
	whole := len(b)
	block(blockPacket, 0, 0, 512, 2, 2, 0x41420000)
	want := []Packet{{Time: 1000*time.Second + time.Second/2, Link: Raw, Data: []byte("AB"), Len: 2, Direction: Outbound}}
	for _, end := range []int{whole, whole + 5, len(b) - 1} {
		if got, _ := readAll(t, b[:end]); !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	}
}

func TestBroken(t *testing.T) {
	for name, b := range map[string][]byte{
		"empty":           nil,
		"text":            []byte("no capture"),
		"half a header":   {0xd4, 0xc3, 0xb2, 0xa1, 2, 0},
		"no byte order":   binary.LittleEndian.AppendUint32(nil, blockSection),
		"a giant's block": append(append(binary.LittleEndian.AppendUint32(nil, blockSection), 0xfc, 0xff, 0xff, 0xff), 0x4d, 0x3c, 0x2b, 0x1a),
	} {
		r, err := NewReader(bytes.NewReader(b))
		if err == nil {
			_, err = r.Next()
		}
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add(written(f))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := NewReader(bytes.NewReader(b))
		for err == nil {
			var p Packet
			if p, err = r.Next(); p.Len < len(p.Data) {
				t.Fatalf("%d bytes of %d", len(p.Data), p.Len)
			}
		}
	})
}
