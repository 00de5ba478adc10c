package gostack

import (
	"crypto/hmac"
	"crypto/md5"
	"encoding/binary"
	"net/netip"

	"tcpdrill/engine"
	"tcpdrill/engine/abi"
	"tcpdrill/engine/wire"
)

// The signature option (RFC 2385).

type md5Key struct {
	prefix netip.Prefix
	key    []byte
}

// setMD5 is TCP_MD5SIG: a struct tcp_md5sig. An empty key takes one away.
func (tp *tcpSock) setMD5(name int, val []byte) errno {
	const addrLen, keyMax = 128, 80
	if len(val) < addrLen+8+keyMax {
		return abi.EINVAL
	}
	a, ok := abi.ParseSockaddr(val[:addrLen])
	if !ok {
		return abi.EINVAL
	}
	addr := a.Addr().Unmap()
	bits := addr.BitLen()
	if name == abi.TcpOptMD5SigExt && val[addrLen]&1 != 0 {
		if bits = int(val[addrLen+1]); bits > addr.BitLen() {
			return abi.EINVAL
		}
	}
	n := int(binary.LittleEndian.Uint16(val[addrLen+2:]))
	if n > keyMax {
		return abi.EINVAL
	}
	prefix := netip.PrefixFrom(addr, bits)
	kept := tp.md5[:0:0]
	found := false
	for _, k := range tp.md5 {
		if k.prefix == prefix {
			found = true
			continue
		}
		kept = append(kept, k)
	}
	if n == 0 {
		if !found {
			return abi.ENOENT
		}
		tp.md5 = kept
		return 0
	}
	tp.md5 = append(kept, md5Key{prefix, append([]byte(nil), val[addrLen+8:addrLen+8+n]...)})
	return 0
}

// md5For returns the key for a peer, the most exact one; nil if there is none.
func (tp *tcpSock) md5For(a netip.Addr) []byte {
	best := -1
	var key []byte
	for _, k := range tp.md5 {
		if k.prefix.Contains(a) && k.prefix.Bits() > best {
			best, key = k.prefix.Bits(), k.key
		}
	}
	return key
}

// md5Reject reports whether a segment's signature is missing, wrong or not wanted.
func (tp *tcpSock) md5Reject(g *segment) bool {
	key := tp.md5For(g.remote.Addr())
	switch {
	case key == nil && g.opt.md5 == nil:
		return false
	case key == nil:
		tp.s.count(mibTCPMD5Unexpected)
		return true
	case g.opt.md5 == nil:
		tp.s.count(mibTCPMD5NotFound)
		return true
	}
	want := md5Sum(g.remote.Addr(), g.local.Addr(), g.tcp, g.data, key)
	if !hmac.Equal(want, g.opt.md5) {
		tp.s.count(mibTCPMD5Failure)
		return true
	}
	return false
}

// md5Sum is the signature: over the pseudo header, the header without options, the
// data and the key.
func md5Sum(src, dst netip.Addr, t *wire.TCP, data, key []byte) []byte {
	h := md5.New()
	length := t.HeaderLen + len(data)
	h.Write(src.AsSlice())
	h.Write(dst.AsSlice())
	if src.Is4() {
		h.Write([]byte{0, abi.IpprotoTCP, byte(length >> 8), byte(length)})
	} else {
		h.Write([]byte{byte(length >> 24), byte(length >> 16), byte(length >> 8), byte(length), 0, 0, 0, abi.IpprotoTCP})
	}
	be := binary.BigEndian
	b := be.AppendUint16(nil, t.SrcPort)
	b = be.AppendUint16(b, t.DstPort)
	b = be.AppendUint32(b, t.Seq)
	b = be.AppendUint32(b, t.Ack)
	b = append(b, byte(t.HeaderLen/4)<<4|byte(t.Flags>>8)&1, byte(t.Flags))
	b = be.AppendUint16(b, t.Window)
	b = append(b, 0, 0)
	b = be.AppendUint16(b, t.Urgent)
	h.Write(b)
	h.Write(data)
	h.Write(key)
	return h.Sum(nil)
}

// sign fills in the signature of a segment.
func (tp *tcpSock) sign(p *wire.Packet, t *wire.TCP) {
	if key := tp.md5For(tp.remote.Addr()); key != nil {
		signPacket(p, t, key)
	}
}

func signPacket(p *wire.Packet, t *wire.TCP, key []byte) {
	o := t.Option(wire.OptMD5)
	if o == nil || key == nil {
		return
	}
	t.HeaderLen = 20
	for _, x := range t.Options {
		t.HeaderLen++
		if x.Kind != wire.OptNOP && x.Kind != wire.OptEOL {
			t.HeaderLen += 1 + len(x.Data)
		}
	}
	t.HeaderLen = (t.HeaderLen + 3) &^ 3
	src, dst := p.IP()
	o.Data = md5Sum(src, dst, t, p.Payload, key)
}

// sendRaw hands a packet to the device.
func (s *Stack) sendRaw(b []byte, cause string) {
	s.devXmit(&packet{captured: &engine.Captured{Data: b, Cause: cause}})
}
