package pcapng

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"time"
)

// Most that a block and a section's interfaces may be, so that a broken file
// doesn't take all memory.
const (
	maxBlock      = 16 << 20
	maxInterfaces = 1 << 16
)

// A Reader reads a capture, pcapng or classic pcap.
type Reader struct {
	r          *bufio.Reader
	order      binary.ByteOrder
	next       func() (Packet, error)
	interfaces []networkInterface // of the section
	comment    string

	// Of classic pcap:
	link LinkType
	nano bool
}

// A networkInterface is what an interface's block says.
type networkInterface struct {
	link    LinkType
	units   uint64        // per second
	offset  time.Duration // of all its times
	snapLen uint32
}

// NewReader reads a capture's header.
func NewReader(r io.Reader) (*Reader, error) {
	in := &Reader{r: bufio.NewReader(r)}
	head, err := in.r.Peek(4)
	if err != nil {
		return nil, errors.New("neither pcapng nor pcap: it is less than 4 bytes long")
	}
	magic := binary.LittleEndian.Uint32(head)
	switch magic {
	case blockSection:
		in.next = in.nextBlock
		return in, nil
	case 0xa1b2c3d4, 0xa1b23c4d:
		in.order = binary.LittleEndian
	case 0xd4c3b2a1, 0x4d3cb2a1:
		in.order = binary.BigEndian
		magic = bits.ReverseBytes32(magic)
	default:
		return nil, fmt.Errorf("neither pcapng nor pcap: it begins with %08x", magic)
	}
	in.nano = magic == 0xa1b23c4d
	in.next = in.nextRecord
	var header [24]byte
	if _, err := io.ReadFull(in.r, header[:]); err != nil {
		return nil, errors.New("pcap: the header is cut short")
	}
	in.link = LinkType(in.order.Uint32(header[20:]) & 0xffff)
	return in, nil
}

// Next returns the next packet, io.EOF at the end. A file that ends inside a
// packet, as when the capture was killed, ends before it.
func (r *Reader) Next() (Packet, error) { return r.next() }

// Comment returns what the section read last says of itself.
func (r *Reader) Comment() string { return r.comment }

// nextRecord reads a packet of classic pcap.
func (r *Reader) nextRecord() (Packet, error) {
	var h [16]byte
	if _, err := io.ReadFull(r.r, h[:]); err != nil {
		return Packet{}, io.EOF
	}
	sec, frac := r.order.Uint32(h[:]), r.order.Uint32(h[4:])
	size, orig := r.order.Uint32(h[8:]), r.order.Uint32(h[12:])
	if size > maxBlock {
		return Packet{}, fmt.Errorf("pcap: a packet of %d bytes", size)
	}
	unit := time.Microsecond
	if r.nano {
		unit = time.Nanosecond
	}
	p := Packet{
		Time: time.Duration(sec)*time.Second + time.Duration(frac)*unit,
		Link: r.link, Data: make([]byte, size), Len: length(orig, size),
	}
	if _, err := io.ReadFull(r.r, p.Data); err != nil {
		return Packet{}, io.EOF
	}
	return p, nil
}

// length is a packet's original length, which can't be less than what is there.
func length(orig, captured uint32) int {
	return int(max(min(orig, maxBlock), captured))
}

// nextBlock reads blocks of pcapng up to one with a packet.
func (r *Reader) nextBlock() (Packet, error) {
	for {
		kind, body, err := r.block()
		if err != nil {
			return Packet{}, err
		}
		var p Packet
		found := false
		switch kind {
		case blockSection:
			r.interfaces = nil
			r.section(body)
		case blockInterface:
			err = r.addInterface(body)
		case blockPacket, blockObsolete:
			p, err = r.packet(body, kind == blockObsolete)
			found = true
		case blockSimple:
			p, err = r.simple(body)
			found = true
		}
		if found || err != nil {
			return p, err
		}
	}
}

// block reads a block and returns what is between its lengths.
func (r *Reader) block() (kind uint32, body []byte, err error) {
	head, err := r.r.Peek(12)
	if err != nil {
		return 0, nil, io.EOF
	}
	if binary.LittleEndian.Uint32(head) == blockSection { // the same in both orders
		switch binary.LittleEndian.Uint32(head[8:]) {
		case byteOrderMagic:
			r.order = binary.LittleEndian
		case bits.ReverseBytes32(byteOrderMagic):
			r.order = binary.BigEndian
		default:
			return 0, nil, errors.New("pcapng: a section without a byte order")
		}
	}
	kind, n := r.order.Uint32(head), r.order.Uint32(head[4:])
	if n < 12 || n%4 != 0 || n > maxBlock {
		return 0, nil, fmt.Errorf("pcapng: a block of %d bytes", n)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r.r, b); err != nil {
		return 0, nil, io.EOF
	}
	return kind, b[8 : n-4], nil
}

