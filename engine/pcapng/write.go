package pcapng

import (
	"encoding/binary"
	"io"
	"math"
)

// A Section is what a file says of all its packets.
type Section struct {
	OS, Application, Comment string
	Interface                string // the device's name
	Description              string // of the device
	Link                     LinkType
}

// snapLen is how much of a packet is written: as much as Wireshark reads.
const snapLen = 1 << 18

// A Writer writes one section with one interface.
type Writer struct {
	w    io.Writer
	link LinkType
	err  error
}

// NewWriter begins a file.
func NewWriter(w io.Writer, s Section) (*Writer, error) {
	out := &Writer{w: w, link: s.Link}
	b := binary.LittleEndian.AppendUint32(nil, byteOrderMagic)
	b = append(b, 1, 0, 0, 0) // version 1.0
	b = binary.LittleEndian.AppendUint64(b, math.MaxUint64)
	var o options
	o.text(optComment, s.Comment)
	o.text(optOS, s.OS)
	o.text(optApplication, s.Application)
	out.block(blockSection, b, o)

	b = binary.LittleEndian.AppendUint16(nil, uint16(s.Link))
	b = append(b, 0, 0)
	b = binary.LittleEndian.AppendUint32(b, snapLen)
	o = nil
	o.text(optName, s.Interface)
	o.text(optDescription, s.Description)
	o.add(optResolution, []byte{9}) // nanoseconds
	out.block(blockInterface, b, o)
	return out, out.err
}

// Packet writes a packet, of the writer's link type. It keeps nothing of it.
func (w *Writer) Packet(p Packet) error {
	data := p.Data[:min(len(p.Data), snapLen)]
	b := make([]byte, 0, 24+len(data))
	b = binary.LittleEndian.AppendUint32(b, 0) // the interface
	stamp := uint64(max(0, p.Time))
	b = binary.LittleEndian.AppendUint32(b, uint32(stamp>>32))
	b = binary.LittleEndian.AppendUint32(b, uint32(stamp))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(data)))
	b = binary.LittleEndian.AppendUint32(b, uint32(max(p.Len, len(p.Data))))
	b = pad(append(b, data...))
	var o options
	o.text(optComment, p.Comment)
	if p.Direction != Unknown {
		o.add(optFlags, []byte{byte(p.Direction), 0, 0, 0})
	}
	w.block(blockPacket, b, o)
	return w.err
}

// block writes a block: its length stands at both ends.
func (w *Writer) block(kind uint32, body []byte, o options) {
	if len(o) > 0 {
		o.add(optEnd, nil)
	}
	n := uint32(12 + len(body) + len(o))
	b := binary.LittleEndian.AppendUint32(nil, kind)
	b = binary.LittleEndian.AppendUint32(b, n)
	b = append(append(b, body...), o...)
	b = binary.LittleEndian.AppendUint32(b, n)
	if w.err == nil {
		_, w.err = w.w.Write(b)
	}
}

// options are a block's, as bytes.
type options []byte

// text adds a text, unless it is empty.
func (o *options) text(code uint16, s string) {
	if s != "" {
		o.add(code, []byte(s[:min(len(s), math.MaxUint16)]))
	}
}

func (o *options) add(code uint16, value []byte) {
	b := binary.LittleEndian.AppendUint16(*o, code)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(value)))
	*o = pad(append(b, value...))
}

// pad fills b up to a multiple of 4 bytes.
func pad(b []byte) []byte {
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}
