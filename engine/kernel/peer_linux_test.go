package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"tcpdrill/engine"
)

// A peer plays the remote host at 192.0.2.1 for one TCP connection from its
// port 4000 to the stack's 8080.
type peer struct {
	t         *Target
	isn, last uint32 // the stack's initial sequence number; what we sent last
	fd        int64  // of the stack's accepted socket
}

var remote, local = [4]byte{192, 0, 2, 1}, [4]byte{192, 168, 0, 1}

// segment makes a packet from the peer.
func segment(flags byte, seq, ack uint32, options, payload []byte) []byte {
	p := make([]byte, 40, 40+len(options)+len(payload))
	p = append(append(p, options...), payload...)
	p[0], p[8], p[9] = 0x45, 64, unix.IPPROTO_TCP
	binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
	copy(p[12:], remote[:])
	copy(p[16:], local[:])
	binary.BigEndian.PutUint16(p[10:], checksum(p[:20], 0))
	tcp := p[20:]
	binary.BigEndian.PutUint16(tcp[0:], 4000)
	binary.BigEndian.PutUint16(tcp[2:], 8080)
	binary.BigEndian.PutUint32(tcp[4:], seq)
	binary.BigEndian.PutUint32(tcp[8:], ack)
	tcp[12] = byte(20+len(options)) / 4 << 4
	tcp[13] = flags
	binary.BigEndian.PutUint16(tcp[14:], 65535)
	binary.BigEndian.PutUint16(tcp[16:], checksum(tcp, checksumOf(p[12:20])+unix.IPPROTO_TCP+uint32(len(tcp))))
	return p
}

func checksumOf(b []byte) (sum uint32) {
	for i := 0; i+1 < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	if len(b)%2 == 1 {
		sum += uint32(b[len(b)-1]) << 8
	}
	return sum
}

func checksum(b []byte, sum uint32) uint16 {
	sum += checksumOf(b)
	for sum>>16 != 0 {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

const (
	fin = 1 << iota
	syn
	rst
	psh
	ack
)

// describe prints a captured TCP segment as a script would: FP. 1:1361(1360).
func (p *peer) describe(c *engine.Captured) string {
	b := c.Data
	ihl, thl := int(b[0]&15)*4, int(b[int(b[0]&15)*4+12]>>4)*4
	tcp := b[ihl:]
	var flags strings.Builder
	for i, name := range []string{"F", "S", "R", "P", "."} {
		if tcp[13]&(1<<i) != 0 {
			flags.WriteString(name)
		}
	}
	seq := binary.BigEndian.Uint32(tcp[4:]) - p.isn
	n := uint32(len(b) - ihl - thl)
	return fmt.Sprintf("%s %d:%d(%d)", flags.String(), seq, seq+n, n)
}

// must makes a call that can't fail.
func must(t *Target, name string, args ...engine.Arg) (int64, error) {
	r := t.Call(&engine.Call{Name: name, Args: args})
	if r.Err != nil || r.Errno != 0 {
		return r.Ret, fmt.Errorf("%s = %d, errno %d, %v", name, r.Ret, r.Errno, r.Err)
	}
	return r.Ret, nil
}

func num(n int64) engine.Arg { return engine.Arg{Int: n} }

func buf(b []byte) engine.Arg { return engine.Arg{Buf: b} }

func sockaddr4(port uint16, addr [4]byte) []byte {
	b := make([]byte, 16)
	binary.NativeEndian.PutUint16(b, unix.AF_INET)
	binary.BigEndian.PutUint16(b[2:], port)
	copy(b[4:], addr[:])
	return b
}

// listen returns a socket that listens on port 8080.
func listen(t *Target) (int64, error) {
	fd, err := must(t, "socket", num(unix.AF_INET), num(unix.SOCK_STREAM), num(unix.IPPROTO_TCP))
	if err == nil {
		_, err = must(t, "bind", num(fd), buf(sockaddr4(8080, local)), num(16))
	}
	if err == nil {
		_, err = must(t, "listen", num(fd), num(1))
	}
	return fd, err
}

// next returns the next packet, which must come within a second.
func next(t *Target) (*engine.Captured, error) {
	c, err := t.Receive(t.Now() + time.Second)
	if err == nil && c == nil {
		err = errors.New("no packet")
	}
	return c, err
}

// connect does the handshake with a listening socket, with a round trip time
// of 10 ms.
func connect(t *Target, listener int64) (*peer, error) {
	p := &peer{t: t, last: 0}
	mssAndSACK := []byte{2, 4, 0x05, 0xb4, 4, 2, 1, 1} // MSS 1460
	if err := t.Inject(segment(syn, 0, 0, mssAndSACK, nil), engine.GSO{}); err != nil {
		return nil, err
	}
	c, err := next(t)
	if err != nil {
		return nil, err
	}
	p.isn = binary.BigEndian.Uint32(c.Data[24:])
	if d := p.describe(c); d != "S. 0:0(0)" {
		return nil, fmt.Errorf("not a SYN-ACK: %s", d)
	}
	t.WaitUntil(t.Now() + 10*time.Millisecond)
	if err := t.Inject(segment(ack, 1, p.isn+1, nil, nil), engine.GSO{}); err != nil {
		return nil, err
	}
	p.fd, err = must(t, "accept", num(listener), num(0), num(0))
	return p, err
}