var errShort = errors.New("pcapng: a block is too short for what it is")

// section reads a section's options, of which only the comment matters.
func (r *Reader) section(b []byte) {
	r.comment = ""
	if len(b) < 16 {
		return
	}
	r.options(b[16:], func(code uint16, v []byte) {
		if code == optComment {
			r.comment = string(v)
		}
	})
}

func (r *Reader) addInterface(b []byte) error {
	if len(b) < 8 {
		return errShort
	}
	if len(r.interfaces) == maxInterfaces {
		return fmt.Errorf("pcapng: more than %d interfaces", maxInterfaces)
	}
	i := networkInterface{link: LinkType(r.order.Uint16(b)), units: 1e6, snapLen: r.order.Uint32(b[4:])}
	var err error
	r.options(b[8:], func(code uint16, v []byte) {
		switch {
		case code == optResolution && len(v) == 1:
			i.units, err = resolution(v[0])
		case code == optOffset && len(v) == 8:
			i.offset = time.Duration(r.order.Uint64(v)) * time.Second
		}
	})
	r.interfaces = append(r.interfaces, i)
	return err
}

// resolution returns how many units a second has.
func resolution(b byte) (uint64, error) {
	n := int(b & 0x7f)
	switch {
	case b&0x80 != 0 && n < 64:
		return 1 << n, nil
	case b&0x80 == 0 && n < 20:
		units := uint64(1)
		for range n {
			units *= 10
		}
		return units, nil
	}
	return 0, fmt.Errorf("pcapng: a time resolution of %#x", b)
}

// at returns a time stamp as time since 1970.
func (i networkInterface) at(stamp uint64) time.Duration {
	hi, lo := bits.Mul64(stamp, uint64(time.Second))
	if hi >= i.units {
		return math.MaxInt64
	}
	ns, _ := bits.Div64(hi, lo, i.units)
	return time.Duration(min(ns, math.MaxInt64)) + i.offset
}

func (r *Reader) interfaceOf(n uint32) (networkInterface, error) {
	if int64(n) >= int64(len(r.interfaces)) {
		return networkInterface{}, fmt.Errorf("pcapng: a packet of interface %d, of %d", n, len(r.interfaces))
	}
	return r.interfaces[n], nil
}

// packet reads an enhanced packet block, or what came before there was that.
func (r *Reader) packet(b []byte, obsolete bool) (Packet, error) {
	if len(b) < 20 {
		return Packet{}, errShort
	}
	number := r.order.Uint32(b)
	if obsolete {
		number = uint32(r.order.Uint16(b))
	}
	i, err := r.interfaceOf(number)
	if err != nil {
		return Packet{}, err
	}
	size := r.order.Uint32(b[12:])
	if uint64(size) > uint64(len(b)-20) {
		return Packet{}, errShort
	}
	p := Packet{
		Time: i.at(uint64(r.order.Uint32(b[4:]))<<32 | uint64(r.order.Uint32(b[8:]))),
		Link: i.link, Data: b[20 : 20+size : 20+size], Len: length(r.order.Uint32(b[16:]), size),
	}
	rest := b[20+size:]
	r.options(rest[min(len(rest), int(-size&3)):], func(code uint16, v []byte) {
		switch {
		case code == optComment:
			p.Comment = string(v)
		case code == optFlags && len(v) == 4:
			if d := Direction(r.order.Uint32(v) & 3); d <= Outbound {
				p.Direction = d
			}
		}
	})
	return p, nil
}

// simple reads a packet without a time.
func (r *Reader) simple(b []byte) (Packet, error) {
	if len(b) < 4 {
		return Packet{}, errShort
	}
	i, err := r.interfaceOf(0)
	if err != nil {
		return Packet{}, err
	}
	orig := r.order.Uint32(b)
	size := min(orig, uint32(len(b)-4))
	if i.snapLen > 0 {
		size = min(size, i.snapLen)
	}
	return Packet{Link: i.link, Data: b[4 : 4+size : 4+size], Len: length(orig, size)}, nil
}

// options calls f with each option, as far as they can be read.
func (r *Reader) options(b []byte, f func(code uint16, value []byte)) {
	for len(b) >= 4 {
		code, n := r.order.Uint16(b), int(r.order.Uint16(b[2:]))
		if code == optEnd || n > len(b)-4 {
			return
		}
		f(code, b[4:4+n])
		b = b[min(len(b), 4+(n+3)&^3):]
	}
}
