package wire

import "encoding/binary"

// Option returns the first option of a kind, or nil.
func (t *TCP) Option(kind uint8) *TCPOption {
	for i := range t.Options {
		if t.Options[i].Kind == kind {
			return &t.Options[i]
		}
	}
	return nil
}

// Timestamp returns the values of the timestamp option (RFC 7323). ok is false
// when there is none, or one of a wrong length.
func (t *TCP) Timestamp() (val, ecr uint32, ok bool) {
	o := t.Option(OptTimestamp)
	if o == nil || len(o.Data) != 8 {
		return 0, 0, false
	}
	return binary.BigEndian.Uint32(o.Data), binary.BigEndian.Uint32(o.Data[4:]), true
}

// SetTimestamp rewrites the values of the timestamp option. It reports whether
// there is one, of the right length.
func (t *TCP) SetTimestamp(val, ecr uint32) bool {
	o := t.Option(OptTimestamp)
	if o == nil || len(o.Data) != 8 {
		return false
	}
	o.Data = timestampData(val, ecr)
	return true
}

func timestampData(val, ecr uint32) []byte {
	b := binary.BigEndian.AppendUint32(make([]byte, 0, 8), val)
	return binary.BigEndian.AppendUint32(b, ecr)
}

// A SACKBlock is a block of the SACK option (RFC 2018): the sequence numbers
// from Left up to Right, without it.
type SACKBlock struct{ Left, Right uint32 }

// SACKBlocks returns the blocks of all SACK options, in order. Bytes that make
// no whole block are left out.
func (t *TCP) SACKBlocks() []SACKBlock {
	var blocks []SACKBlock
	for _, o := range t.Options {
		if o.Kind != OptSACK {
			continue
		}
		for d := o.Data; len(d) >= 8; d = d[8:] {
			blocks = append(blocks, SACKBlock{binary.BigEndian.Uint32(d), binary.BigEndian.Uint32(d[4:])})
		}
	}
	return blocks
}

// SetSACKBlocks rewrites the blocks that SACKBlocks returns. It reports
// whether there are as many of them; else it changes nothing.
func (t *TCP) SetSACKBlocks(blocks []SACKBlock) bool {
	if len(blocks) != len(t.SACKBlocks()) {
		return false
	}
	for i := range t.Options {
		o := &t.Options[i]
		if o.Kind != OptSACK {
			continue
		}
		n := len(o.Data) / 8
		o.Data = append(sackData(blocks[:n]), o.Data[8*n:]...)
		blocks = blocks[n:]
	}
	return true
}

func sackData(blocks []SACKBlock) []byte {
	b := make([]byte, 0, 8*len(blocks))
	for _, s := range blocks {
		b = binary.BigEndian.AppendUint32(b, s.Left)
		b = binary.BigEndian.AppendUint32(b, s.Right)
	}
	return b
}

// SegLen returns how many sequence numbers a segment with this header and a
// payload of so many bytes takes up: SEG.LEN of RFC 9293, which counts SYN and
// FIN.
func (t *TCP) SegLen(payload int) uint32 {
	n := uint32(payload)
	if t.Flags&SYN != 0 {
		n++
	}
	if t.Flags&FIN != 0 {
		n++
	}
	return n
}
