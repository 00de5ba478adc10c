package wire

import (
	"bytes"
	"reflect"
	"slices"
	"testing"
)

func TestTimestamp(t *testing.T) {
	data := timestampData(100, 200)
	before := slices.Clone(data)
	h := &TCP{Options: []TCPOption{{OptNOP, nil}, {OptTimestamp, data}}}
	if val, ecr, ok := h.Timestamp(); val != 100 || ecr != 200 || !ok {
		t.Errorf("TS val %d ecr %d, %v", val, ecr, ok)
	}
	if !h.SetTimestamp(1, 0xffffffff) {
		t.Error("not set")
	}
	if val, ecr, ok := h.Timestamp(); val != 1 || ecr != 0xffffffff || !ok {
		t.Errorf("TS val %d ecr %d, %v", val, ecr, ok)
	}
	if !bytes.Equal(data, before) {
		t.Error("SetTimestamp wrote into the captured bytes")
	}
	for _, h := range []*TCP{{}, {Options: []TCPOption{{OptTimestamp, []byte{1, 2, 3}}}}} {
		if _, _, ok := h.Timestamp(); ok || h.SetTimestamp(1, 2) {
			t.Errorf("%v has a timestamp", h.Options)
		}
	}
}

func TestSACKBlocks(t *testing.T) {
	one := sackData([]SACKBlock{{1, 1001}})
	h := &TCP{Options: []TCPOption{
		{OptSACK, one},
		{OptNOP, nil},
		{OptSACK, append(sackData([]SACKBlock{{2001, 3001}, {4001, 5001}}), 9)}, // a byte too many
	}}
	want := []SACKBlock{{1, 1001}, {2001, 3001}, {4001, 5001}}
	if got := h.SACKBlocks(); !reflect.DeepEqual(got, want) {
		t.Errorf("blocks %v", got)
	}
	if h.SetSACKBlocks(want[:2]) {
		t.Error("set two of three blocks")
	}
	for i := range want {
		want[i].Left += 10
	}
	if !h.SetSACKBlocks(want) || !reflect.DeepEqual(h.SACKBlocks(), want) {
		t.Errorf("blocks %v", h.SACKBlocks())
	}
	if !bytes.Equal(one, sackData([]SACKBlock{{1, 1001}})) {
		t.Error("SetSACKBlocks wrote into the captured bytes")
	}
	if d := h.Options[2].Data; len(d) != 17 || d[16] != 9 {
		t.Errorf("the odd byte is gone: %x", d)
	}
}

func TestSegLen(t *testing.T) {
	tests := []struct {
		flags   TCPFlags
		payload int
		want    uint32
	}{{ACK, 0, 0}, {ACK, 10, 10}, {SYN, 0, 1}, {FIN | ACK, 3, 4}, {SYN | FIN, 1, 3}}
	for _, tt := range tests {
		if got := (&TCP{Flags: tt.flags}).SegLen(tt.payload); got != tt.want {
			t.Errorf("%v with %d bytes: %d", tt.flags, tt.payload, got)
		}
	}
}

func TestACE(t *testing.T) {
	for n := range 8 {
		f := (SYN | AE | CWR | ECE).WithACE(n)
		if f.ACE() != n || f&SYN == 0 {
			t.Errorf("%d became %d, flags %v", n, f.ACE(), f)
		}
	}
}
